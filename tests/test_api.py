"""``autocls.train`` and ``autocls.load``, from end to end."""

import json
from pathlib import Path

import numpy as np
import pytest

import autocls
from autocls.data import ImageData, Prepared
from autocls.errors import BadInput
from autocls.training.loop import EpochResult

QUICK = {"image_size": 28, "norm": "batch", "epochs": 2}


@pytest.fixture(autouse=True)
def cache(prepared_digits: Prepared, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AUTOCLS_CACHE", str(prepared_digits.cache))


def test_a_trained_classifier_can_be_loaded_and_used(tmp_path: Path, digits: ImageData):
    seen: list[EpochResult] = []
    trained = autocls.train(QUICK, "digits", tmp_path / "model", watch=seen.append)
    assert [result.epoch for result in seen] == [1, 2]
    assert trained.card.validation_score == max(result.score for result in seen)
    assert trained.card.numerics == seen[0].numerics == "float32, channels last"
    loaded = autocls.load(tmp_path / "model")
    assert loaded.recipe == autocls.Recipe.from_plain(QUICK)
    assert loaded.card == trained.card
    picture = digits.images[0, 0]
    np.testing.assert_array_equal(loaded.predict_proba([picture]), trained.predict_proba([picture]))


def test_the_weights_of_the_best_epoch_are_kept(tmp_path: Path, digits: ImageData):
    seen: list[EpochResult] = []
    ever_too_fast = {"image_size": 28, "optimizer": {"adam": {"lr": 0.4}}, "warmup": 8, "epochs": 9}
    classifier = autocls.train(ever_too_fast, "digits", tmp_path / "model", watch=seen.append)
    best = max(result.score for result in seen)
    assert best > seen[-1].score + 0.2, "a rate that only grows ends in chance"
    guessed = classifier.predict_proba(digits.images[digits.split.val, 0]).argmax(1)
    assert (guessed == digits.labels[digits.split.val]).mean() == pytest.approx(best)


def test_an_exported_recipe_trains_the_same_model_again(tmp_path: Path, digits_model: Path):
    autocls.train(digits_model / "recipe.yaml", "digits", tmp_path / "again")
    first, again = (json.loads((folder / "model.json").read_text()) for folder in (digits_model, tmp_path / "again"))
    assert first == again
    assert (tmp_path / "again" / "weights.safetensors").read_bytes() == (
        digits_model / "weights.safetensors"
    ).read_bytes()


def test_a_recipe_is_scored_by_folds(prepared_digits: Prepared):
    seen: list[EpochResult] = []
    found = autocls.cross_validate(QUICK, "digits", folds=2, watch=seen.append)
    assert [result.epoch for result in seen] == [1, 2]
    assert found.scores == max(seen, key=lambda result: result.score).folds
    assert found.interval[0] < found.mean < found.interval[1]
    with pytest.raises(BadInput, match="can't be trained on digits: warmup"):
        autocls.cross_validate(QUICK | {"warmup": 2}, "digits", folds=2)


def test_a_model_is_not_overwritten(digits_model: Path):
    with pytest.raises(BadInput, match="holds a model already"):
        autocls.train(QUICK, "digits", digits_model)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"image_size": 28, "norm": "btach"}, "norm: no such choice 'btach'; did you mean 'batch'"),
        (
            {"image_size": 28, "architecture": "mobilenet_v2", "downsample": "stride"},
            "can't be trained on digits: stride",
        ),
        ({"image_size": 28, "epochs": 1, "warmup": 1}, "can't be trained on digits: warmup"),
    ],
)
def test_a_recipe_that_can_not_be_trained_leaves_no_folder(tmp_path: Path, recipe: dict[str, object], message: str):
    with pytest.raises(autocls.BadInput, match=message):
        autocls.train(recipe, "digits", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_what_is_asked_for_must_exist(tmp_path: Path):
    with pytest.raises(BadInput, match="no such metric"):
        autocls.train(QUICK, "digits", tmp_path / "model", metric="f2")
    with pytest.raises(BadInput, match="not a model folder"):
        autocls.load(tmp_path)


def test_the_package_offers_what_it_lists():
    assert all(getattr(autocls, name) for name in autocls.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'tarin'"):
        autocls.tarin  # noqa: B018
