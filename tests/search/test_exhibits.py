"""A real search's pictures and answers, its limits, and the best within others."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import autocls
from autocls.data import prepare
from autocls.errors import BadInput
from autocls.report.run import Run, read
from autocls.search.affordable import best_within
from autocls.search.exhibits import LARGEST, SAMPLES
from autocls.search.run import SearchResult
from autocls.training.footprint import Limits

SPACE = {
    "architecture": {"lenet": {"width": [0.5, 2.0]}},
    "norm": ["none", "batch"],
    "activation": ["default", "tanh", "gelu"],
    "rotate": {"degrees": 20},
    "optimizer": {"adam": {"lr": 0.002}},
    "epochs": 2,
}
MOST = 100_000


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    folder = tmp_path_factory.mktemp("limited")
    return autocls.search("digits", SPACE, trials=14, out=folder, confirm=0, address="inline", max_params=MOST)


@pytest.fixture(scope="module")
def run(result: SearchResult) -> Run:
    return read(result.folder)


def test_what_costs_too_much_is_not_trained_and_says_why(run: Run) -> None:
    over = run.searched[run.searched["parameters"] > MOST]
    assert len(over)
    assert (over["state"] == "PRUNED").all()
    assert (over["epochs"] == 0).all()
    assert over["reason"].str.match(r"over the limit: [\d,]+ parameters, and 100,000 are allowed").all()
    winner = run.trials.set_index("number").loc[run.winner]
    assert winner["parameters"] <= MOST
    assert run.summary["limits"] == {"parameters": MOST}


def test_every_network_was_measured(run: Run) -> None:
    assert (run.trials["latency"] > 0).all()
    assert (run.trials["latency_64"] > run.trials["latency"]).all()
    assert run.summary["device"]
    assert run.trials["worker"].nunique() == 1
    assert (run.trials["begun"] >= run.trials["started"]).all()


def test_the_sealed_parts_answers_are_kept_image_by_image(run: Run) -> None:
    names, labels = prepare("digits", seed=0).named("test")
    assert run.answers["name"].tolist() == names
    assert run.answers["label"].tolist() == labels.tolist()
    right = (run.answers["winner"] == run.answers["label"]).mean()
    assert right == pytest.approx(run.summary["test_score"])
    assert run.answers["confidence"].between(0.1, 1).all()
    assert (run.answers["baseline"] >= 0).all(), "the baseline was asked too"


def test_pictures_are_of_each_class_as_they_are_and_as_training_sees_them(run: Run) -> None:
    pictures = run.pictures
    assert np.bincount(pictures["labels"]).tolist() == [SAMPLES // 10] * 10
    assert pictures["samples"].shape == pictures["augmented"].shape == (SAMPLES, 32, 32, 1)
    assert pictures["samples"].shape[1] <= LARGEST
    assert (pictures["samples"] != pictures["augmented"]).any(), "they are rotated"
    assert np.abs(pictures["samples"].mean() - pictures["augmented"].mean(dtype=float)) < 20
    wrong = run.answers.loc[pictures["rows"]]
    assert (wrong["winner"] != wrong["label"]).all()
    assert wrong["confidence"].is_monotonic_decreasing
    assert len(pictures["mistakes"]) == len(wrong)


def test_the_best_within_limits_is_measured_where_it_is_asked_for(result: SearchResult, run: Run) -> None:
    found = best_within(result.folder, Limits(parameters=MOST))
    complete = run.searched[run.searched["state"] == "COMPLETE"]
    within = complete[complete["parameters"] <= MOST]
    assert found.score == within["score"].max()
    assert found.footprint.parameters == found.row.parameters
    assert not found.confirmed
    with pytest.raises(BadInput, match=r"none of its \d+ complete trials is within the limits: the smallest has"):
        best_within(result.folder, Limits(latency=1e-9))


def test_limits_must_make_sense(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--max-params: more than 0"):
        autocls.search("digits", out=tmp_path, max_params=0)
    with pytest.raises(BadInput, match="--max-latency: a simulated trial has no network"):
        autocls.search(objective=lambda recipe, seed, epochs: [0.5], out=tmp_path, max_latency=0.1)


def test_without_answers_there_is_still_a_page(result: SearchResult, tmp_path: Path) -> None:
    assert pd.read_parquet(result.folder / "test.parquet").equals(read(result.folder).answers)
    (result.folder / "trials.parquet").rename(tmp_path / "trials.parquet")
    old = read(tmp_path)
    (tmp_path / "trials.parquet").rename(result.folder / "trials.parquet")
    assert old.answers.empty
    assert not old.pictures
