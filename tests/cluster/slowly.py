"""Real trainings slowed down, which leave a checkpoint after each epoch and a line for each that was trained."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import autocls
from autocls.recipe import Recipe
from autocls.search import checkpoint, runner, task
from autocls.search.runner import Runner
from autocls.search.snapshot import Snapshot
from autocls.training.footprint import Limits
from autocls.training.loop import EpochResult
from autocls.training.state import State

SPACE = {"image_size": 8, "norm": ["none", "batch"], "optimizer": {"sgd": {"lr": {"log": [0.001, 1]}, "momentum": 0.9}}}


def line(recipe: Recipe, epoch: int) -> str:
    """What is written when an epoch of a recipe was trained."""
    return f"{recipe.optimizer} {recipe.norm} {epoch}"


def _train(
    lines: Path, train: Runner, recipe: Recipe, seed: int, limits: Limits, state: State | None
) -> Iterator[EpochResult]:
    checkpoint.EVERY, checkpoint.SHARE = 0.0, 1e9
    for result in train(recipe, seed, limits, state):
        with lines.open("a") as file:
            file.write(line(recipe, result.epoch) + "\n")
        time.sleep(0.4)
        yield result


def _slowed(lines: Path, *given: Any) -> Runner:
    return partial(_train, lines, runner.train_on(*given))


def train_on(lines: Path) -> Callable[..., Runner]:
    """Like the runner's own, slow; writes to a file of lines."""
    return partial(_slowed, lines)


def show(snapshot: Snapshot) -> None:
    print(snapshot.epochs, snapshot.complete, flush=True)


def drive(address: str, folder: str, trials: int, epochs: int) -> None:
    """Search so, and print how it stands at each change."""
    task.train_on = train_on(Path(folder).with_suffix(".lines"))
    autocls.search(
        "digits", {**SPACE, "epochs": epochs}, trials=trials, out=folder, address=address, confirm=0, sampler="random",
        pruner="none", watch=show,
    )  # fmt: skip
