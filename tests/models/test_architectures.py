"""The catalogue: what every architecture declares, and that it takes every image."""

import pytest
import torch
from torch import nn

from autocls.errors import NotApplicable
from autocls.models.lenet import LeNet
from autocls.models.sizes import Enlarge, output_shape, takes
from autocls.models.stems import SMALL, first_conv
from autocls.tricks.architecture import Architecture, Timm, Torchvision
from autocls.tricks.base import Aspect

LIGHTWEIGHT = {
    "lenet",
    "mobilenet_v1",
    "mobilenet_v2",
    "shufflenet_v1",
    "shufflenet_v2",
    "squeezenet1_0",
    "squeezenet1_1",
}
VGGS = {"vgg11", "vgg13", "vgg16", "vgg19"}
RESNETS = {"resnet18", "resnet34", "resnet50", "resnet101"}
CLASSIC = {"lenet", "alexnet", "googlenet", "cifar_resnet"} | VGGS | RESNETS
DEEP = {
    "inception_v3", "inception_v4", "densenet121", "densenet169", "densenet201", "nasnet_large", "nasnet_mobile",
    "xception", "seresnet18", "seresnet34", "seresnet50", "seresnet101", "senet154",
}  # fmt: skip
DOORS = {"timm:", "torchvision:"}

QUICK: dict[str, dict[str, float]] = {
    "lenet": {}, "cifar_resnet": {}, "mobilenet_v1": {"width": 0.25}, "mobilenet_v2": {"width": 0.25},
    "shufflenet_v1": {"width": 0.25}, "shufflenet_v2": {}, "squeezenet1_0": {}, "squeezenet1_1": {},
}  # fmt: skip
"""Small enough to run; of the others, the shapes are found."""

NAMED = {name: trick for name, trick in Architecture.choices().items() if name not in DOORS}
every = pytest.mark.parametrize("name", NAMED)
quick = pytest.mark.parametrize("name", QUICK)
shaped = pytest.mark.parametrize("name", [name for name in NAMED if name not in QUICK])
stemmed = pytest.mark.parametrize("name", [name for name, trick in NAMED.items() if trick.small_stem])


def build(name: str, channels: int, size: int, classes: int = 5) -> nn.Module:
    return NAMED[name](**QUICK.get(name, {})).build(classes, channels, size)


def shape_only(name: str, channels: int, size: int) -> nn.Module:
    with torch.device("meta"):
        return build(name, channels, size)


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_the_catalogue_is_whole():
    assert set(Architecture.choices()) == LIGHTWEIGHT | CLASSIC | DEEP | DOORS


def test_words_stand_for_groups_of_architectures():
    assert {name for name, trick in NAMED.items() if "lightweight" in trick.words} == LIGHTWEIGHT
    assert {name for name, trick in NAMED.items() if "classic" in trick.words} == CLASSIC


@pytest.mark.parametrize("name", Architecture.choices())
def test_says_what_it_is_for_whom_and_whose(name: str):
    trick = Architecture.choices()[name]
    assert trick.__doc__.count(". ") <= 1
    assert trick.when.endswith(".")
    assert trick.source in ("torchvision", "timm", "autocls")
    assert trick.shows_in is Aspect.GRAPH


@quick
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [8, 16, 28, 32, 64, 96])
def test_images_of_any_kind_give_logits(name: str, channels: int, size: int):
    model = build(name, channels, size).train()
    logits = model(torch.rand(2, channels, size, size))
    assert logits.shape == (2, 5)
    assert logits.isfinite().all()


@shaped
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (16, 3), (28, 4), (32, 3), (64, 4), (96, 1)])
def test_images_of_any_kind_have_the_shape_of_logits(name: str, channels: int, size: int):
    assert output_shape(shape_only(name, channels, size), 2, channels, size, size) == (2, 5)


@pytest.mark.parametrize("name", [name for name, trick in NAMED.items() if trick.smallest > 1])
def test_the_smallest_image_is_the_smallest_that_works(name: str, monkeypatch: pytest.MonkeyPatch):
    smallest = NAMED[name].smallest
    monkeypatch.setattr(NAMED[name], "smallest", 1)

    def works(size: int) -> bool:
        try:
            return takes(shape_only(name, 3, size), 3, size)
        except RuntimeError:  # a head of no pixels can't even be built
            return False

    assert works(smallest)
    assert not works(smallest - 1)


