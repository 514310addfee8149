"""Our own networks, held to the figures of their papers and of other implementations."""

import pytest
import torch
from torch import nn

from autocls.models.cifar_resnet import PadShortcut, cifar_resnet
from autocls.models.count import Cost, cost
from autocls.models.mobilenet_v1 import mobilenet_v1
from autocls.models.nasnet_mobile import NasnetMobile
from autocls.models.shufflenet_v1 import Shuffle, shufflenet_v1


def measured(make, *, classes: int = 1000, size: int = 224) -> Cost:
    return cost(lambda classes, channels, _: make(classes, channels), classes, 3, size)


@pytest.mark.parametrize(
    ("depth", "millions"),
    [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)],  # He et al. 2016, Table 6
)
def test_cifar_resnets_have_the_papers_parameters(depth: int, millions: float):
    of = measured(lambda classes, channels: cifar_resnet(classes, channels, depth), classes=10, size=32)
    assert of.parameters / 1e6 == pytest.approx(millions, rel=0.02)


def test_the_shortcut_without_parameters_halves_the_maps_and_adds_empty_ones():
    maps = torch.arange(1.0, 26).reshape(1, 1, 5, 5)
    out = PadShortcut(2)(maps)
    assert out.shape == (1, 3, 3, 3)
    assert out[0, 0].tolist() == [[1, 3, 5], [11, 13, 15], [21, 23, 25]]
    assert not out[:, 1:].any()


@pytest.mark.parametrize(
    ("groups", "width", "millions"),
    # Zhang et al. 2017: Table 1 at full width; Table 2 gives one figure for all groups at half and quarter width.
    [(1, 1, 143), (2, 1, 140), (3, 1, 137), (4, 1, 133), (8, 1, 137), (1, 0.5, 38), (3, 0.5, 38), (8, 0.25, 13)],
)
def test_shufflenet_has_the_papers_multiply_adds(groups: int, width: float, millions: float):
    of = measured(lambda classes, channels: shufflenet_v1(classes, channels, groups, width))
    assert of.multiply_adds / 1e6 == pytest.approx(millions, rel=0.05 if width < 1 else 0.012)


@pytest.mark.parametrize(
    ("groups", "width", "parameters"),
    # As asserted by github.com/osmr/imgclsmob, pytorch/pytorchcv/models/shufflenet.py.
    [
        (1, 1, 1_531_936), (2, 1, 1_733_848), (3, 1, 1_865_728), (4, 1, 1_968_344), (8, 1, 2_434_768),
        (1, 0.75, 975_214), (3, 0.75, 1_238_266), (1, 0.5, 534_484), (3, 0.5, 718_324), (1, 0.25, 209_746),
        (3, 0.25, 305_902),
    ],
)  # fmt: skip
def test_shufflenet_has_the_parameters_of_another_implementation(groups: int, width: float, parameters: int):
    assert measured(lambda k, c: shufflenet_v1(k, c, groups, width)).parameters == parameters


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("width", [0.1, 0.25, 0.3, 0.5, 1.0, 1.5])
def test_every_width_of_shufflenet_suits_every_number_of_groups(groups: int, width: float):
    assert measured(lambda k, c: shufflenet_v1(k, c, groups, width), size=64).parameters > 0


def test_the_shuffle_deals_each_group_out_to_all():
    maps = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert Shuffle(2)(maps).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    assert torch.equal(Shuffle(3)(Shuffle(2)(maps)), maps), "dealing to the other number of groups undoes it"


def test_nasnet_mobile_has_the_papers_parameters_and_multiply_adds():
    of = measured(NasnetMobile)
    # Zoph et al. 2018, Table 2: 5.3 million and 564 million; to the parameter as in imgclsmob's nasnet_4a1056.
    assert of.parameters == 5_289_978
    assert of.multiply_adds / 1e6 == pytest.approx(564, abs=1)


@pytest.mark.parametrize(
    ("width", "weights", "multiply_adds"),
    [(1.0, 4.2, 569), (0.75, 2.6, 325), (0.5, 1.3, 149), (0.25, 0.5, 41)],  # Howard et al. 2017, Table 6
)
def test_mobilenet_v1_has_the_papers_costs(width: float, weights: float, multiply_adds: float):
    of = measured(lambda classes, channels: mobilenet_v1(classes, channels, width))
    assert of.parameters / 1e6 == pytest.approx(weights, abs=0.05)
    assert of.multiply_adds / 1e6 == pytest.approx(multiply_adds, rel=0.01)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: cifar_resnet(2, 3, 20), [-0.95061, -0.21502]),
        (lambda: shufflenet_v1(2, 3, 3, 0.25), [0.59671, 0.14276]),
        (lambda: NasnetMobile(2, 3), [0.06480, -0.11999]),
    ],
    ids=["cifar_resnet", "shufflenet_v1", "nasnet_mobile"],
)
def test_outputs_stay_what_they_were(make, expected: list[float]):
    torch.manual_seed(0)
    model: nn.Module = make().train()
    images = torch.linspace(-9, 9, 4 * 3 * 64 * 64).sin().reshape(4, 3, 64, 64)
    with torch.no_grad():
        logits = model(images)
    torch.testing.assert_close(logits[0], torch.tensor(expected), rtol=1e-3, atol=1e-4)
