import pytest
import torch
from torch import nn

from autocls.models.lenet import LeNet
from autocls.models.stems import first_conv
from autocls.tricks.architecture import Architecture, Lenet, MobilenetV2, Resnet18, ShufflenetV2, Squeezenet

OWN = [Lenet(), Resnet18(), MobilenetV2(width=0.25), ShufflenetV2(), Squeezenet()]
own = pytest.mark.parametrize("architecture", OWN, ids=lambda a: a.name)
stemmed = pytest.mark.parametrize("architecture", OWN[1:], ids=lambda a: a.name)


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@own
@pytest.mark.parametrize("size", [28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_any_kind_give_logits(architecture: Architecture, channels: int, size: int):
    model = architecture.build(5, channels, size).eval()
    with torch.no_grad():
        logits = model(torch.rand(2, channels, size, size))
    assert logits.shape == (2, 5)
    assert logits.isfinite().all()


@stemmed
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [28, 63])
def test_small_images_are_not_shrunk_by_the_stem(architecture: Architecture, channels: int, size: int):
    model = architecture.build(5, channels, size)
    conv = first_conv(model)[1]
    assert (conv.in_channels, conv.stride, conv.kernel_size, conv.padding) == (channels, (1, 1), (3, 3), (1, 1))
    assert not isinstance(getattr(model, "maxpool", None), nn.MaxPool2d)


@stemmed
def test_large_colour_images_get_the_stem_of_the_paper(architecture: Architecture):
    model = architecture.build(5, 3, 64)
    conv = first_conv(model)[1]
    assert (conv.in_channels, conv.stride) == (3, (2, 2))
    assert not isinstance(getattr(model, "maxpool", None), nn.Identity)


@stemmed
def test_large_grey_images_change_the_channels_alone(architecture: Architecture):
    grey, colour = (first_conv(architecture.build(5, channels, 64))[1] for channels in (1, 3))
    assert (grey.in_channels, colour.in_channels) == (1, 3)
    assert [grey.kernel_size, grey.stride, grey.padding] == [colour.kernel_size, colour.stride, colour.padding]
    assert (grey.bias is None) == (colour.bias is None)


@pytest.mark.parametrize("make", [Lenet, MobilenetV2, ShufflenetV2], ids=lambda a: a.name)
def test_width_makes_the_network_wider(make: type[Architecture]):
    assert parameters(make(width=0.5).build(5, 3, 32)) < parameters(make(width=1).build(5, 3, 32))


def test_lenet_has_the_layers_of_the_paper():
    model = LeNet(classes=10, channels=1, image_size=28)
    convolutions = [m.out_channels for m in model.modules() if isinstance(m, nn.Conv2d)]
    linear = [m.out_features for m in model.modules() if isinstance(m, nn.Linear)]
    assert (convolutions, linear) == ([6, 16], [120, 84, 10])


@pytest.mark.parametrize("size", [8, 9, 30, 31])
def test_lenet_takes_any_size(size: int):
    assert LeNet(2, 1, size)(torch.zeros(1, 1, size, size)).shape == (1, 2)


def test_a_network_without_convolution_has_no_stem():
    with pytest.raises(ValueError, match="Linear has no convolution"):
        first_conv(nn.Linear(1, 1))
