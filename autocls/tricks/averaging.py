"""Slot ``averaging``: weights averaged over the training."""

import math
from abc import abstractmethod
from copy import deepcopy
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import nn

from autocls.domains import Uniform
from autocls.tricks.base import Aspect, Trick


class Averaging(Trick):
    """An average of the weights, which is what is validated and kept."""

    shows_in: ClassVar[Aspect] = Aspect.ANSWERS
    interactions: ClassVar[str] = "schedule: a constant rate gains most, one that falls to zero little."

    @abstractmethod
    def share(self, step: int, steps: int) -> float:
        """How far (0..1) the average moves towards the weights after step ``step``, from 1, of ``steps``."""

    def follow(self, model: nn.Module, steps: int) -> "Average":
        """An average that starts at ``model``'s weights and is to be updated ``steps`` times."""
        return Average(self, model, steps)


class Average:
    """A network beside the one that is trained, and moved after it."""

    def __init__(self, averaging: Averaging, model: nn.Module, steps: int) -> None:
        self._averaging = averaging
        self._steps = steps
        self._step = 0
        self.module = deepcopy(model).requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in ``model`` after its next step.

        BatchNorm's statistics are averaged like weights, which spares a pass over all images to compute them anew.
        """
        self._step += 1
        share = self._averaging.share(self._step, self._steps)
        pairs = list(zip(self.module.state_dict().values(), model.state_dict().values(), strict=True))
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        torch._foreach_lerp_([mine for mine, _ in floats], [its for _, its in floats], share)
        for mine, its in pairs:
            if not mine.is_floating_point():
                mine.copy_(its)

    def state_dict(self) -> dict[str, Any]:
        """What ``load_state_dict`` goes on from; its tensors are the average's own."""
        return {"step": self._step, "module": self.module.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        self._step = state["step"]
        self.module.load_state_dict(state["module"])


class Ema(Averaging):
    """Exponential moving average of the weights; the decay rises from 0 to its value over the first steps."""

    paper = "Polyak & Juditsky 1992, doi:10.1137/0330046"
    when = "Small batches, high rates, noisy validation scores; costs the memory of a second network."
    rate: Annotated[float, Uniform(0.9, 0.999), Field(gt=0, lt=1, description="share kept at each step")] = 0.99

    def share(self, step: int, steps: int) -> float:
        return 1 - min(self.rate, 1 - math.pow(step, -2 / 3))


class Swa(Averaging):
    """The plain mean of the weights at every step of the last part of the training."""

    paper = "Izmailov et al. 2018, arXiv:1803.05407"
    when = "Trainings that end at a high, constant rate; costs the memory of a second network."
    start: Annotated[float, Uniform(0.5, 0.9), Field(ge=0, lt=1, description="share of the training")] = 0.75

    def share(self, step: int, steps: int) -> float:
        return 1 / max(1, step - int(self.start * steps))
