"""Slot ``activation``: the non-linearity, wherever the network has one as a module."""

import re
from abc import abstractmethod
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator
from torch import nn

from autocls.domains import Uniform
from autocls.surgery import Site
from autocls.tricks.base import Trick
from autocls.tricks.surgery import Replacement

_TORCH = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish,
          nn.Tanh, nn.RReLU, nn.Softplus)  # fmt: skip
_GATES = ("Sigmoid", "HardSigmoid")
_TIMM = "timm.layers.activations"


class Activation(Trick, Replacement):
    """The non-linearity between the layers; squeeze-and-excitation keeps its own."""

    neutral: ClassVar[str] = "default"
    place: ClassVar[str] = "activation of another kind as a module of its own"
    interactions: ClassVar[str] = "init: kaiming suits ReLU's kin, xavier sigmoid and tanh. norm: bounds what comes in."

    def replace(self, site: Site) -> nn.Module | None:
        if not _is_activation(site.module):
            return None
        new = self.layer()
        if _function(new) == _function(site.module):
            return None
        if "inplace" in vars(new):  # where the network's own isn't, what went in may be needed once more
            vars(new)["inplace"] = getattr(site.module, "inplace", False)
        return new

    @abstractmethod
    def layer(self) -> nn.Module:
        """The activation as a module."""


def _is_activation(module: nn.Module) -> bool:
    kind = type(module)  # timm's own are told by where they are from, without a second spent on importing timm
    return isinstance(module, _TORCH) or (kind.__module__ == _TIMM and kind.__name__ not in _GATES)


def _function(module: nn.Module) -> str:
    return re.sub(r"(, )?inplace=(True|False)", "", str(module))


class Relu(Activation):
    """max(0, x): the default of most networks, and the cheapest."""

    paper = "Nair & Hinton 2010, ICML"
    when = "As the yardstick; networks that have it already have no place for it."

    def layer(self) -> nn.Module:
        return nn.ReLU()


class Relu6(Activation):
    """min(max(0, x), 6): a ReLU that stays within few bits."""

    paper = "Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10"
    when = "Networks that will be quantised for a phone."

    def layer(self) -> nn.Module:
        return nn.ReLU6()


class LeakyRelu(Activation):
    """x, or slope · x below 0: no unit dies."""

    paper = "Maas et al. 2013, ICML workshop"
    when = "Where ReLU units die, at high rates and without normalisation."
    slope: Annotated[float, Uniform(0.005, 0.3), Field(ge=0, lt=1)] = 0.01

    def layer(self) -> nn.Module:
        return nn.LeakyReLU(self.slope)


class Prelu(Activation):
    """x, or a learned slope · x below 0."""

    paper = "He et al. 2015, arXiv:1502.01852"
    when = "As leaky_relu, on enough images to learn the slope."

    def layer(self) -> nn.Module:
        return nn.PReLU()


class Rrelu(Activation):
    """x, or below 0 a slope · x that is drawn anew in training, and is the range's middle afterwards."""

    paper = "Xu et al. 2015, arXiv:1505.00853"
    when = "Few images: the noise regularises. Slow on a CPU."
    lower: Annotated[float, Uniform(0.05, 0.2), Field(gt=0, lt=1)] = 1 / 8
    upper: Annotated[float, Uniform(0.25, 0.5), Field(gt=0, lt=1)] = 1 / 3

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lower > self.upper:
            raise ValueError(f"lower: at most upper = {self.upper:g}, not {self.lower:g}")
        return self

    def layer(self) -> nn.Module:
        return nn.RReLU(self.lower, self.upper)


class Elu(Activation):
    """x, or alpha (eˣ - 1) below 0: smooth, mean activations nearer to 0."""

    paper = "Clevert et al. 2016, arXiv:1511.07289"
    when = "Networks without normalisation; with it the gain is small."
    alpha: Annotated[float, Uniform(0.5, 1.5), Field(gt=0)] = 1.0

    def layer(self) -> nn.Module:
        return nn.ELU(self.alpha)


class Selu(Activation):
    """An ELU scaled so that activations keep mean 0 and variance 1 by themselves."""

    paper = "Klambauer et al. 2017, arXiv:1706.02515"
    when = "Plain networks without normalisation; pointless behind one."

    def layer(self) -> nn.Module:
        return nn.SELU()


class Gelu(Activation):
    """x · Φ(x), Φ the normal distribution: a smooth ReLU."""

    paper = "Hendrycks & Gimpel 2016, arXiv:1606.08415"
    when = "Large networks over many epochs; costs more time than ReLU on a CPU."

    def layer(self) -> nn.Module:
        return nn.GELU()


class Silu(Activation):
    """x · sigmoid(x), also called swish: a smooth ReLU that dips below 0."""

    paper = "Ramachandran et al. 2017, arXiv:1710.05941"
    when = "Deep networks with normalisation; costs more time than ReLU on a CPU."

    def layer(self) -> nn.Module:
        return nn.SiLU()


class Mish(Activation):
    """x · tanh(softplus(x)): like silu, a little smoother and dearer."""

    paper = "Misra 2019, arXiv:1908.08681"
    when = "Deep networks with normalisation where time is plenty."

    def layer(self) -> nn.Module:
        return nn.Mish()


class Hardswish(Activation):
    """silu made of straight pieces: nearly the same function for a phone's arithmetic."""

    paper = "Howard et al. 2019, arXiv:1905.02244"
    when = "Light networks meant for phones."

    def layer(self) -> nn.Module:
        return nn.Hardswish()


class Sigmoid(Activation):
    """1 / (1 + e⁻ˣ): bounded, saturating at both ends; the oldest."""

    paper = "Rumelhart et al. 1986, doi:10.1038/323533a0"
    when = "Hardly ever: as a yardstick, in shallow networks, best with xavier and normalisation."

    def layer(self) -> nn.Module:
        return nn.Sigmoid()


class Tanh(Activation):
    """The hyperbolic tangent: bounded, saturating; LeNet's original choice."""

    paper = "LeCun et al. 1998, Efficient BackProp"
    when = "Shallow networks; deep ones learn slowly through it."

    def layer(self) -> nn.Module:
        return nn.Tanh()
