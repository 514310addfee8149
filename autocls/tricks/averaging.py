"""Slot ``ema``: weights averaged over the training."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from torch import nn

from autocls.domains import Uniform
from autocls.tricks.base import Trick

if TYPE_CHECKING:
    from timm.utils.model_ema import ModelEmaV3


class Ema(Trick):
    """A running average of the weights, which is what is validated and kept."""

    @abstractmethod
    def follow(self, model: nn.Module) -> "ModelEmaV3":
        """An average that starts at ``model``'s weights; ``update(model, step)`` takes one more step in."""


class Decay(Ema):
    """Exponential moving average; the decay rises from 0 to its value over the first steps."""

    paper = "Polyak & Juditsky 1992, doi:10.1137/0330046"
    rate: Annotated[float, Uniform(0.9, 0.999), Field(gt=0, lt=1, description="share kept at each step")] = 0.99

    def follow(self, model: nn.Module) -> "ModelEmaV3":
        from timm.utils.model_ema import ModelEmaV3

        return ModelEmaV3(model, decay=self.rate, use_warmup=True)
