"""The training loop: a plain generator of one EpochResult per epoch."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from autocls.data import ImageData
from autocls.errors import TrialFailed
from autocls.recipe import Recipe
from autocls.training.inference import default_device, weights_of
from autocls.training.metrics import metric as metric_named
from autocls.training.network import Weights, count_parameters
from autocls.training.optimisation import rate_factor
from autocls.training.session import Session


@dataclass(frozen=True)
class EpochResult:
    """What one epoch of training came to."""

    epoch: int
    """From 1."""
    score: float
    """The metric on the validation part, in 0..1."""
    seconds: float
    """Training and validation, wall-clock."""
    loss: float | None = None
    """Mean training loss of the epoch's batches."""
    parameters: int | None = None
    """Numbers that training can change."""
    weights: Callable[[], Weights] | None = None
    """Copies the weights that were validated to the CPU; to be called before the next epoch starts."""


def train(
    recipe: Recipe, data: ImageData, seed: int = 0, *, metric: str = "accuracy", device: torch.device | None = None
) -> Iterator[EpochResult]:
    """Train ``recipe`` on the training part of ``data``, validating after each epoch.

    ``data`` must have been opened at the recipe's image size. Raises BadInput for an unknown metric, what Session
    raises, and TrialFailed when the loss is no longer finite.
    """
    scorer = metric_named(metric)
    session = Session(recipe, data, seed, device or default_device())
    truth = data.labels[data.split.val]
    parameters, scores = count_parameters(session.model), list[float]()
    for epoch in range(1, recipe.epochs + 1):
        started = time.perf_counter()
        session.begin(epoch)
        order = session.order()
        total = torch.zeros((), device=session.tensors.labels.device)
        for i, index in enumerate(order):
            done = epoch - 1 + i / len(order)
            batch = session.batch(index, done / recipe.epochs)
            total += session.step(batch, rate_factor(recipe, done, 1 / len(order), scores))
        loss = float(total) / len(order)
        if not math.isfinite(loss):
            raise TrialFailed(f"the loss is {loss} in epoch {epoch}")
        scores.append(float(scorer(truth, session.answers(data.split.val).argmax(1).cpu().numpy())))
        seconds = time.perf_counter() - started
        yield EpochResult(epoch, scores[-1], seconds, loss, parameters, lambda: weights_of(session.answering))
