"""Simulated trials that fail as machines do; workers import them from here."""

import hashlib
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from autocls.recipe import Recipe
from autocls.training import team
from tests.search.objectives import crew as crew
from tests.search.objectives import deadly as deadly
from tests.search.objectives import deserted as deserted
from tests.search.objectives import quadratic
from tests.search.objectives import stumbling as stumbling


def steady(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Like ``quadratic``; an epoch takes 0.3 s."""
    for score in quadratic(recipe, seed, epochs):
        time.sleep(0.3)
        yield score


class Heavy:
    """Takes three seconds to come to a worker, longer than a trial of ``steady``."""

    def __reduce__(self) -> tuple[Callable[[], "Heavy"], tuple[()]]:
        return _arrive, ()


def _arrive() -> Heavy:
    time.sleep(3)
    return Heavy()


def seen(marks: str, heavy: Heavy, recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Like ``steady``; each worker leaves a mark."""
    for score in steady(recipe, seed, epochs):
        _first(marks, str(os.getpid()))
        yield score


def _first(marks: str, name: str) -> bool:
    """Whether this is the first time, on any worker."""
    try:
        Path(marks).mkdir(exist_ok=True)
        (Path(marks) / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def killed_once(marks: str, recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Its worker is killed after two epochs, the first time that a recipe is run."""
    for epoch, score in enumerate(quadratic(recipe, seed, epochs), start=1):
        if epoch == 3 and _first(marks, hashlib.sha256(recipe.to_yaml().encode()).hexdigest()):
            os.kill(os.getpid(), signal.SIGKILL)
        yield score


def hung_once(marks: str, recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """The third epoch of the first trial to come there never ends."""
    for epoch, score in enumerate(quadratic(recipe, seed, epochs), start=1):
        if epoch == 3 and _first(marks, "hung"):
            time.sleep(1e6)
        yield score


def frozen_once(marks: str, recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """The first trial to come to its third epoch is stopped, process and all."""
    for epoch, score in enumerate(quadratic(recipe, seed, epochs), start=1):
        if epoch == 3 and _first(marks, "frozen"):
            os.kill(os.getpid(), signal.SIGSTOP)
        yield score


def killed_in_its_verdict(
    marks: str, seeds: tuple[int, ...], recipe: Recipe, seed: int, epochs: int
) -> Iterator[float]:
    """Tricks help as planned; the first runs with some seeds kill their worker."""
    if seed in seeds and _first(marks, str(seed)):
        os.kill(os.getpid(), signal.SIGKILL)
    for epoch in range(epochs):
        yield 0.5 + 0.2 * (recipe.norm is not None) + 0.01 * epoch + 0.001 * (seed % 7)


def deserted_once(marks: str, recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """The second device of the first trial to come to its second epoch is killed; each of them leaves a mark."""
    for epoch in range(1, epochs + 1):
        if team.rank() == 1:
            _first(marks, f"peer-{os.getpid()}")
            if epoch == 2 and _first(marks, "killed"):
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.5)
        yield float(team.mean(torch.tensor(epoch / (epochs + 1))))


def not_a_number(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """A training that diverges."""
    yield 0.5
    yield math.nan


def too_large(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """A batch of more than 64 finds no memory on the GPU, once momentum has its own."""
    for epoch in range(1, epochs + 1):
        if epoch == 2 and recipe.batch_size > 64:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        yield epoch / (epochs + 1)


def greedy(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Finds no memory."""
    yield 0.5
    raise MemoryError
