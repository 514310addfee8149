"""What a worker runs for a trial. Workers import this module, so it imports nothing that only the driver needs."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from autocls.data import Prepared
from autocls.recipe import Recipe
from autocls.training.footprint import Limits
from autocls.training.loop import EpochResult, train
from autocls.training.state import State

Runner = Callable[[Recipe, int, Limits, State | None], Iterator[EpochResult]]
"""Trains a recipe with a seed, within limits of what its network may cost, from a state on or (None) from the start;
picklable."""

Objective = Callable[[Recipe, int, int], Iterable[float]]
"""A simulated or user-made trial: recipe, seed and number of epochs in, a score in 0..1 after each epoch out."""


def train_on(prepared: Prepared, metric: str) -> Runner:
    """Real trials: train on the data, scored by the metric; a seed decides the validation part too."""
    return partial(_train, prepared, metric)


def imagine(objective: Objective) -> Runner:
    """Simulated trials: the objective's scores as they come."""
    return partial(_imagine, objective)


def _train(
    prepared: Prepared, metric: str, recipe: Recipe, seed: int, limits: Limits, state: State | None
) -> Iterator[EpochResult]:
    return train(recipe, prepared.at(recipe.image_size, seed), seed, metric=metric, limits=limits, state=state)


def _imagine(
    objective: Objective, recipe: Recipe, seed: int, limits: Limits, state: State | None
) -> Iterator[EpochResult]:
    began = time.perf_counter()
    for epoch, score in enumerate(objective(recipe, seed, recipe.epochs), start=1):
        yield EpochResult(epoch, float(score), time.perf_counter() - began)
        began = time.perf_counter()  # not while whoever asks for epochs does something else
