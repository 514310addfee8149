"""Several devices train a recipe as one does.

Sums are taken in another order, so float32 differs in its last digits: losses by 1e-5 and weights by 1e-4 at the most
after the few steps taken here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from autocls.data import ImageData
from autocls.errors import TrialFailed
from autocls.recipe import Recipe
from autocls.training import team, train
from autocls.training.artifact import ModelCard, save
from autocls.training.footprint import Limits
from autocls.training.inference import weights_of
from autocls.training.network import Weights, build
from autocls.training.session import Session
from autocls.training.state import State
from autocls.tricks.norm import SyncedBatchNorm
from tests.training import teams
from tests.training.teams import Team

CPU = torch.device("cpu")

RECIPES = {
    "no norm": {},
    "sync_batch": {"norm": "sync_batch"},
    "sync_batch and its average": {"norm": "sync_batch", "averaging": "ema"},
    "group": {"norm": "group"},
    "flip, mixup": {"flip": "horizontal", "mix": "mixup"},
    "adam, linear lr scaling": {"optimizer": "adam", "lr_scaling": {"linear": {"base": 16}}},
    "label smoothing": {"label_smoothing": 0.1},
    "clip": {"clip": {"norm": 0.1}},
    "a last batch smaller than the rest": {"batch_size": 10},
    "a batch that doesn't divide": {"batch_size": 7},
    "a last batch of too few images": {"batch_size": 11},
    "unfreezing": {"norm": "sync_batch", "freeze": {"head_first": 1}, "clip": "adaptive"},
}


@dataclass(frozen=True)
class Told:
    """What a training came to."""

    scores: list[float]
    losses: list[float]
    weights: Weights


def run(recipe: Recipe, data: ImageData, after: int = 0, state: State | None = None) -> tuple[Told, State]:
    """Train, and the last epoch's state; only so many epochs if ``after`` says so."""
    results = list(islice(((r, r.weights(), r.state()) for r in train(recipe, data, state=state)), after or None))
    told = Told([r.score for r, *_ in results], [r.loss for r, *_ in results], results[-1][1])
    return told, results[-1][2]


@pytest.fixture(scope="module", params=[2, 3])
def devices(request: pytest.FixtureRequest) -> Iterator[Team]:
    with teams.of(request.param) as ask:
        yield ask


def short(folder: Path, **slots: Any) -> Recipe:
    """A short training; one that freezes starts from weights in ``folder``."""
    recipe = Recipe(**{"batch_size": 12, "epochs": 2, **slots})
    if recipe.freeze is None:
        return recipe
    save(folder, recipe, weights_of(build(recipe.without(["freeze"]), 3, 3)), ModelCard("abc", 3, 32, (), (), "", 0.0))
    return Recipe(**slots | {"batch_size": 12, "epochs": 2, "weights": {"file": str(folder / "weights.safetensors")}})


def assert_alike(mine: Told, its: Told) -> None:
    assert mine.scores == its.scores
    assert mine.losses == pytest.approx(its.losses, rel=1e-5)
    assert mine.weights.keys() == its.weights.keys()
    for name, tensor in its.weights.items():
        torch.testing.assert_close(mine.weights[name], tensor, rtol=1e-4, atol=1e-4, msg=name)


@pytest.mark.parametrize("slots", RECIPES.values(), ids=RECIPES.keys())
def test_several_devices_train_as_one(slots: dict[str, Any], devices: Team, noise: ImageData, tmp_path: Path):
    recipe = short(tmp_path, **slots)
    alone, _ = run(recipe, noise)
    together = [told for told, _ in devices(run, recipe, noise)]
    for told in together:
        assert_alike(told, alone)
        assert told.losses == together[0].losses
        assert told.scores == together[0].scores


@pytest.mark.parametrize("slots", [{"norm": "batch", "averaging": "ema"}, {"dropout": {"head": 0.5}, "mix": "cutmix"}])
def test_a_team_goes_on_as_if_it_never_ended(slots: dict[str, Any], devices: Team, noise: ImageData):
    recipe = Recipe(batch_size=12, epochs=4, optimizer="adam", **slots)
    whole = devices(run, recipe, noise)[0][0]
    state = devices(run, recipe, noise, 2)[0][1]
    for rest, _ in devices(run, recipe, noise, 0, state):
        assert (rest.scores, rest.losses) == (whole.scores[2:], whole.losses[2:])
    first = devices(run, recipe, noise, 0, state)[0][0]
    assert all(torch.equal(first.weights[name], tensor) for name, tensor in whole.weights.items())


