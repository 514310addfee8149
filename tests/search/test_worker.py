import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load

from autocls.errors import TrialFailed
from autocls.recipe import Recipe
from autocls.search.messages import Job
from autocls.search.runner import imagine
from autocls.search.worker import Worker
from autocls.training.footprint import NO_LIMITS, Footprint, Limits
from autocls.training.loop import EpochResult

RECIPE = Recipe(epochs=3)


def test_what_a_worker_imports_at_its_start_takes_no_second_that_it_has_no_use_for() -> None:
    heavy = ("scipy", "sklearn", "optuna", "fastapi", "onnx")
    asked = f"import sys, autocls.search.worker, autocls.search.runner; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def trial(*scores: float) -> Any:
    """A runner whose epochs have these scores, and weights that say which epoch they are of."""

    def run(recipe: Recipe, seed: int, limits: Limits, state: Any) -> Iterator[EpochResult]:
        for epoch, score in enumerate(scores, start=1):
            weights = {"epoch": torch.tensor(float(epoch))}
            yield EpochResult(epoch, score, 1.0, weights=lambda weights=weights: weights)

    return run


def worker(folder: Path, runner: Any, best: float = -math.inf) -> Worker:
    made = Worker.__new__(Worker)  # Tune's own part wants a cluster
    made.setup({"job": Job(7, RECIPE, 0, best)}, runner=runner, checkpoints=folder)
    return made


def test_the_best_epochs_weights_come_with_the_last_epoch(tmp_path: Path):
    found = worker(tmp_path, trial(0.5, 0.9, 0.7))
    said = [found.step()["said"] for _ in range(3)]
    assert [bool(epoch.weights) for epoch in said] == [False, False, True]
    assert load(said[-1].weights)["epoch"] == 2


def test_weights_that_nobody_wants_are_not_sent(tmp_path: Path):
    found = worker(tmp_path, trial(0.5, 0.6, 0.7), best=0.8)
    assert [found.step()["said"].weights for _ in range(3)] == [b"", b"", b""]


def test_a_worker_takes_its_cores_and_no_more(tmp_path: Path):
    before = torch.get_num_threads()
    try:
        made = Worker.__new__(Worker)
        made.setup({"job": Job(0, RECIPE, 0, 0.0)}, runner=trial(0.5), checkpoints=tmp_path, threads=3)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_a_score_that_is_no_number_fails_the_trial(tmp_path: Path, score: float):
    assert worker(tmp_path, trial(score)).step()["said"].failure == f"the score is {score}"


def test_a_worker_says_who_it_is_and_what_the_network_costs(tmp_path: Path):
    footprint = Footprint(10, 20, 0.001, 0.01)

    def run(recipe: Recipe, seed: int, limits: Limits, state: Any) -> Iterator[EpochResult]:
        limits.check(footprint)
        yield EpochResult(1, 0.5, 1.0, footprint=footprint)

    said = worker(tmp_path, run).step()["said"]
    assert (said.worker, said.footprint) == (f"{socket.gethostname()}:{os.getpid()}", footprint)
    made = Worker.__new__(Worker)
    made.setup({"job": Job(0, RECIPE, 0, 0.0, Limits(parameters=9))}, runner=run, checkpoints=tmp_path)
    over = made.step()["said"]
    assert (over.over_limit, over.footprint, over.traceback) == (True, footprint, "")
    assert over.failure == "over the limit: 10 parameters, and 9 are allowed"


def test_an_error_that_nobody_expected_is_told_with_its_traceback(tmp_path: Path):
    def run(recipe: Recipe, seed: int, limits: Limits, state: Any) -> Iterator[EpochResult]:
        raise KeyError("bone") if seed == 0 else TrialFailed("the loss is nan")
        yield

    said = worker(tmp_path, run).step()["said"]
    assert said.failure == "KeyError: 'bone'"
    assert said.traceback.startswith("Traceback (most recent call last):")
    assert 'raise KeyError("bone")' in said.traceback
    made = Worker.__new__(Worker)
    made.setup({"job": Job(0, RECIPE, 1, 0.0)}, runner=run, checkpoints=tmp_path)
    expected = made.step()["said"]
    assert (expected.failure, expected.traceback) == ("the loss is nan", "")


def test_a_simulated_epoch_s_seconds_are_its_own() -> None:
    def objective(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
        yield from (0.5, 0.6)

    epochs = imagine(objective)(RECIPE, 0, NO_LIMITS, None)
    next(epochs)
    time.sleep(0.2)  # the driver thinks
    assert next(epochs).seconds < 0.1
