"""Slots ``schedule`` and ``lr_scaling``: the learning rate over time, and with the batch's size."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from autocls.domains import Int, OneOf, Uniform
from autocls.tricks.base import Aspect, Trick


class Schedule(Trick):
    """The learning rate's factor over the training, warm-up left out."""

    neutral: ClassVar[str] = "constant"
    shows_in: ClassVar[Aspect] = Aspect.RATES
    interactions: ClassVar[str] = "epochs: it spans them all. warmup comes before it."

    @abstractmethod
    def factor(self, progress: float, scores: Sequence[float]) -> float:
        """The factor in 0..1 at ``progress`` (0 = end of the warm-up, 1 = end) after these validation scores."""


class Cosine(Schedule):
    """Half a cosine from the full rate down to zero."""

    paper = "Loshchilov & Hutter 2017, arXiv:1608.03983"
    when = "Nearly always, once the number of epochs is fixed."

    def factor(self, progress: float, scores: Sequence[float]) -> float:
        return 0.5 * (1 + math.cos(math.pi * progress))


class CosineRestarts(Schedule):
    """Several cosines one after the other, each from the full rate down to zero."""

    paper = "Loshchilov & Hutter 2017, arXiv:1608.03983"
    when = "Long trainings that may end at any cycle; in short ones each restart undoes work."
    cycles: Annotated[int, Int(2, 4), Field(gt=1, le=100)] = 2

    def factor(self, progress: float, scores: Sequence[float]) -> float:
        within = math.fmod(progress * self.cycles, 1.0) if progress < 1 else 1.0
        return 0.5 * (1 + math.cos(math.pi * within))


class Step(Schedule):
    """Cut the rate at fixed points, which share the training evenly."""

    paper = "He et al. 2016, arXiv:1512.03385"
    when = "As papers of the time do it; cosine is mostly as good with less to choose."
    cut: Annotated[float, OneOf(0.1, 0.3, 0.5), Field(gt=0, lt=1)] = 0.1
    cuts: Annotated[int, Int(1, 3), Field(gt=0, le=100)] = 2

    def factor(self, progress: float, scores: Sequence[float]) -> float:
        return self.cut ** min(self.cuts, math.floor(progress * (self.cuts + 1)))


class OneCycle(Schedule):
    """From a 25th of the rate up to it and down to nothing, both along half a cosine."""

    paper = "Smith & Topin 2018, arXiv:1708.07120"
    when = "Few epochs at a high rate."
    interactions = "warmup: has one of its own. epochs: it spans them all."
    rise: Annotated[float, Uniform(0.1, 0.5), Field(gt=0, lt=1, description="share of the training")] = 0.3

    def factor(self, progress: float, scores: Sequence[float]) -> float:
        if progress < self.rise:
            return 1 - (1 - 1 / 25) * 0.5 * (1 + math.cos(math.pi * progress / self.rise))
        return 0.5 * (1 + math.cos(math.pi * (progress - self.rise) / (1 - self.rise)))


class Plateau(Schedule):
    """Cut the rate whenever the validation score has not risen for ``patience`` epochs."""

    paper = "He et al. 2016, arXiv:1512.03385"
    when = "Where nobody knows how many epochs it takes; noise in small validation parts sets it off too early."
    interactions = "epochs: it looks at the scores, not at the end."
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

    shows_in: ClassVar[Aspect] = Aspect.RATES

    @abstractmethod
    def factor(self, batch_size: int) -> float:
        """What the optimizer's learning rate is multiplied with."""


class Linear(LrScaling):
    """lr × batch size / base: as many images a unit of learning rate, whatever the batch."""

    paper = "Goyal et al. 2017, arXiv:1706.02677"
    when = "SGD, and several batch sizes in one space, so that the rate's range means the same for each."
    interactions = "batch_size: at the base itself it changes nothing. warmup: large batches need it."
    base: Annotated[int, Field(gt=0, description="the batch size that the optimizer's lr is meant for")] = 64

    def factor(self, batch_size: int) -> float:
        return batch_size / self.base
