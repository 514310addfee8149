"""The training loop: a plain generator of one EpochResult per epoch."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from autocls.data import ImageData
from autocls.errors import TrialFailed
from autocls.recipe import Recipe
from autocls.training import team
from autocls.training.footprint import NO_LIMITS, Footprint, Limits, measure
from autocls.training.inference import default_device, weights_of
from autocls.training.labelling import labelling
from autocls.training.network import Weights
from autocls.training.numerics import Numerics
from autocls.training.optimisation import rate_factor
from autocls.training.session import Session
from autocls.training.state import State, check

LOOKS = 8
"""So many times an epoch the loss is looked at, for which a GPU is waited for; a training that broke ends there."""


@dataclass(frozen=True)
class Spent:
    """Where an epoch's time went, in seconds.

    On a GPU, which computes on its own, it is the time to tell it what to do, and ``training`` also waits for the end.
    """

    data: float
    """Making batches: gathering and augmenting."""
    training: float
    """Steps."""
    validation: float
    """Answers to the validation part, and the metric."""

    @property
    def total(self) -> float:
        return self.data + self.training + self.validation


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
    footprint: Footprint | None = None
    """What the trained network costs."""
    weights: Callable[[], Weights] | None = None
    """Copies the weights that were validated to the CPU; to be called before the next epoch starts."""
    spent: Spent | None = None
    """What ``seconds`` were spent on."""
    numerics: str | None = None
    """What the network computes with, as ``float32``."""
    state: Callable[[], State] | None = None
    """Copies what ``train`` needs to go on after this epoch; to be called before the next epoch starts."""
    folds: tuple[float, ...] = ()
    """Of each fold, where ``score`` is the mean over some."""


def train(
    recipe: Recipe,
    data: ImageData,
    seed: int = 0,
    *,
    metric: str | None = None,
    device: torch.device | None = None,
    numerics: Numerics | None = None,
    limits: Limits = NO_LIMITS,
    state: State | None = None,
) -> Iterator[EpochResult]:
    """Train ``recipe`` on the training part of ``data``, validating after each epoch.

    The devices of a team each call it with the same arguments, and all get the same results but for the time it took.
    ``data`` must have been opened at the recipe's image size. The ``metric`` is the usual one of such data, and
    ``numerics`` are chosen, unless given. With the ``state`` of an epoch's result it goes on after that epoch, with the
    same results as if it had never ended. Raises BadInput for an unknown metric or a state of another training, what
    Session raises, OverLimit when the network costs more than ``limits`` allow, and TrialFailed when the loss is no
    longer finite.
    """
    task = labelling(multilabel=data.multilabel)
    score = task.metrics[task.metric(metric)]
    device = device or default_device()
    if state is not None:
        check(state, recipe, data, seed)
        numerics = numerics or Numerics(**state["numerics"])
    session = Session(recipe, data, seed, device, numerics)
    footprint = team.agree(measure(recipe, session.model, data.images.shape[1], device))
    limits.check(footprint)
    truth, scores = data.labels[data.split.val], list[float]()
    if state is not None:
        scores += state["scores"]
        session.restore(state, len(scores))
    for epoch in range(len(scores) + 1, recipe.epochs + 1):
        clock = _Clock()
        session.begin(epoch)
        order = session.order()
        if not order:
            raise TrialFailed(f"of {len(data.split.train)} images to train on no batch can be made")
        done = [epoch - 1 + i / len(order) for i in range(len(order))]
        batches = session.stream(order, [at / recipe.epochs for at in done])
        total = torch.zeros((), device=session.tensors.labels.device)
        data_time = training_time = 0.0
        looks = {math.ceil(len(order) * k / LOOKS) for k in range(1, LOOKS + 1)}
        for i, at in enumerate(done, start=1):
            batch = next(batches)
            data_time += clock.lap()
            total += session.step(batch, rate_factor(recipe, at, 1 / len(order), scores))
            if i in looks and not math.isfinite(mean := float(team.mean(total))):
                raise TrialFailed(f"the loss is {mean} in epoch {epoch}")
            training_time += clock.lap()
        loss = float(team.mean(total)) / len(order)
        scores.append(score(truth, session.answers(data.split.val).cpu().numpy()))
        spent = Spent(data_time, training_time, clock.lap())
        yield EpochResult(
            epoch,
            scores[-1],
            spent.total,
            loss,
            footprint,
            weights=partial(weights_of, session.answering),
            spent=spent,
            numerics=str(session.numerics),
            state=partial(_state, session, tuple(scores)),
        )


def _state(session: Session, scores: Sequence[float]) -> State:
    return session.state() | {"scores": list(scores)}


class _Clock:
    """Seconds since the last look."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        last, self._last = self._last, time.perf_counter()
        return self._last - last
