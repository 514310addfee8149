"""Slot ``architecture``: the network."""

from abc import abstractmethod
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator
from torch import nn

from autocls.domains import OneOf
from autocls.models import doors
from autocls.models.lenet import LeNet as LeNetModule
from autocls.models.stems import fit
from autocls.tricks.base import Trick


class Architecture(Trick):
    """The network that is trained, with freshly drawn weights."""

    required: ClassVar[bool] = True

    @abstractmethod
    def build(self, classes: int, channels: int, image_size: int) -> nn.Module:
        """A network from B×channels×image_size×image_size floats to B×classes logits."""


class Lenet(Architecture):
    """Two convolutions and three linear layers: seconds to train, and strong on small grey pictures."""

    paper = "LeCun et al. 1998, doi:10.1109/5.726791"
    width: Annotated[float, OneOf(1.0, 2.0, 4.0), Field(gt=0, le=16)] = 1.0

    def build(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return LeNetModule(classes, channels, image_size, self.width)


class Resnet18(Architecture):
    """Eighteen layers with identity shortcuts; below 64 pixels with the paper's 3×3 CIFAR stem."""

    paper = "He et al. 2016, arXiv:1512.03385"

    def build(self, classes: int, channels: int, image_size: int) -> nn.Module:
        from torchvision.models import resnet18

        return fit(resnet18(num_classes=classes), channels, image_size, pools=("maxpool",))


class MobilenetV2(Architecture):
    """Inverted residuals with depthwise convolutions, made for phones; below 64 pixels with a stride-1 stem."""

    paper = "Sandler et al. 2018, arXiv:1801.04381"
    width: Annotated[float, OneOf(0.25, 0.5, 1.0), Field(gt=0, le=4)] = 1.0

    def build(self, classes: int, channels: int, image_size: int) -> nn.Module:
        from torchvision.models import mobilenet_v2

        return fit(mobilenet_v2(num_classes=classes, width_mult=self.width), channels, image_size)


class ShufflenetV2(Architecture):
    """Split, convolve, shuffle channels: the least memory traffic a layer; below 64 pixels with a stride-1 stem."""

    paper = "Ma et al. 2018, arXiv:1807.11164"
    width: Annotated[float, OneOf(0.5, 1.0), Field(description="0.5, 1, 1.5 or 2")] = 0.5

    @field_validator("width")
    @classmethod
    def _built(cls, width: float) -> float:
        if width not in (0.5, 1.0, 1.5, 2.0):
            raise ValueError(f"width: ShuffleNet v2 comes as 0.5, 1, 1.5 or 2, not {width:g}")
        return width

    def build(self, classes: int, channels: int, image_size: int) -> nn.Module:
        from torchvision.models import get_model

        name = f"shufflenet_v2_x{self.width:.1f}".replace(".", "_")
        return fit(get_model(name, num_classes=classes), channels, image_size, pools=("maxpool",))


class Squeezenet(Architecture):
    """Fire modules of 1×1 and 3×3 convolutions (version 1.1), no linear layer; below 64 pixels with a stride-1 stem."""

    paper = "Iandola et al. 2016, arXiv:1602.07360"

    def build(self, classes: int, channels: int, image_size: int) -> nn.Module:
        from torchvision.models import squeezenet1_1

        return fit(squeezenet1_1(num_classes=classes), channels, image_size)


class _ByName(Architecture):
    """A network of another library by its name there."""

    model: str

    @property
    def choice(self) -> str:
        return f"{self.name}{self.model}"

    def written(self) -> Any:
        return self.choice


class Timm(_ByName):
    """Any network of timm by its name there, as ``timm:NAME``."""

    name: ClassVar[str] = "timm:"
    paper = "Wightman 2019, github.com/huggingface/pytorch-image-models"

    @field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        return doors.known_timm(model)

    def build(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return doors.timm_model(self.model, classes, channels, image_size)


class Torchvision(_ByName):
    """Any classifier of torchvision by its name there, as ``torchvision:NAME``."""

    name: ClassVar[str] = "torchvision:"
    paper = "TorchVision maintainers 2016, github.com/pytorch/vision"

    @field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        return doors.known_torchvision(model)

    def build(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return doors.torchvision_model(self.model, classes, channels)
