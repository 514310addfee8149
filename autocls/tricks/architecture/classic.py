"""Slot ``architecture``: the classic chains and the residual networks."""

from typing import Annotated, ClassVar

from pydantic import Field, field_validator
from torch import nn

from autocls.domains import OneOf
from autocls.models.cifar_resnet import cifar_resnet
from autocls.models.lenet import LeNet as LeNetModule
from autocls.tricks.architecture.base import CLASSIC, LIGHTWEIGHT, Architecture, FromTorchvision


class Lenet(Architecture):
    """Two convolutions and three linear layers: seconds to train, and strong on small grey pictures."""

    paper = "LeCun et al. 1998, doi:10.1109/5.726791"
    when = "The first network to try: on small images of simple things, and where a CPU must do."
    words = frozenset({LIGHTWEIGHT, CLASSIC})
    smallest = 4
    width: Annotated[float, OneOf(1.0, 2.0, 4.0), Field(gt=0, le=16)] = 1.0

    def network(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return LeNetModule(classes, channels, image_size, self.width)


class Alexnet(FromTorchvision, Architecture):
    """Five convolutions and three wide linear layers: the network that began it."""

    paper = "Krizhevsky et al. 2012, doi:10.1145/3065386"
    when = "To compare with the history; later networks are better and smaller."
    words = frozenset({CLASSIC})
    smallest = 15
    small_stem = True
    wide_head = True


class _Vgg(FromTorchvision):
    paper = "Simonyan and Zisserman 2015, arXiv:1409.1556"
    when = "Where a plain chain of layers is wanted, for features or for surgery; add norm: batch, or it hardly trains."
    words = frozenset({CLASSIC})
    smallest = 32
    wide_head = True


class Vgg11(_Vgg, Architecture):
    """Eight 3×3 convolutions between poolings, and three wide linear layers."""


class Vgg13(_Vgg, Architecture):
    """Ten 3×3 convolutions between poolings, and three wide linear layers."""


class Vgg16(_Vgg, Architecture):
    """Thirteen 3×3 convolutions between poolings, and three wide linear layers."""


class Vgg19(_Vgg, Architecture):
    """Sixteen 3×3 convolutions between poolings, and three wide linear layers."""


class _Resnet(FromTorchvision):
    paper = "He et al. 2016, arXiv:1512.03385"
    words = frozenset({CLASSIC})
    small_stem = True
    stem_pools: ClassVar[tuple[str, ...]] = ("maxpool",)


class Resnet18(_Resnet, Architecture):
    """Eighteen layers with identity shortcuts."""

    when = "The sound default on a GPU; every trick has been tried on it."


class Resnet34(_Resnet, Architecture):
    """Thirty-four layers with identity shortcuts."""

    when = "When resnet18 underfits and there are tens of thousands of images."


class Resnet50(_Resnet, Architecture):
    """Fifty layers in bottlenecks with identity shortcuts."""

    when = "With much data or published weights: the network that most results are compared with."


class Resnet101(_Resnet, Architecture):
    """A hundred and one layers in bottlenecks with identity shortcuts."""

    when = "With much data and a large GPU, once resnet50 still underfits."


class CifarResnet(Architecture):
    """Narrow residual stages on 16, 32 and 64 channels, made for 32-pixel images; shortcuts have no parameters."""

    paper = "He et al. 2016, arXiv:1512.03385"
    when = "On images of about 32 pixels: far smaller than resnet18 and nearly as good."
    words = frozenset({CLASSIC})
    depth: Annotated[int, OneOf(20, 32, 44, 56, 110), Field(ge=8, le=1202, description="layers: 6n + 2")] = 20

    @field_validator("depth")
    @classmethod
    def _whole_blocks(cls, depth: int) -> int:
        if depth % 6 != 2:
            raise ValueError(f"depth: three stages of n blocks make 6n + 2 layers, as 20, 32 or 110, not {depth}")
        return depth

    def network(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return cifar_resnet(classes, channels, self.depth)
