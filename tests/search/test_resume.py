"""A search that is killed at any moment, and resumed, comes to what it would have come to."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import autocls
from autocls.errors import BadInput
from autocls.search.record import Record
from tests.search import objectives

SPACE = {
    "norm": ["none", "batch"],
    "flip": ["none", "horizontal"],
    "activation": ["default", "elu"],
    "optimizer": {"sgd": {"lr": {"log": [0.001, 1]}, "momentum": 0.9}},
    "epochs": 4,
}
KILLS = 20


def search(folder: Path, **given: Any) -> None:
    given = {"trials": 100, "pruner": "none", "seed": 3, **given}
    autocls.search(objective=objectives.brief, space=SPACE, out=folder, address="inline", **given)


def live(folder: Path, ready: Connection) -> None:
    """Begin the search, or go on with it."""
    torch.set_num_threads(1)
    ready.send(None)
    if (folder / "request.json").exists():
        autocls.resume(folder, objective=objectives.brief, address="inline")
    else:
        shutil.rmtree(folder, ignore_errors=True)  # killed before it began: there is nothing to resume
        search(folder)


def finished(folder: Path) -> pd.DataFrame:
    """What was run, and what it came to; not when."""
    table = pd.DataFrame([vars(row) for row in Record.open(folder, answers=True).rows()])
    return table[["number", "phase", "role", "seed", "recipe", "state", "score", "epochs", "curve", "reason", "tries"]]


@pytest.mark.cluster
@pytest.mark.timeout(240)
@pytest.mark.alone
def test_a_search_killed_at_20_moments_and_resumed_finishes_the_same_trials(tmp_path: Path) -> None:
    search(tmp_path / "whole")
    whole = finished(tmp_path / "whole")
    moments = random.Random(0)
    fork, folder, kills = multiprocessing.get_context("fork"), tmp_path / "killed", 0
    longest = 2 * 0.02 * whole["epochs"].sum() / KILLS
    while True:
        here, there = fork.Pipe()
        process = fork.Process(target=live, args=(folder, there))
        process.start()
        here.recv()
        process.join(moments.uniform(0, longest) if kills < KILLS else None)
        if process.exitcode is not None:
            break
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        kills += 1
    assert process.exitcode == 0
    assert kills >= KILLS / 2, "it was killed often enough to tell"
    pd.testing.assert_frame_equal(finished(folder), whole)
    assert not Record.open(folder).running()
    verdicts = [(tmp_path / name / "best_recipe.yaml").read_text() for name in ("whole", "killed")]
    assert verdicts[0] == verdicts[1]
    assert set(whole["phase"]) == {"search", "screen", "confirm", "attribute"}


def test_what_can_t_be_resumed_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no search that could be resumed: there is no request\.json"):
        autocls.resume(tmp_path, objective=objectives.brief)
    search(tmp_path / "done", trials=2, confirm=0)
    with pytest.raises(BadInput, match="its search has ended: all trials are done; there is nothing to resume"):
        autocls.resume(tmp_path / "done", objective=objectives.brief)
    with pytest.raises(BadInput, match="its trials were simulated"):
        autocls.resume(tmp_path / "done")


@pytest.mark.alone
def test_an_interrupted_search_goes_on_within_the_time_it_had(tmp_path: Path) -> None:
    calls = 0

    def interrupt(snapshot: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 40:
            raise KeyboardInterrupt

    given = {"objective": objectives.brief, "address": "inline"}
    first = autocls.search(space=SPACE, out=tmp_path, seconds=4, confirm=0, watch=interrupt, **given)
    assert first.stopped == "interrupted"
    (going,) = Record.open(tmp_path).running()
    time.sleep(2)  # time that nobody worked on it doesn't count
    again = autocls.resume(tmp_path, **given)
    assert again.stopped == "time is up"
    assert Record.open(tmp_path).about()["seconds"] == pytest.approx(4, abs=0.5)
    rows = {row.number: row for row in Record.open(tmp_path).rows()}
    assert rows[going].epochs > 0
    assert max(row.finished for row in rows.values()) < 5
    assert again.snapshot.epochs == sum(row.epochs for row in rows.values())


def test_a_search_that_may_go_on_keeps_the_test_part_sealed(tmp_path: Path) -> None:
    def interrupt(snapshot: Any) -> None:
        if snapshot.complete == 2 and snapshot.running == 0:
            raise KeyboardInterrupt

    first = autocls.search(
        "digits", {"norm": ["none", "batch"], "activation": ["default", "elu"], "epochs": 1},
        trials=4, confirm=0, address="inline", out=tmp_path, watch=interrupt,
    )  # fmt: skip
    assert (first.stopped, first.test_score) == ("interrupted", None)
    assert (tmp_path / "model").is_dir()
    assert "openings" not in Record.open(tmp_path).about()
    again = autocls.resume(tmp_path, address="inline")
    assert again.snapshot.complete == 4
    assert again.test_score is not None
    assert len(Record.open(tmp_path).about()["openings"]) == 1
