"""Slot ``init``: how the weights start."""

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import nn

from autocls.errors import NotApplicable
from autocls.tricks.base import Aspect, Trick


class Init(Trick):
    """How the weights of convolutions and linear layers are drawn; the biases start at 0."""

    neutral: ClassVar[str] = "default"
    shows_in: ClassVar[Aspect] = Aspect.START
    interactions: ClassVar[str] = "norm: behind a normalisation the scale matters little. weights: excludes this."

    def apply(self, model: nn.Module) -> None:
        """Draw every weight of ``model`` anew, in place. Raises NotApplicable when it has none."""
        layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        if not layers:
            raise NotApplicable(
                f"{self.name}: not applicable: {type(model).__name__} has no convolution or linear layer"
            )
        for layer in layers:
            self.fill(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    @abstractmethod
    def fill(self, weight: torch.Tensor) -> None:
        """Draw one weight tensor in place."""


class Kaiming(Init):
    """Normal with variance 2 / fan-in: keeps the signal's size through ReLU layers."""

    paper = "He et al. 2015, arXiv:1502.01852"
    when = "Deep networks of ReLU and its kin without normalisation."

    def fill(self, weight: torch.Tensor) -> None:
        nn.init.kaiming_normal_(weight, nonlinearity="relu")


class Xavier(Init):
    """Uniform with variance 2 / (fan-in + fan-out): made for tanh-like activations."""

    paper = "Glorot & Bengio 2010, AISTATS"
    when = "sigmoid and tanh networks."

    def fill(self, weight: torch.Tensor) -> None:
        nn.init.xavier_uniform_(weight)


class Orthogonal(Init):
    """Orthogonal matrices: every layer keeps the length of what it gets."""

    paper = "Saxe et al. 2014, arXiv:1312.6120"
    when = "Very deep plain networks; takes seconds for very wide layers."

    def fill(self, weight: torch.Tensor) -> None:
        nn.init.orthogonal_(weight)
