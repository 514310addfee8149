"""Slot ``loss``: what training makes small."""

from abc import abstractmethod
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field

from autocls.domains import Uniform
from autocls.tricks.base import Aspect, Trick


class Loss(Trick):
    """The distance between logits and targets, and how logits are read as probabilities."""

    required: ClassVar[bool] = True
    shows_in: ClassVar[Aspect] = Aspect.LOSS

    @abstractmethod
    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The batch's mean loss, a scalar; both arguments are B×K, rows of ``targets`` sum to 1."""

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """B×K probabilities, rows summing to 1."""
        return logits.softmax(dim=1)


class CrossEntropy(Loss):
    """-Σ target · log softmax(logits): the classifier's usual loss."""

    paper = "Bridle 1990, Neurocomputing"
    when = "The default, and the one whose probabilities are nearest to the truth."
    interactions = "label_smoothing and mix soften its targets."

    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits, targets)


class Mse(Loss):
    """Squared distance of the logits to the one-hot target, summed over the classes."""

    paper = "Hui & Belkin 2021, arXiv:2006.07322"
    when = "Few classes; with many it learns slowly, and its probabilities are rough."

    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(logits, targets) * targets.shape[1]

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        positive = logits.clamp(min=1e-6)  # the logits are trained to be the probabilities themselves
        return positive / positive.sum(dim=1, keepdim=True)


class Bce(Loss):
    """Binary cross-entropy of each class by itself, summed over the classes: no class need win over the others."""

    paper = "Beyer et al. 2020, arXiv:2006.07159"
    when = "Images that show several things, and strong mixing; needs a lower rate than cross-entropy."
    interactions = "mix: mixed targets are right as they are, as several classes at once."

    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.binary_cross_entropy_with_logits(logits, targets) * targets.shape[1]

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        return F.logsigmoid(logits).softmax(dim=1)  # each class's sigmoid, over their sum


class Focal(Loss):
    """Cross-entropy of each class weighted by (1 - p)^gamma: what is right already counts little."""

    paper = "Lin et al. 2017, arXiv:1708.02002"
    when = "Skewed data, where easy images of frequent classes drown the others."
    interactions = "sampling: balanced does the same job. label_smoothing pulls the other way."
    gamma: Annotated[float, Uniform(0.5, 4.0), Field(gt=0, le=10)] = 2.0

    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        logs = logits.log_softmax(dim=1)
        wrong = (-logs.expm1()).clamp(min=1e-12)  # at 0, the power of a gamma below 1 has no finite gradient
        return -(targets * wrong**self.gamma * logs).sum(dim=1).mean()