def test_a_team_may_go_on_with_what_one_device_began(devices: Team, noise: ImageData):
    recipe = Recipe(batch_size=12, epochs=3, norm="sync_batch")
    whole, _ = run(recipe, noise)
    _, state = run(recipe, noise, 1)
    rest, _ = devices(run, recipe, noise, 0, state)[0]
    assert_alike(rest, Told(whole.scores[1:], whole.losses[1:], whole.weights))


def _drawn(recipe: Recipe, data: ImageData) -> list[float]:
    session = Session(recipe, data, 0, CPU)
    session.begin(1)
    first = float(torch.rand(()))
    session.begin(2)
    return [first, float(torch.rand(()))]


def test_each_device_has_dropout_masks_of_its_own(devices: Team, noise: ImageData):
    drawn = devices(_drawn, Recipe(batch_size=12), noise)
    assert len({number for of_device in drawn for number in of_device}) == 2 * len(drawn)
    assert drawn[0] == _drawn(Recipe(batch_size=12), noise)


def _normalised(layer: nn.Module, maps: torch.Tensor, share: slice) -> tuple[torch.Tensor, ...]:
    """What the layer makes of its share of ``maps``, the gradients that follow from a sum, and the layer's buffers."""
    mine = maps[share].requires_grad_()
    made = layer(mine)
    (made * maps[share].detach().cos()).sum().backward()
    return made.detach(), mine.grad, layer.weight.grad, layer.bias.grad, layer.running_mean, layer.running_var


def _normalised_here(maps: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return _normalised(SyncedBatchNorm(3).joined(), maps, team.share(len(maps)).rows)


def test_statistics_are_those_of_all_devices(devices: Team):
    maps = 5 + 2 * torch.randn(10, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    made, to_maps, to_weight, to_bias, *buffers = _normalised(nn.BatchNorm2d(3), maps, slice(None))
    theirs = list(zip(*devices(_normalised_here, maps.detach()), strict=True))
    close = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-5)
    close(torch.cat(theirs[0]), made)
    close(torch.cat(theirs[1]), to_maps)
    close(sum(theirs[2]), to_weight)
    close(sum(theirs[3]), to_bias)
    for found, buffer in zip(theirs[4:], buffers, strict=True):
        for of_device in found:
            close(of_device, buffer)


class _Spare(nn.Module):
    """A network with a layer that nothing calls."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.spare = nn.Linear(2, 1, bias=False), nn.Linear(2, 1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.used(rows)


def _gradients() -> tuple[list[float], object]:
    model = _Spare()
    trained = team.shared(model, torch.zeros(2, 2))
    for _ in range(2):
        model.zero_grad()
        trained(torch.full((2, 2), float(team.rank()))).mean().backward()
    return model.used.weight.grad.tolist()[0], model.spare.weight.grad


def test_a_layer_that_nothing_calls_is_not_waited_for(devices: Team):
    answers = devices(_gradients)
    mean = sum(range(len(answers))) / len(answers)
    assert answers == [([mean, mean], None)] * len(answers)


def _failure(recipe: Recipe, data: ImageData, limits: Limits) -> str:
    with pytest.raises(TrialFailed) as error:
        list(train(recipe, data, limits=limits))
    return str(error.value)


@pytest.mark.parametrize(
    "slots, limits",
    [({"optimizer": {"sgd": {"lr": 1e12}}}, Limits()), ({}, Limits(latency=1e-9))],
    ids=["loss", "limit"],
)
def test_all_devices_see_a_failure_alike(slots: dict[str, Any], limits: Limits, devices: Team, noise: ImageData):
    said = devices(_failure, Recipe(batch_size=12, **slots), noise, limits)
    assert len(set(said)) == 1
    assert devices(run, Recipe(batch_size=12, epochs=1), noise)  # and go on with the next training


def test_one_device_is_no_team():
    assert (team.rank(), team.size()) == (0, 1)
    share = team.share(7)
    assert (share.rows, share.weight) == (slice(0, 7), 1)
    value = torch.ones(3)
    assert team.mean(value) is value
    assert team.gather(value, 3) is value


def _share(count: int) -> team.Share:
    return team.share(count)


@pytest.mark.parametrize("count", [1, 3, 4, 6, 7, 100])
def test_shares_are_even_and_make_the_whole(count: int, devices: Team):
    shares = devices(_share, count)
    rows = list(range(count))
    taken = [rows[share.rows] for share in shares]
    if taken[0] == rows:
        assert count < 2 * len(shares)
        assert [share.weight for share in shares] == [1] * len(shares)
    else:
        assert [row for of_device in taken for row in of_device] == rows
        assert 2 <= min(map(len, taken)) >= max(map(len, taken)) - 1
        assert [share.weight for share in shares] == [len(of) * len(shares) / count for of in taken]
