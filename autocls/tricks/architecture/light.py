"""Slot ``architecture``: networks that are small or fast enough for a phone."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator
from torch import nn

from autocls.domains import OneOf
from autocls.models.mobilenet_v1 import mobilenet_v1
from autocls.models.shufflenet_v1 import SECOND_STAGE, shufflenet_v1
from autocls.tricks.architecture.base import LIGHTWEIGHT, Architecture, FromTimm, FromTorchvision


class _Light:
    words = frozenset({LIGHTWEIGHT})
    small_stem = True


class MobilenetV1(_Light, FromTimm, Architecture):
    """Depthwise separable convolutions in one plain chain, made for phones."""

    paper = "Howard et al. 2017, arXiv:1704.04861"
    when = "Where every layer must be simple, as for a small board; else mobilenet_v2 is better at the same cost."
    width: Annotated[float, OneOf(0.25, 0.5, 1.0), Field(gt=0, le=4)] = 1.0

    @property
    def library_name(self) -> str:
        return "mobilenetv1_100"

    @property
    def options(self) -> dict[str, Any]:
        return {} if self.width == 1 else {"width": self.width}

    def network(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return mobilenet_v1(classes, channels, self.width)


class MobilenetV2(_Light, FromTorchvision, Architecture):
    """Inverted residuals with depthwise convolutions, made for phones."""

    paper = "Sandler et al. 2018, arXiv:1801.04381"
    when = "The first light network to try: accurate for its size, and fast on phones and small boards."
    width: Annotated[float, OneOf(0.25, 0.5, 1.0), Field(gt=0, le=4)] = 1.0

    @property
    def options(self) -> dict[str, Any]:
        return {} if self.width == 1 else {"width_mult": self.width}


class ShufflenetV1(_Light, Architecture):
    """Grouped 1×1 convolutions, and a shuffle of channels so that the groups hear of each other."""

    paper = "Zhang et al. 2017, arXiv:1707.01083"
    when = "Below 50 million multiply-adds, where 1×1 convolutions would cost most; more groups for narrower networks."
    stem_pools: ClassVar[tuple[str, ...]] = ("maxpool",)
    groups: Annotated[int, OneOf(1, 2, 3, 4, 8), Field(description="1, 2, 3, 4 or 8")] = 3
    width: Annotated[float, OneOf(0.25, 0.5, 1.0), Field(gt=0, le=4)] = 1.0

    @field_validator("groups")
    @classmethod
    def _built(cls, groups: int) -> int:
        if groups not in SECOND_STAGE:
            raise ValueError(f"groups: ShuffleNet v1 comes with 1, 2, 3, 4 or 8, not {groups}")
        return groups

    def network(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return shufflenet_v1(classes, channels, self.groups, self.width)


class ShufflenetV2(_Light, FromTorchvision, Architecture):
    """Split, convolve, shuffle channels: the least memory traffic a layer."""

    paper = "Ma et al. 2018, arXiv:1807.11164"
    when = "Where it must be fast as measured, on a CPU above all, rather than have few multiply-adds."
    stem_pools: ClassVar[tuple[str, ...]] = ("maxpool",)
    width: Annotated[float, OneOf(0.5, 1.0), Field(description="0.5, 1, 1.5 or 2")] = 0.5

    @field_validator("width")
    @classmethod
    def _built(cls, width: float) -> float:
        if width not in (0.5, 1.0, 1.5, 2.0):
            raise ValueError(f"width: ShuffleNet v2 comes as 0.5, 1, 1.5 or 2, not {width:g}")
        return width

    @property
    def library_name(self) -> str:
        return f"shufflenet_v2_x{self.width:.1f}".replace(".", "_")


class _Squeezenet(_Light, FromTorchvision):
    paper = "Iandola et al. 2016, arXiv:1602.07360"
    smallest = 8


class Squeezenet1_0(_Squeezenet, Architecture):  # noqa: N801  (the dot of the version)
    """Fire modules of 1×1 and 3×3 convolutions, no linear layer: AlexNet's accuracy in a fiftieth of its weights."""

    name = "squeezenet1_0"
    when = "Where the file must be small and time is no matter: squeezenet1_1 is as good and over twice as fast."


class Squeezenet1_1(_Squeezenet, Architecture):  # noqa: N801
    """Fire modules as in squeezenet1_0, its poolings earlier: as accurate for less than half of the multiply-adds."""

    name = "squeezenet1_1"
    when = "Where the file must be small: a network of three megabytes that needs no BatchNorm."
