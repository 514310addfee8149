"""Slot ``loss``: what training makes small."""

from abc import abstractmethod
from typing import ClassVar

import torch
import torch.nn.functional as F

from autocls.tricks.base import Trick


class Loss(Trick):
    """The distance between logits and targets, and how logits are read as probabilities."""

    required: ClassVar[bool] = True

    @abstractmethod
    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The batch's mean loss, a scalar; both arguments are B×K, rows of ``targets`` sum to 1."""

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """B×K probabilities, rows summing to 1."""
        return logits.softmax(dim=1)


class CrossEntropy(Loss):
    """-Σ target · log softmax(logits): the classifier's usual loss."""

    paper = "Bridle 1990, Neurocomputing"

    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits, targets)


class Mse(Loss):
    """Squared distance of the logits to the one-hot target, summed over the classes."""

    paper = "Hui & Belkin 2021, arXiv:2006.07322"

    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(logits, targets) * targets.shape[1]

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        positive = logits.clamp(min=1e-6)  # the logits are trained to be the probabilities themselves
        return positive / positive.sum(dim=1, keepdim=True)
