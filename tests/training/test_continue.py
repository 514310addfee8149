"""A training that ended is gone on with as if it never had."""

import copy
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._pytree import tree_leaves

from autocls.data import ImageData, Split
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.training import EpochResult, train
from autocls.training.artifact import ModelCard, save
from autocls.training.inference import weights_of
from autocls.training.network import build

RECIPES = {
    "plain": {},
    "adam, cosine, ema": {"optimizer": "adam", "schedule": "cosine", "averaging": "ema", "norm": "batch"},
    "sgd, layer decay, clip": {"layer_decay": 0.7, "clip": "norm", "weight_decay": 1e-3, "schedule": "one_cycle"},
    "swa before it starts": {"averaging": {"swa": 0.6}, "norm": "batch"},
    "swa that has started": {"averaging": {"swa": 0.25}},
    "mixup, dropout": {"mix": "mixup", "dropout": {"head": 0.5}, "crop": "shift", "erase": "cutout"},
    "progressive": {"architecture": "resnet18", "progressive": {"grow": {"start": 0.5}}, "stochastic_depth": "linear"},
    "plateau": {"schedule": {"plateau": {"cut": 0.1, "patience": 1}}},
    "adabound": {"optimizer": "adabound"},
    "lamb": {"optimizer": "lamb"},
    "rmsprop": {"optimizer": "rmsprop", "sampling": "balanced"},
    "timm": {"optimizer": {"timm:adopt": {"lr": 1e-3}}},
}


def short(**slots: Any) -> Recipe:
    return Recipe(**{"batch_size": 8, "epochs": 4, **slots})


def told(results: list[EpochResult]) -> list[tuple[int, float, float | None]]:
    return [(result.epoch, result.score, result.loss) for result in results]


def assert_goes_on(recipe: Recipe, data: ImageData, after: int, file: Path) -> None:
    """Train with a stop after some epochs, and compare with what a training without one comes to."""
    whole = list(train(recipe, data))
    *_, last = islice(train(recipe, data), after)
    torch.save(last.state(), file)
    torch.manual_seed(1234)  # nothing may hang on where the process happens to be
    rest = list(train(recipe, data, state=torch.load(file, weights_only=True)))
    assert told(rest) == told(whole[after:])
    mine, its = rest[-1].weights(), whole[-1].weights()
    assert all(torch.equal(mine[name], its[name]) for name in its)


@pytest.mark.parametrize("slots", RECIPES.values(), ids=RECIPES.keys())
def test_it_goes_on_as_if_it_never_ended(slots: dict[str, Any], noise: ImageData, tmp_path: Path):
    assert_goes_on(short(**slots), noise, 2, tmp_path / "state.pt")


@pytest.mark.parametrize("after", [1, 2, 3])
def test_what_is_frozen_stays_so(after: int, noise: ImageData, tmp_path: Path):
    start = Recipe(norm="batch")
    model = build(start, 3, 3)
    save(tmp_path, start, weights_of(model), ModelCard.of(noise, "accuracy", 0.0))
    recipe = short(
        norm="batch",
        weights={"file": str(tmp_path / "weights.safetensors")},
        freeze={"head_first": 2},
        optimizer="adam",
        averaging="ema",
    )
    assert_goes_on(recipe, noise, after, tmp_path / "state.pt")


def test_the_state_is_apart_from_the_training(noise: ImageData):
    recipe = short(optimizer="adam", averaging="ema")
    training = train(recipe, noise)
    state = next(training).state()
    before = copy.deepcopy(state)
    list(training)
    list(train(recipe, noise, state=state))
    for mine, was in zip(tree_leaves(state), tree_leaves(before), strict=True):
        assert torch.equal(mine, was) if isinstance(was, torch.Tensor) else mine == was


def test_it_computes_with_what_it_did(noise: ImageData, monkeypatch: pytest.MonkeyPatch):
    state = next(train(short(), noise)).state()
    monkeypatch.setattr("autocls.training.session.choose", None)
    assert next(train(short(), noise, state=state)).numerics == "float32, channels last"


def test_nothing_comes_after_the_last_epoch(noise: ImageData):
    *_, last = train(short(epochs=1), noise)
    assert list(train(short(epochs=1), noise, state=last.state())) == []


def test_a_state_is_of_one_training_alone(noise: ImageData):
    state = next(train(short(), noise)).state()
    fewer = replace(noise, split=Split(*np.split(np.arange(40), [20, 32])))
    for wrong, match in (
        ({"recipe": short(epochs=5, norm="batch")}, "^the state is of another recipe: it differs in norm, epochs$"),
        ({"seed": 1}, "^the state is of another seed: 0, not 1$"),
        ({"data": fewer}, r"^the state is of other data: .* are \[24, 3, 32, 32, 3\], not \[20, 3, 32, 32, 3\]$"),
        ({"state": {"some": "thing"}}, "^not the state of a training$"),
    ):
        with pytest.raises(BadInput, match=match):
            next(train(**{"recipe": short(), "data": noise, "seed": 0, "state": state} | wrong))
