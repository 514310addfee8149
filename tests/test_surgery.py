from collections import OrderedDict

import pytest
import timm
import torch
import torch.nn.functional as F
from timm.layers import BatchNormAct2d
from torch import nn
from torchvision.models import mobilenet_v3_small

from autocls.errors import NotApplicable
from autocls.surgery import Site, operate, sites
from autocls.tricks.activation import LeakyRelu, Prelu, Relu
from autocls.tricks.structure import Batch, Group, HeadBatch, Stride

SAMPLE = torch.zeros(2, 3, 32, 32)


class Functional(nn.Module):
    """A network whose activation, pooling and normalisation are no modules."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 3, 3, 3))
        self.head = nn.Linear(4, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(F.max_pool2d(F.relu(F.conv2d(images, self.weight)), 2).mean((2, 3)))


class Shared(nn.Module):
    """One activation at two paths."""

    def __init__(self) -> None:
        super().__init__()
        self.second = nn.Conv2d(8, 4, 1)
        self.first = nn.Conv2d(3, 8, 3, stride=2)
        self.act1 = self.act2 = nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.act2(self.second(self.act1(self.first(images))))


def kinds(model: nn.Module, *kinds: type[nn.Module]) -> list[str]:
    return [path for path, module in model.named_modules(remove_duplicate=False) if isinstance(module, kinds)]


def test_sites_come_in_the_order_of_the_forward_pass_with_their_shapes():
    model = Shared()
    found = {site.path: site for site in sites(model, SAMPLE)}
    assert list(found) == ["first", "act1", "act2", "second"]
    assert found["first"] == Site("first", model.first, (3, 32, 32), (8, 15, 15))
    assert found["second"] == Site("second", model.second, (8, 15, 15), (4, 15, 15))


def test_containers_are_sites_too():
    model = nn.Sequential(OrderedDict(block=nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())))
    assert {site.path for site in sites(model, SAMPLE)} == {"block", "block.0", "block.1"}


def test_looking_for_sites_leaves_the_network_as_it_was():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout()).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    sites(model, SAMPLE + 1)
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_a_shared_module_is_replaced_at_all_its_paths():
    model = Shared()
    done = operate(
        model, SAMPLE, lambda found: found, lambda s: nn.GELU() if s.path.startswith("act") else None, "gelu"
    )
    assert done == 2
    assert isinstance(model.act1, nn.GELU)
    assert isinstance(model.act2, nn.GELU)


@pytest.mark.parametrize("trick", [Relu(), Stride(), Batch(), HeadBatch()], ids=lambda trick: type(trick).__name__)
def test_a_network_of_functions_has_no_place_for_surgery(trick: Relu):
    with pytest.raises(NotApplicable, match=r"not applicable: Functional has no place for it"):
        trick.apply(Functional(), SAMPLE)


# Norm


def test_norm_replaces_the_networks_own_or_follows_each_convolution():
    bare = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3))
    Batch().apply(bare, SAMPLE)
    assert kinds(bare, nn.BatchNorm2d) == ["0.1", "2.1"]
    normed = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 12, 3))
    Group(groups=8).apply(normed, SAMPLE)
    assert kinds(normed, nn.BatchNorm2d, nn.GroupNorm) == ["1"]
    assert (normed[1].num_groups, normed[1].num_channels) == (4, 4)


def test_norm_keeps_the_activation_that_timms_norm_carries():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), BatchNormAct2d(8, act_layer=nn.SiLU))
    Group(groups=8).apply(model, SAMPLE)
    assert kinds(model, nn.BatchNorm2d) == []
    assert [len(kinds(model, kind)) for kind in (nn.GroupNorm, nn.SiLU)] == [1, 1]
    assert not (model(torch.randn(2, 3, 32, 32)) < -0.3).any(), "SiLU is never below -0.28"


def test_norm_keeps_every_activation_of_a_timm_network():
    model = timm.create_model("efficientnet_lite0", num_classes=3)
    before = len(kinds(model, nn.ReLU6))
    Group().apply(model, SAMPLE)
    assert kinds(model, nn.BatchNorm2d) == []
    assert len(kinds(model, nn.ReLU6)) == before > 0


def test_norm_has_no_place_where_timms_norm_is_the_same_already():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), BatchNormAct2d(8))
    with pytest.raises(NotApplicable):
        Batch().apply(model, SAMPLE)


@pytest.mark.parametrize("trick", [Batch(), Group()], ids=lambda trick: trick.name)
def test_norm_of_feature_maps_leaves_the_norm_of_vectors_alone(trick: Batch):
    head = nn.Sequential(nn.Flatten(), nn.Linear(4 * 30 * 30, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    model = nn.Sequential(nn.Conv2d(3, 4, 3), head)
    trick.apply(model, SAMPLE)
    assert kinds(model, nn.BatchNorm1d) == ["1.2"]
    assert model(SAMPLE).shape == (2, 2)


# Downsample


@pytest.mark.parametrize(
    "pool",
    [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d((2, 2))],
    ids=str,
)
def test_a_strided_convolution_keeps_the_shape_of_the_pool(pool: nn.Module):
    model = nn.Sequential(nn.Conv2d(3, 4, 1), pool)
    before = model(SAMPLE).shape
    Stride().apply(model, SAMPLE)
    assert isinstance(model[1], nn.Conv2d)
    assert model(SAMPLE).shape == before


# Activation


def test_activation_is_swapped_wherever_it_hangs():
    model = nn.Sequential(OrderedDict(base=nn.ReLU(), dense=nn.Sequential(nn.GELU()), other=nn.SiLU()))
    LeakyRelu().apply(model, SAMPLE)
    assert kinds(model, nn.LeakyReLU) == ["base", "dense.0", "other"]


def test_activation_inside_timms_norm_is_swapped():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), BatchNormAct2d(8))
    Prelu().apply(model, SAMPLE)
    assert kinds(model, nn.PReLU) == ["1.act"]


def test_timms_own_activations_are_seen():
    model = timm.create_model("mobilenetv3_small_050", num_classes=3)
    swapped = len([m for m in model.modules() if type(m).__name__ == "Hardswish"])
    LeakyRelu().apply(model, SAMPLE)
    assert not [m for m in model.modules() if type(m).__name__ == "Hardswish"]
    assert len(kinds(model, nn.LeakyReLU)) >= swapped > 0


@pytest.mark.parametrize(
    "model",
    [timm.create_model("mobilenetv3_small_050", num_classes=3), mobilenet_v3_small(num_classes=3)],
    ids=["timm", "torchvision"],
)
def test_activation_leaves_squeeze_and_excitation_as_it_is(model: nn.Module):
    def squeezes() -> list[str]:
        return [str(m) for m in model.modules() if type(m).__name__ in ("SqueezeExcite", "SqueezeExcitation")]

    before = squeezes()
    LeakyRelu().apply(model, SAMPLE)
    assert before
    assert squeezes() == before


# Head norm


def test_head_norm_follows_the_hidden_linear_layers_only():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 8), nn.ReLU(), nn.Linear(8, 4), nn.Linear(4, 2))
    HeadBatch().apply(model, SAMPLE)
    assert kinds(model, nn.BatchNorm1d) == ["1.1", "3.1"]