@every
def test_only_images_below_the_smallest_are_enlarged(name: str):
    smallest = NAMED[name].smallest
    hooks = [list(shape_only(name, 3, size)._forward_pre_hooks.values()) for size in (smallest, max(1, smallest - 1))]
    assert hooks == [[], [Enlarge(smallest)] if smallest > 1 else []]


@stemmed
@pytest.mark.parametrize(("size", "channels"), [(28, 3), (SMALL - 1, 1)])
def test_small_images_are_not_shrunk_by_the_stem(name: str, channels: int, size: int):
    model = shape_only(name, channels, size)
    conv = first_conv(model)[1]
    assert (conv.in_channels, conv.stride, conv.kernel_size, conv.padding) == (channels, (1, 1), (3, 3), (1, 1))
    assert all(isinstance(model.get_submodule(pool), nn.Identity) for pool in NAMED[name].stem_pools)


@stemmed
def test_large_images_get_the_stem_of_the_paper(name: str):
    grey, colour = (shape_only(name, channels, SMALL) for channels in (1, 3))
    (_, of_grey), (_, of_colour) = first_conv(grey), first_conv(colour)
    assert (of_grey.in_channels, of_colour.in_channels) == (1, 3)
    assert of_colour.stride > (1, 1)
    assert [of_grey.kernel_size, of_grey.stride, of_grey.padding] == [
        of_colour.kernel_size, of_colour.stride, of_colour.padding
    ]  # fmt: skip
    assert (of_grey.bias is None) == (of_colour.bias is None)
    assert not any(isinstance(colour.get_submodule(pool), nn.Identity) for pool in NAMED[name].stem_pools)


@pytest.mark.parametrize(
    ("name", "size", "side"),
    [
        ("vgg11", 32, 1),
        ("vgg11", 64, 2),
        ("vgg16", 224, 7),
        ("alexnet", 32, 3),
        ("alexnet", 64, 1),
        ("alexnet", 224, 6),
    ],
)
def test_a_wide_head_sees_the_pixels_there_are(name: str, size: int, side: int):
    model = shape_only(name, 3, size)
    maps = 512 if name in VGGS else 256
    first = next(m for m in model.modules() if isinstance(m, nn.Linear))
    assert (first.in_features, first.out_features) == (maps * side * side, 4096)


@pytest.mark.parametrize("name", ["lenet", "mobilenet_v1", "mobilenet_v2", "shufflenet_v1", "shufflenet_v2"])
def test_width_makes_the_network_wider(name: str):
    narrow, wide = (NAMED[name](width=width).build(5, 3, 32) for width in (0.5, 1.0))
    assert parameters(narrow) < parameters(wide)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("cifar_resnet", {"depth": 21}, r"6n \+ 2 layers"),
        ("shufflenet_v1", {"groups": 5}, "1, 2, 3, 4 or 8, not 5"),
        ("shufflenet_v2", {"width": 0.75}, "0.5, 1, 1.5 or 2, not 0.75"),
    ],
)
def test_what_a_family_does_not_have_is_refused(name: str, given: dict[str, float], said: str):
    with pytest.raises(ValueError, match=said):
        NAMED[name](**given)


@pytest.mark.parametrize(
    "architecture",
    [NAMED["lenet"](), NAMED["cifar_resnet"](), NAMED["nasnet_mobile"](), NAMED["shufflenet_v1"](),
     NAMED["mobilenet_v1"](width=0.5), NAMED["mobilenet_v2"](width=0.5), Timm(entry="seresnet18")],
    ids=lambda a: a.choice,
)  # fmt: skip
def test_a_network_without_published_weights_says_so(architecture: Architecture):
    with pytest.raises(NotApplicable, match=r"^(nobody publishes|timm has no) weights of "):
        architecture.pretrained()


def test_published_weights_are_looked_up_by_names_that_the_libraries_know():
    made = [trick() for trick in NAMED.values()] + [Torchvision(entry="resnet18"), Timm(entry="resnet18.a1_in1k")]
    assert {a.choice: a.unpublished() for a in made if a.source != "autocls" and a.unpublished()} == {}


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
