from collections import OrderedDict
from collections.abc import Callable

import pytest
import timm
import torch
import torch.nn.functional as F
from timm.layers import BatchNormAct2d
from torch import nn
from torchvision.models import densenet121, mobilenet_v2, mobilenet_v3_small, resnet18, squeezenet1_1

from autocls.errors import NotApplicable
from autocls.models.lenet import LeNet
from autocls.surgery import Site, replaced, sites
from autocls.tricks.activation import Gelu, LeakyRelu, Prelu, Relu
from autocls.tricks.attention import SqueezeExcite
from autocls.tricks.dropout import Channels, Linear
from autocls.tricks.dropout import Head as HeadDropout
from autocls.tricks.head import FullyConvolutional
from autocls.tricks.norm import Batch, Group, HeadBatch
from autocls.tricks.structure import Deformable, Dilated, Grouped, MultiScale, Residual, Stride

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
    Gelu().apply(model, SAMPLE)
    assert kinds(model, nn.GELU) == ["act1", "act2"]


def residual(model: nn.Module) -> list[str]:
    return [site.path for site in sites(model, torch.zeros(2, 3, 64, 64)) if site.residual]


def test_the_branches_of_shortcuts_are_told():
    assert residual(resnet18()) == [f"layer{i}.{j}.bn2" for i in (1, 2, 3, 4) for j in (0, 1) if i == 1 or j == 1]
    assert "features.3.conv" in residual(mobilenet_v2())
    assert residual(densenet121()) == residual(squeezenet1_1()) == []
    assert "blocks.2.1" in {path[: len("blocks.2.1")] for path in residual(timm.create_model("efficientnet_lite0"))}


@pytest.mark.parametrize(
    "trick",
    [Relu(), Stride(), Batch(), HeadBatch(), Residual(), SqueezeExcite(), FullyConvolutional(), Linear()],
    ids=lambda trick: type(trick).__name__,
)
def test_a_network_of_functions_has_no_place_for_surgery(trick: Relu):
    with pytest.raises(NotApplicable, match=r"not applicable: Functional has no "):
        trick.apply(Functional(), SAMPLE)


@pytest.mark.parametrize("make", [resnet18, mobilenet_v2, densenet121, squeezenet1_1], ids=lambda make: make.__name__)
def test_the_sites_after_surgery_are_those_that_a_whole_forward_pass_finds(make: Callable[[], nn.Module]):
    model, sample = make(), torch.zeros(2, 3, 64, 64)
    there = sites(model, sample)
    for trick in (Residual(), MultiScale(), SqueezeExcite(), Group(), Gelu(), Channels()):
        try:
            planned = trick.operations(model, there)
        except NotApplicable:
            continue
        for path, module in planned.items():
            model.set_submodule(path, module)
        there = replaced(there, planned)
        assert set(there) == set(sites(model, sample)), trick.name
    leaves = [site.path for site in sites(model, sample) if not any(site.module.children())]
    assert [site.path for site in there if not any(site.module.children())] == leaves, "and in their order"


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


def test_activation_works_in_place_only_where_the_networks_own_did():
    model = nn.Sequential(nn.ReLU(), nn.ReLU(inplace=True), nn.GELU())
    LeakyRelu().apply(model, SAMPLE)
    assert [act.inplace for act in model] == [False, True, False]


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


# Shortcut, convolution, attention


def lenet() -> nn.Module:
    return LeNet(classes=5, channels=3, image_size=32)


def test_a_shortcut_goes_around_each_convolution_of_a_plain_network():
    model = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 1))
    same, other = model[0], model[1]
    images = torch.rand(2, 3, 32, 32)
    before = same(images)
    Residual().apply(model, SAMPLE)
    torch.testing.assert_close(model[0](images), before + images)
    assert kinds(model, nn.Identity) == ["0.shortcut"]
    assert (model[1].branch is other, model[1].shortcut.kernel_size, model[1].shortcut.stride) == (True, (1, 1), (2, 2))
    assert residual(model) == ["0.branch"], "and stochastic depth may use it"


