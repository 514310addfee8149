"""Training one recipe: ``train(recipe, data, seed)`` yields one EpochResult per epoch."""

from autocls.training.loop import EpochResult, train

__all__ = ["EpochResult", "train"]
