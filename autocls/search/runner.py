"""What a worker runs for a trial. Workers import this module, so it imports nothing that only the driver needs."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from autocls.data import ImageData, Prepared
from autocls.data.shipment import Shipment
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.training.folds import train_folds
from autocls.training.footprint import Limits
from autocls.training.loop import EpochResult, train
from autocls.training.state import State

Runner = Callable[[Recipe, int, Limits, State | None], Iterator[EpochResult]]
"""Trains a recipe with a seed, within limits of what its network may cost, from a state on or (None) from the start;
picklable."""

Objective = Callable[[Recipe, int, int], Iterable[float]]
"""A simulated or user-made trial: recipe, seed and number of epochs in, a score in 0..1 after each epoch out."""


class Unreadable(Exception):
    """The images can't be read on this machine, and why; that says nothing of the trial."""


def train_on(prepared: Prepared, metric: str, shipment: Shipment | None = None, folds: int = 0) -> Runner:
    """Real trials: train on the data, scored by the metric; a seed decides the validation part too.

    With ``folds``, a trial is as many trainings in lockstep, and its score their mean. Each machine reads the images by
    the path that they have here, or takes them from a ``shipment``.
    """
    return partial(_train, prepared, metric, shipment, folds)


def imagine(objective: Objective) -> Runner:
    """Simulated trials: the objective's scores as they come."""
    return partial(_imagine, objective)


def _train(
    prepared: Prepared,
    metric: str,
    shipment: Shipment | None,
    folds: int,
    recipe: Recipe,
    seed: int,
    limits: Limits,
    state: State | None,
) -> Iterator[EpochResult]:
    first, *others = _read(prepared, shipment, folds, recipe.image_size, seed)
    if not others:
        return train(recipe, first, seed, metric=metric, limits=limits, state=state)
    return train_folds(recipe, [first, *others], seed, metric=metric, limits=limits, state=state)


def _read(prepared: Prepared, shipment: Shipment | None, folds: int, image_size: int, seed: int) -> Sequence[ImageData]:
    try:
        here = prepared.here() if shipment is None else shipment.unpack(prepared)
        return here.folds(image_size, folds, seed) if folds else [here.at(image_size, seed)]
    except (OSError, BadInput) as error:
        raise Unreadable(str(error)) from error


def _imagine(
    objective: Objective, recipe: Recipe, seed: int, limits: Limits, state: State | None
) -> Iterator[EpochResult]:
    began = time.perf_counter()
    for epoch, score in enumerate(objective(recipe, seed, recipe.epochs), start=1):
        yield EpochResult(epoch, float(score), time.perf_counter() - began)
        began = time.perf_counter()  # not while whoever asks for epochs does something else
