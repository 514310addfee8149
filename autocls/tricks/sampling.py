"""Slots ``sampling`` and ``progressive``: which images an epoch takes, and how large they are shown."""

from abc import abstractmethod
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from autocls.domains import OneOf, Uniform
from autocls.tricks.base import Aspect, Trick


class Sampling(Trick):
    """The images of an epoch; each once unless a choice is made."""

    shows_in: ClassVar[Aspect] = Aspect.BATCH

    @abstractmethod
    def draw(self, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Places in ``labels`` (N class numbers of the training part), N of them, in the order of the epoch."""


class Balanced(Sampling):
    """Draw images so that rare classes come as often as frequent ones, which repeats the rare ones' images."""

    paper = "Kang et al. 2020, arXiv:1910.09217"
    when = "Skewed data and a metric that weighs classes alike (balanced_accuracy, macro_f1)."
    interactions = "Repeated images want augmentation. loss: focal does part of the job."
    one_label = "an image's rare labels can't be drawn without its frequent ones"
    power: Annotated[float, OneOf(0.5, 1.0), Field(gt=0, le=1, description="1 evens classes out, 0 is off")] = 1.0

    def draw(self, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        weight = labels.bincount().clamp(min=1).double() ** -self.power
        return torch.multinomial(weight[labels], len(labels), replacement=True, generator=generator)


class Progressive(Trick):
    """The size of the training images over time; full size unless a choice is made."""

    shows_in: ClassVar[Aspect] = Aspect.BATCH

    @abstractmethod
    def size(self, full: int, progress: float) -> int:
        """Pixels a side at ``progress`` (0..1 of the training), at most ``full``."""


class Grow(Progressive):
    """Start with images scaled down, and grow them evenly to full size: the first epochs cost a fraction."""

    paper = "Tan & Le 2021, arXiv:2104.00298"
    when = "Large images and networks that pool at the end; a network with a fixed input size can't."
    interactions = "image_size: the size that is grown to. batch_size: stays."
    start: Annotated[float, Uniform(0.4, 0.8), Field(gt=0, lt=1, description="share of the full side")] = 0.5
    until: Annotated[float, OneOf(0.5, 0.75), Field(gt=0, le=1, description="share of the training")] = 0.75

    def size(self, full: int, progress: float) -> int:
        share = self.start + (1 - self.start) * min(1.0, progress / self.until)
        return max(min(8, full), round(full * share))
