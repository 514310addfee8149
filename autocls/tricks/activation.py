"""Slot ``activation``: the non-linearity, wherever the network has one as a module."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from autocls.domains import Uniform
from autocls.surgery import Site
from autocls.tricks.base import Trick
from autocls.tricks.structure import Surgery

_TORCH = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish,
          nn.Tanh, nn.RReLU, nn.Softplus)  # fmt: skip
_GATES = ("Sigmoid", "HardSigmoid")
_GATED = ("SqueezeExcite", "SqueezeExcitation", "SEModule", "EffectiveSEModule")
_TIMM = "timm.layers.activations"


class Activation(Trick, Surgery):
    """The non-linearity between the layers; squeeze-and-excitation keeps its own."""

    neutral: ClassVar[str] = "default"

    def select(self, sites: list[Site]) -> Iterable[Site]:
        gated = tuple(f"{site.path}." for site in sites if type(site.module).__name__ in _GATED)
        return [site for site in sites if not site.path.startswith(gated)]

    def replace(self, site: Site) -> nn.Module | None:
        return self.layer() if _is_activation(site.module) else None

    @abstractmethod
    def layer(self) -> nn.Module:
        """The activation as a module."""


def _is_activation(module: nn.Module) -> bool:
    kind = type(module)  # timm's own are told by where they are from, without a second spent on importing timm
    return isinstance(module, _TORCH) or (kind.__module__ == _TIMM and kind.__name__ not in _GATES)


class Relu(Activation):
    """max(0, x): the default of most networks, and the cheapest."""

    paper = "Nair & Hinton 2010, ICML"

    def layer(self) -> nn.Module:
        return nn.ReLU(inplace=True)


class Elu(Activation):
    """x, or alpha (eˣ - 1) below 0: smooth, mean activations nearer to 0."""

    paper = "Clevert et al. 2016, arXiv:1511.07289"
    alpha: Annotated[float, Uniform(0.5, 1.5), Field(gt=0)] = 1.0

    def layer(self) -> nn.Module:
        return nn.ELU(self.alpha, inplace=True)


class LeakyRelu(Activation):
    """x, or slope · x below 0: no unit dies."""

    paper = "Maas et al. 2013, ICML workshop"
    slope: Annotated[float, Uniform(0.005, 0.3), Field(ge=0, lt=1)] = 0.01

    def layer(self) -> nn.Module:
        return nn.LeakyReLU(self.slope, inplace=True)


class Prelu(Activation):
    """x, or a learned slope · x below 0."""

    paper = "He et al. 2015, arXiv:1502.01852"

    def layer(self) -> nn.Module:
        return nn.PReLU()


class Tanh(Activation):
    """The hyperbolic tangent: bounded, saturating; LeNet's original choice."""

    paper = "LeCun et al. 1998, Efficient BackProp"

    def layer(self) -> nn.Module:
        return nn.Tanh()