def test_multi_scale_kernels_share_the_channels_of_the_convolution():
    model = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, stride=2, bias=False), nn.Conv2d(16, 8, 3))
    MultiScale().apply(model, SAMPLE)
    branches = [(conv.kernel_size[0], conv.out_channels, conv.bias) for conv in model[0]]
    assert branches == [(1, 4, None), (3, 8, None), (5, 4, None)]
    assert isinstance(model[1], nn.Conv2d), "one that doesn't keep the size is left alone"
    assert model(SAMPLE).shape == (2, 8, 14, 14)


def test_a_deformable_convolution_starts_as_the_one_it_stands_for():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, 2, 1), nn.Conv2d(4, 2, 1))
    images = torch.rand(2, 3, 32, 32)
    before = model(images)
    Deformable(layers=1).apply(model, SAMPLE)
    assert (type(model[0]), type(model[2]).__name__) == (nn.Conv2d, "DeformableConv")
    torch.testing.assert_close(model(images), before)
    nn.init.normal_(model[2].offset.weight)
    assert not torch.allclose(model(images), before)


def test_groups_divide_the_channels():
    model = nn.Sequential(nn.Conv2d(3, 12, 3), nn.Conv2d(12, 18, 3), nn.Conv2d(18, 16, 3, groups=2))
    Grouped(groups=4).apply(model, SAMPLE)
    assert [conv.groups for conv in model] == [1, 3, 2]


def test_dilation_keeps_the_weights_and_the_shape():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 5), nn.Conv2d(4, 4, 3, stride=2))
    before, shape = model[0].weight.clone(), model(SAMPLE).shape
    Dilated(rate=3).apply(model, SAMPLE)
    assert [conv.dilation[0] for conv in model] == [3, 3, 1]
    assert torch.equal(model[0].weight, before)
    assert model(SAMPLE).shape == shape


def test_squeeze_and_excitation_follows_the_norm_after_each_spatial_convolution():
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.Conv2d(16, 8, 1), nn.Conv2d(8, 32, 3))
    SqueezeExcite(reduction=8).apply(model, SAMPLE)
    assert [type(m[-1]).__name__ for m in (model[1], model[3])] == ["SEModule", "SEModule"]
    assert [m[-1].fc1.out_channels for m in (model[1], model[3])] == [2, 4]
    assert isinstance(model[2], nn.Conv2d)
    with pytest.raises(NotApplicable):
        SqueezeExcite().apply(model, SAMPLE)


def test_what_is_inside_a_gate_is_no_site():
    model = lenet()
    SqueezeExcite().apply(model, SAMPLE)
    gates = [path for path, m in model.named_modules() if type(m).__name__ == "SEModule"]
    Batch().apply(model, SAMPLE)
    LeakyRelu().apply(model, SAMPLE)
    assert not any(path.startswith(tuple(f"{gate}." for gate in gates)) for path in kinds(model, nn.LeakyReLU))
    assert len(kinds(model, nn.BatchNorm2d)) == 2


# Head, dropout, stochastic depth


def test_a_fully_convolutional_head_holds_no_linear_layer():
    model = lenet()
    FullyConvolutional().apply(model, SAMPLE)
    assert kinds(model, nn.Linear) == []
    assert model(SAMPLE).shape == (2, 5)
    assert sum(p.numel() for p in model.parameters()) < sum(p.numel() for p in lenet().parameters()) / 2


def test_a_linear_layer_on_pooled_maps_is_fully_convolutional_already():
    with pytest.raises(NotApplicable, match="no hidden linear layer on flattened feature maps"):
        FullyConvolutional().apply(resnet18(), SAMPLE)


def test_head_dropout_takes_the_place_of_the_networks_own():
    model = mobilenet_v2()
    HeadDropout(p=0.4).apply(model, SAMPLE)
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.4]
    bare = lenet()
    HeadDropout(p=0.4).apply(bare, SAMPLE)
    assert kinds(bare, nn.Dropout) == ["classifier.0.0", "classifier.2.0", "classifier.4.0"]


def test_channel_dropout_comes_before_all_convolutions_but_the_first():
    model = lenet()
    Channels(p=0.2).apply(model, SAMPLE)
    assert kinds(model, nn.Dropout2d) == ["features.3.0"]


def test_stochastic_depth_grows_with_depth():
    model = resnet18()
    Linear(p=0.5).apply(model, torch.zeros(2, 3, 64, 64))
    rates = [m.drop_prob for m in model.modules() if type(m).__name__ == "DropPath"]
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(*(model.eval()(images) for _ in range(2)))
