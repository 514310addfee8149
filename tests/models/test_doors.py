import pytest
import torch
from torch import nn

from autocls.errors import NotApplicable
from autocls.models.doors import known_timm, known_torchvision, timm_model, torchvision_model
from autocls.models.sizes import Enlarge


@pytest.mark.parametrize("name", ["resnet18", "resnet18.a1_in1k", "mobilenetv3_small_050"])
def test_timms_names_are_known_with_and_without_a_tag(name: str):
    assert known_timm(name) == name


def test_near_names_are_said():
    with pytest.raises(ValueError, match=r"no such timm model 'resnt18'; did you mean 'resnet18'\? known: resnet18, "):
        known_timm("resnt18")
    with pytest.raises(ValueError, match=r"no such torchvision model 'resnt18'; did you mean 'resnet18'\?"):
        known_torchvision("resnt18")


def test_a_tag_that_timm_does_not_have_is_refused():
    with pytest.raises(ValueError, match="no such"):
        known_timm("resnet18.no_such_tag")


def test_torchvisions_other_networks_are_no_classifiers():
    with pytest.raises(ValueError, match="no such torchvision model"):
        known_torchvision("fcn_resnet50")


@pytest.mark.parametrize("size", [8, 28, 32, 224])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "mobilenetv3_small_050.lamb_in1k", "vit_tiny_patch16_224"])
def test_timm_builds_for_the_channels_and_the_size(name: str, channels: int, size: int):
    model = timm_model(name, 5, channels, size).eval()
    assert model(torch.zeros(1, channels, size, size)).shape == (1, 5)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", ["squeezenet1_1", "mnasnet0_5", "googlenet"])
def test_torchvision_builds_for_the_channels(name: str, channels: int):
    model = torchvision_model(name, 5, channels, 64).train()
    assert model(torch.zeros(2, channels, 64, 64)).shape == (2, 5), "logits alone, while training too"


@pytest.mark.parametrize(
    ("make", "name", "size", "enlarged"),
    [
        (torchvision_model, "squeezenet1_1", 8, 64),
        (torchvision_model, "squeezenet1_1", 32, None),
        (torchvision_model, "inception_v3", 32, 75),
        (torchvision_model, "vit_b_32", 32, 224),
        (timm_model, "inception_v4", 64, 75),
        (timm_model, "vit_tiny_patch16_224", 8, 64),
        (timm_model, "vit_tiny_patch16_224", 32, None),
        (timm_model, "crossvit_tiny_240", 32, 240),
    ],
)
def test_images_are_enlarged_to_the_first_size_that_works(make, name: str, size: int, enlarged: int | None):
    with torch.device("meta"):
        model: nn.Module = make(name, 2, 3, size)
    assert list(model._forward_pre_hooks.values()) == ([Enlarge(enlarged)] if enlarged else [])


def test_a_size_that_no_network_takes_is_said():
    with pytest.raises(NotApplicable, match=r"^torchvision:vit_b_16: not applicable: .*600 pixels"):
        torchvision_model("vit_b_16", 2, 3, 600)
