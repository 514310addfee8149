"""Trained models at work."""

from autocls.deploy.classifier import Classifier, Prediction

__all__ = ["Classifier", "Prediction"]
