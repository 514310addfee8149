"""Slot ``architecture``: the deep networks of 2014 to 2018, from Inception to squeeze-and-excitation."""

from typing import ClassVar

from torch import nn

from autocls.models.nasnet_mobile import NasnetMobile as NasnetMobileModule
from autocls.tricks.architecture.base import CLASSIC, Architecture, FromTimm, FromTorchvision


class Googlenet(FromTorchvision, Architecture):
    """Inception modules, parallel convolutions of several sizes; here without the auxiliary heads."""

    paper = "Szegedy et al. 2015, arXiv:1409.4842"
    when = "To compare with the history: as large as a light network, and slower."
    words = frozenset({CLASSIC})
    smallest = 4
    small_stem = True
    stem_pools = ("maxpool1",)


class InceptionV3(FromTorchvision, Architecture):
    """Inception modules whose large convolutions are factored into small ones; here without the auxiliary head."""

    paper = "Szegedy et al. 2016, arXiv:1512.00567"
    when = "On images of 150 pixels and more, where things appear in many sizes."
    smallest = 75


class InceptionV4(FromTimm, Architecture):
    """A deeper, more regular Inception with reduction modules of its own."""

    paper = "Szegedy et al. 2017, arXiv:1602.07261"
    when = "As inception_v3, with more data and a larger GPU."
    smallest = 75


class _Densenet(FromTorchvision):
    paper = "Huang et al. 2017, arXiv:1608.06993"
    smallest = 8
    small_stem = True
    stem_pools: ClassVar[tuple[str, ...]] = ("features.pool0",)


class Densenet121(_Densenet, Architecture):
    """A hundred and twenty-one layers, each fed by all before it in its block."""

    when = "With few images: it reuses features instead of learning more weights, for much memory while training."


class Densenet169(_Densenet, Architecture):
    """A hundred and sixty-nine layers, each fed by all before it in its block."""

    when = "When densenet121 underfits and time is no matter."


class Densenet201(_Densenet, Architecture):
    """Two hundred and one layers, each fed by all before it in its block."""

    when = "When densenet169 underfits and time is no matter."


class _Nasnet:
    paper = "Zoph et al. 2018, arXiv:1707.07012"
    small_stem = True


class NasnetLarge(_Nasnet, FromTimm, Architecture):
    """Cells found by search on CIFAR-10, eighteen of them, 4032 channels wide at the end (NASNet-A 6 @ 4032)."""

    when = "For the best accuracy of 2018 at any price: the slowest network here."

    @property
    def library_name(self) -> str:
        return "nasnetalarge"


class NasnetMobile(_Nasnet, Architecture):
    """Cells found by search on CIFAR-10, twelve of them, 1056 channels wide at the end (NASNet-A 4 @ 1056)."""

    when = "Where few multiply-adds count and speed doesn't: its many small operations are slow on a GPU."

    def network(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return NasnetMobileModule(classes, channels)


class _Legacy(FromTimm):
    """Networks that timm ships twice: as their authors had them, with published weights, and modernised."""

    @property
    def library_name(self) -> str:
        return f"legacy_{self.name}"


class Xception(_Legacy, Architecture):
    """Depthwise separable convolutions throughout, with shortcuts: Inception taken to its extreme."""

    paper = "Chollet 2017, arXiv:1610.02357"
    when = "With published weights, or where an Inception would do: as large as resnet50 and more accurate."
    smallest = 3
    small_stem = True


class _Senet(_Legacy):
    paper = "Hu et al. 2018, arXiv:1709.01507"
    small_stem = True
    stem_pools: ClassVar[tuple[str, ...]] = ("pool0",)


class Seresnet18(_Senet, Architecture):
    """resnet18 with a gate for every channel, set by what the whole image holds."""

    when = "Where resnet18 is good and a tenth more time is no matter."


class Seresnet34(_Senet, Architecture):
    """resnet34 with a gate for every channel, set by what the whole image holds."""

    when = "Where resnet34 is good and a tenth more time is no matter."


class Seresnet50(_Senet, Architecture):
    """resnet50 with a gate for every channel, set by what the whole image holds."""

    when = "Where resnet50 is good and a tenth more time is no matter."


class Seresnet101(_Senet, Architecture):
    """resnet101 with a gate for every channel, set by what the whole image holds."""

    when = "Where resnet101 is good and a tenth more time is no matter."


class Senet154(_Senet, Architecture):
    """Grouped bottlenecks, 154 layers deep, with a gate for every channel: the winner of ImageNet 2017."""

    when = "For the best accuracy of 2017 at any price, with published weights."
