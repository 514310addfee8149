"""A search whose trials are scored by folds."""

import json
from pathlib import Path

import pandas as pd
import pytest

import autocls
from autocls.data import Prepared
from autocls.errors import BadInput
from autocls.training.folds import train_folds
from tests.search import objectives

SPACE = {"image_size": 28, "norm": ["none", "batch"], "epochs": 2, "suggestions": [{"norm": "batch"}]}


def test_a_trial_is_the_mean_over_the_folds_and_the_model_is_trained_once_more(
    tmp_path: Path, prepared_digits: Prepared, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AUTOCLS_CACHE", str(prepared_digits.cache))
    result = autocls.search(
        "digits", SPACE, trials=2, folds=2, confirm=0, screen=False, address="inline", out=tmp_path / "run"
    )
    trials = pd.read_parquet(tmp_path / "run" / "trials.parquet").set_index("number")
    assert list(trials["state"]) == ["COMPLETE", "COMPLETE"]
    recipe = autocls.Recipe.from_yaml(trials.loc[1, "recipe"])
    seed = int(trials.loc[1, "seed"])
    scores = [each.score for each in train_folds(recipe, prepared_digits.folds(28, 2, seed), seed)]
    assert trials.loc[1, "score"] == pytest.approx(max(scores))
    assert result.winner == 1
    assert result.verdict.test.baseline is not None
    assert result.test_score > 0.5
    assert autocls.load(tmp_path / "run" / "model").recipe == recipe
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert any("by 2 folds" in note for note in summary["notes"])


def test_folds_need_images_enough_and_real_ones(tmp_path: Path):
    with pytest.raises(BadInput, match="--folds: at least 2"):
        autocls.search("digits", SPACE, trials=1, folds=1, address="inline", out=tmp_path)
    with pytest.raises(BadInput, match="--folds: a simulated trial has no images"):
        autocls.search(objective=objectives.quadratic, space=SPACE, trials=1, folds=2, address="inline", out=tmp_path)
