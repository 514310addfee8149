import pytest
import torch

from autocls.models.doors import known_timm, known_torchvision, timm_model, torchvision_model


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


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "mobilenetv3_small_050.lamb_in1k", "vit_tiny_patch16_224"])
def test_timm_builds_for_the_channels_and_the_size(name: str, channels: int):
    model = timm_model(name, 5, channels, 32).eval()
    assert model(torch.zeros(1, channels, 32, 32)).shape == (1, 5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["squeezenet1_1", "mnasnet0_5", "googlenet"])
def test_torchvision_builds_for_the_channels(name: str, channels: int):
    model = torchvision_model(name, 5, channels).train()
    assert model(torch.zeros(2, channels, 64, 64)).shape == (2, 5), "logits alone, while training too"
