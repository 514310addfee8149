import pickle

import pytest
import torch
from torch import nn

from autocls.errors import NotApplicable
from autocls.models.sizes import enlarging, first_that_takes, output_shape, takes


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 5), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def test_what_a_network_takes_is_found_without_touching_it():
    model = network().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert takes(model, 3, 5)
    assert not takes(model, 3, 4)
    assert not takes(model, 1, 5)
    assert output_shape(model, 7, 3, 9, 9) == (7, 2)
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_modules_that_hang_at_two_paths_are_left_as_they_were():
    shared = nn.Linear(4, 4)
    model = nn.Sequential(shared, nn.Sequential(shared))
    assert output_shape(model, 1, 4) == (1, 4)
    assert model(torch.zeros(1, 4)).device == torch.device("cpu")


def test_an_enlarging_network_keeps_its_names_and_survives_pickling():
    model = network().eval()
    images = torch.rand(2, 3, 4, 4)
    larger = nn.functional.interpolate(images, size=(8, 8), mode="bilinear", align_corners=False)
    expected, names = model(larger), list(model.state_dict())
    again = pickle.loads(pickle.dumps(enlarging(model, 8)))
    for enlarged in (model, again):
        assert torch.equal(enlarged(images), expected)
        assert list(enlarged.state_dict()) == names


def test_a_size_that_works_is_not_enlarged():
    assert not first_that_takes(lambda _: network(), 3, 5, "it")._forward_pre_hooks
    assert output_shape(first_that_takes(lambda _: network(), 3, 4, "it", larger=(2, 6)), 1, 3, 4, 4) == (1, 2)


def test_no_size_that_works_is_said():
    with pytest.raises(NotApplicable, match=r"^it: not applicable: .* 3 pixels"):
        first_that_takes(lambda _: network(), 3, 3, "it", larger=(4,))
