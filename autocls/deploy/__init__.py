"""Trained models at work."""

from autocls.deploy.classifier import Classifier, Prediction
from autocls.deploy.recognizer import Match, Recognizer

__all__ = ["Classifier", "Match", "Prediction", "Recognizer"]
