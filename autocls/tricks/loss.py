"""Slot ``loss``: what training makes small."""

from abc import abstractmethod
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field

from autocls.domains import OneOf, Uniform
from autocls.tricks.base import Aspect, Trick


class Loss(Trick):
    """The distance between logits and targets, and how logits are read as probabilities."""

    required: ClassVar[bool] = True
    shows_in: ClassVar[Aspect] = Aspect.LOSS

    @abstractmethod
    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The batch's mean loss, a scalar; both arguments are B×K, targets are 0..1.

        Rows of targets sum to 1, unless images have any number of labels.
        """

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """B×K probabilities of images of one class each, rows summing to 1."""
        return logits.softmax(dim=1)


class CrossEntropy(Loss):
    """-Σ target · log softmax(logits): the classifier's usual loss."""

    paper = "Bridle 1990, Neurocomputing"
    when = "The default, and the one whose probabilities are nearest to the truth."
    interactions = "label_smoothing and mix soften its targets."
    one_label = "it shares one label among the classes"

    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits, targets)


class Mse(Loss):
    """Squared distance of the logits to the one-hot target, summed over the classes."""

    paper = "Hui & Belkin 2021, arXiv:2006.07322"
    when = "Few classes; with many it learns slowly, and its probabilities are rough."
    one_label = "its logits are the shares of one label"

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
        return _sigmoids_over_their_sum(logits)


class Focal(Loss):
    """Cross-entropy of each class weighted by (1 - p)^gamma: what is right already counts little."""

    paper = "Lin et al. 2017, arXiv:1708.02002"
    when = "Skewed data, where easy images of frequent classes drown the others."
    interactions = "sampling: balanced does the same job. label_smoothing pulls the other way."
    one_label = "it shares one label among the classes; asymmetric with equal gammas is focal for each label"
    gamma: Annotated[float, Uniform(0.5, 4.0), Field(gt=0, le=10)] = 2.0

    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        logs = logits.log_softmax(dim=1)
        wrong = (-logs.expm1()).clamp(min=1e-12)  # at 0, the power of a gamma below 1 has no finite gradient
        return -(targets * wrong**self.gamma * logs).sum(dim=1).mean()


class Asymmetric(Loss):
    """Binary cross-entropy in which an easy no counts little, and nothing once its probability is below ``margin``.

    -Σ target · (1 - p)^gamma_pos · log p + (1 - target) · q^gamma_neg · log(1 - q), q = max(p - margin, 0).
    """

    paper = "Ridnik et al. 2021, arXiv:2009.14119"
    when = "Many labels of which an image has few, whose noes drown the yeses; its probabilities are too high."
    interactions = "mix and label_smoothing soften its targets, for which it has no theory; they work as with bce."
    gamma_pos: Annotated[float, OneOf(0.0, 1.0), Field(ge=0, le=10, description="focus on a hard yes")] = 0.0
    gamma_neg: Annotated[float, Uniform(1.0, 6.0), Field(ge=0, le=10, description="focus on a hard no")] = 4.0
    margin: Annotated[float, Uniform(0.0, 0.1), Field(ge=0, lt=1, description="of p, below which a no is free")] = 0.05

    def compute(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        missing = (-logits).sigmoid()  # 1 - p
        shifted = (missing + self.margin).clamp(min=torch.finfo(logits.dtype).tiny, max=1.0)  # 1 - q
        # At 0, the power of a gamma below 1 has no finite gradient.
        yes = missing.clamp(min=1e-12) ** self.gamma_pos * F.logsigmoid(logits)
        no = (1 - shifted).clamp(min=1e-12) ** self.gamma_neg * shifted.log()
        return -(targets * yes + (1 - targets) * no).sum(dim=1).mean()

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        return _sigmoids_over_their_sum(logits)


def _sigmoids_over_their_sum(logits: torch.Tensor) -> torch.Tensor:
    return F.logsigmoid(logits).softmax(dim=1)
