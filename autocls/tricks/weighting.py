"""Slot ``class_weights``: how much the images of each class count in the loss."""

from abc import abstractmethod
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from autocls.domains import OneOf
from autocls.errors import NotApplicable
from autocls.tricks.base import Aspect, Trick


class ClassWeights(Trick):
    """How much the images of each class count in the loss; all alike unless a choice is made."""

    shows_in: ClassVar[Aspect] = Aspect.LOSS
    interactions: ClassVar[str] = (
        "sampling: balanced does the same job by drawing rare images more often. mix: a mixed image counts as its "
        "parts do. optimizer: a rare image takes a step as many times larger as it weighs, so sgd wants a lower rate."
    )

    one_label: ClassVar[str] = "an image's labels can't be weighed apart from one another"

    def weights(self, counts: torch.Tensor) -> torch.Tensor:
        """K floats from the numbers of training images of the K classes; over those images their mean is 1.

        So the learning rate keeps its meaning. Raises NotApplicable when all classes have as many images.
        """
        if bool((counts == counts[0]).all()):
            raise NotApplicable(f"{self.choice}: not applicable: every class has {int(counts[0])} training images")
        raw = self.of_size(counts.double().clamp(min=1))
        return (raw * counts.sum() / (raw * counts).sum()).float()

    @abstractmethod
    def of_size(self, counts: torch.Tensor) -> torch.Tensor:
        """K weights, in any unit, for classes of so many images (1 or more)."""


class Inverse(ClassWeights):
    """Weigh images by one over the size of their class, so that every class counts as much as any other."""

    paper = "King & Zeng 2001, Political Analysis 9"
    when = "Skewed data and a metric that weighs classes alike (balanced_accuracy, macro_f1)."
    power: Annotated[float, OneOf(0.5, 1.0), Field(gt=0, le=1, description="1 evens classes out, 0 is off")] = 1.0

    def of_size(self, counts: torch.Tensor) -> torch.Tensor:
        return counts**-self.power


class EffectiveNumber(ClassWeights):
    """Weigh images by one over their class's effective number, (1 - beta^n) / (1 - beta): more images add ever less."""

    paper = "Cui et al. 2019, arXiv:1901.05555"
    when = "Classes from a few to thousands of images, where weights by inverse size overdo it."
    beta: Annotated[
        float, OneOf(0.9, 0.99, 0.999, 0.9999), Field(gt=0, lt=1, description="nearer to 1: nearer to inverse")
    ] = 0.99

    def of_size(self, counts: torch.Tensor) -> torch.Tensor:
        return (1 - self.beta) / (1 - self.beta**counts)
