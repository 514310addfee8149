import pytest
import torch
from torch import nn

from autocls.errors import NotApplicable, TrialFailed
from autocls.recipe import Recipe
from autocls.training.network import build, count_parameters, misfits
from autocls.tricks.architecture import Lenet

IMPROVED = Recipe(downsample="stride", norm="batch", activation="elu", head_norm="batch", init="kaiming")


def count(model: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in model.modules())


def test_the_tricks_of_a_recipe_work_together():
    model = build(IMPROVED, 10, 1)
    kinds = (nn.MaxPool2d, nn.Conv2d, nn.BatchNorm2d, nn.BatchNorm1d, nn.ReLU, nn.ELU)
    assert [count(model, kind) for kind in kinds] == [0, 4, 4, 2, 0, 4]
    assert model(torch.rand(2, 1, 32, 32)).shape == (2, 10)


def test_the_baseline_is_the_plain_network():
    model = build(Recipe(), 10, 1)
    kinds = (nn.MaxPool2d, nn.Conv2d, nn.BatchNorm2d, nn.BatchNorm1d, nn.ReLU)
    assert [count(model, kind) for kind in kinds] == [2, 2, 0, 0, 4]


def test_torchs_seed_decides_the_weights():
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([p.flatten() for p in build(IMPROVED, 10, 1).parameters()])

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_kaiming_keeps_the_variance_of_its_layers():
    linear = build(Recipe(init="kaiming", architecture={"lenet": {"width": 4}}), 10, 3).classifier[0]
    assert linear.weight.var().item() == pytest.approx(2 / linear.in_features, rel=0.05)
    assert not linear.bias.any()


def test_a_trick_with_no_place_is_named():
    with pytest.raises(NotApplicable, match=r"^stride: not applicable: MobileNetV2 has no pooling layer"):
        build(Recipe(architecture="mobilenet_v2", downsample="stride"), 10, 3)


def test_parameters_that_training_can_change_are_counted():
    assert count_parameters(nn.Linear(3, 2)) == 8


def test_misfits_are_found_together_and_before_anything_is_built():
    impossible = {"norm": "batch", "head_norm": "batch", "freeze": "head_only", "warmup": 9}
    recipe = Recipe(architecture="resnet18", activation="elu", **impossible)
    found = misfits(recipe, 10, 3)
    assert set(found) == set(impossible)
    assert misfits(recipe.without(found), 10, 3) == {}


def test_what_depends_on_the_data_is_a_misfit_too():
    recipe = Recipe(color="saturation", weights="hub", freeze="head_only")
    assert set(misfits(recipe, 10, 1)) == {"color", "weights", "freeze"}
    assert set(misfits(recipe, 10, 3)) == {"weights", "freeze"}, "nobody publishes weights of a LeNet"


def test_a_network_that_computes_while_it_is_made_is_made_for_real(monkeypatch: pytest.MonkeyPatch):
    build_it = Lenet.build

    def build_computing(self: Lenet, classes: int, channels: int, image_size: int) -> nn.Module:
        torch.ones(1).item()
        return build_it(self, classes, channels, image_size)

    monkeypatch.setattr(Lenet, "build", build_computing)
    assert set(misfits(Recipe(stochastic_depth="linear", image_size=29), 10, 3)) == {"stochastic_depth"}


@pytest.mark.parametrize("error", [TrialFailed("too small"), ValueError("strange")])
def test_a_network_that_cannot_be_made_is_left_to_fail_in_its_trial(error: Exception, monkeypatch: pytest.MonkeyPatch):
    def fail(*args: object) -> nn.Module:
        raise error

    monkeypatch.setattr(Lenet, "build", fail)
    assert misfits(Recipe(norm="batch", image_size=31), 10, 3) == {}
