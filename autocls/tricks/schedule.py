"""Slots ``schedule`` and ``lr_scaling``: the learning rate over time, and with the batch's size."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from autocls.domains import Int, OneOf
from autocls.tricks.base import Trick


class Schedule(Trick):
    """The learning rate's factor over the training, warm-up left out."""

    neutral: ClassVar[str] = "constant"

    @abstractmethod
    def factor(self, progress: float, scores: Sequence[float]) -> float:
        """The factor in 0..1 at ``progress`` (0 = end of the warm-up, 1 = end) after these validation scores."""


class Cosine(Schedule):
    """Half a cosine from the full rate down to zero."""

    paper = "Loshchilov & Hutter 2017, arXiv:1608.03983"

    def factor(self, progress: float, scores: Sequence[float]) -> float:
        return 0.5 * (1 + math.cos(math.pi * progress))


class Plateau(Schedule):
    """Cut the rate whenever the validation score has not risen for ``patience`` epochs."""

    paper = "He et al. 2016, arXiv:1512.03385"
    cut: Annotated[float, OneOf(0.1, 0.3, 0.5), Field(gt=0, lt=1)] = 0.3
    patience: Annotated[int, Int(1, 4), Field(gt=0)] = 2

    def factor(self, progress: float, scores: Sequence[float]) -> float:
        best, waited, factor = -math.inf, 0, 1.0
        for score in scores:
            waited = 0 if score > best else waited + 1
            best = max(best, score)
            if waited == self.patience:
                factor, waited = factor * self.cut, 0
        return factor


class LrScaling(Trick):
    """The learning rate's dependence on the batch's size."""

    @abstractmethod
    def factor(self, batch_size: int) -> float:
        """What the optimizer's learning rate is multiplied with."""


class Linear(LrScaling):
    """lr × batch size / base: as many images a unit of learning rate, whatever the batch."""

    paper = "Goyal et al. 2017, arXiv:1706.02677"
    base: Annotated[int, Field(gt=0, description="the batch size that the optimizer's lr is meant for")] = 64

    def factor(self, batch_size: int) -> float:
        return batch_size / self.base
