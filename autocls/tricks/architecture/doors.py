"""Any network of timm or torchvision, by its name there."""

from typing import ClassVar

from pydantic import field_validator
from torch import nn

from autocls.models import doors
from autocls.tricks.architecture.base import Architecture, FromTimm, FromTorchvision


class _ByName(Architecture):
    """A network of another library by its name there."""

    smallest = 0  # found anew for each name
    entry: str

    @property
    def choice(self) -> str:
        return f"{self.name}{self.entry}"

    def written(self) -> str:
        return self.choice


class Timm(FromTimm, _ByName):
    """Any network of timm by its name there, as timm:NAME."""

    name: ClassVar[str] = "timm:"
    paper = "Wightman 2019, github.com/huggingface/pytorch-image-models"
    when = "When you know which of timm's thousand networks you want."

    @field_validator("entry")
    @classmethod
    def _known(cls, entry: str) -> str:
        return doors.known_timm(entry)

    @property
    def library_name(self) -> str:
        return self.entry

    def build(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return doors.timm_model(self.entry, classes, channels, image_size)


class Torchvision(FromTorchvision, _ByName):
    """Any classifier of torchvision by its name there, as torchvision:NAME."""

    name: ClassVar[str] = "torchvision:"
    paper = "TorchVision maintainers 2016, github.com/pytorch/vision"
    when = "When you know which of torchvision's eighty classifiers you want."

    @field_validator("entry")
    @classmethod
    def _known(cls, entry: str) -> str:
        return doors.known_torchvision(entry)

    @property
    def library_name(self) -> str:
        return self.entry

    def build(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return doors.torchvision_model(self.entry, classes, channels, image_size)
