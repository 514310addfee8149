"""One trial as whoever runs it sees it: epoch after epoch of what to tell the driver."""

import math
import os
import socket
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch

from autocls.errors import BadInput, TrialFailed
from autocls.search.checkpoint import Checkpoint, Keeper
from autocls.search.messages import Epoch, Job
from autocls.search.runner import Runner, Unreadable
from autocls.training.artifact import packed
from autocls.training.footprint import OverLimit
from autocls.training.loop import EpochResult
from autocls.training.network import Weights
from autocls.training.team import PeerLost

LONGEST = 8000
"""Characters of a traceback that are kept, from its end."""
PATIENCE = 45.0
"""Seconds for which data that can't be read are tried again before the first epoch: a file server may be restarted."""


def epochs(job: Job, runner: Runner, keeper: Keeper) -> Iterator[Epoch]:
    """What a job comes to, an epoch at a time; after a failure, or the recipe's last epoch, no more comes.

    It goes on from the checkpoint that its keeper finds, and leaves more of them.
    """
    worker = f"{socket.gethostname()}:{os.getpid()}"
    says = partial(Epoch, worker=worker)
    best = _Best(job.best)
    left = keeper.read()
    if left is not None:
        best.take_up(left)
        yield from (says(epoch, score, seconds) for epoch, score, seconds in left.told)
    training = _patient(runner, job, left)
    while True:
        started = time.perf_counter()
        try:
            result = next(training)
            if not math.isfinite(result.score):
                yield says(result.epoch, math.nan, result.seconds, failure=f"the score is {result.score}")
                return
            best.look_at(result)
            last = result.epoch >= job.recipe.epochs
            weights = best.packed() if last else b""
        except StopIteration:
            yield says(0, math.nan, 0.0, failure=f"ended before its {job.recipe.epochs} epochs")
            return
        except OverLimit as error:
            took = time.perf_counter() - started
            yield says(0, math.nan, took, footprint=error.footprint, failure=str(error), over_limit=True)
            return
        except Exception as error:  # whatever a network or a user's objective raises ends this trial, not the worker
            said = replace(_failure(error), seconds=time.perf_counter() - started, worker=worker)
            keeper.wanted = said.passing
            yield said
            return
        said = says(
            result.epoch,
            result.score,
            result.seconds,
            footprint=result.footprint,
            numerics=result.numerics or "",
            weights=weights,
        )
        yield said
        if last:
            return
        keeper.keep(said, result, best.weights)  # what was told before it is known to the driver


def _patient(runner: Runner, job: Job, left: Checkpoint | None) -> Iterator[EpochResult]:
    """The training, begun again for a while where data can't be read before its first epoch."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            training = runner(job.recipe, job.seed, job.limits, left.state if left is not None else None)
            first = next(training)
        except (OSError, BadInput, Unreadable):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
            continue
        except StopIteration:
            return
        yield first
        yield from training
        return


class _Best:
    """A trial's best weights so far, if they beat the search's."""

    def __init__(self, score: float) -> None:
        self._score = score
        self.weights: Weights | None = None

    def take_up(self, left: Checkpoint) -> None:
        """Begin where a checkpoint was."""
        self.weights = left.weights
        if left.weights is not None:
            self._score = math.nextafter(max(score for _, score, _ in left.told), math.inf)

    def look_at(self, result: EpochResult) -> None:
        """Copy the weights of an epoch that beats the search's best and the trial's own."""
        if result.weights is not None and result.score >= self._score:
            self._score = math.nextafter(result.score, math.inf)  # an equal later epoch is no better
            self.weights = result.weights()

    def packed(self) -> bytes:
        """As safetensors has them; empty if there are none."""
        if self.weights is None:
            return b""
        return packed(self.weights)


def _failure(error: Exception) -> Epoch:
    """What to say of an error; a machine's may pass, so it says which machine."""
    here = f"on {socket.gethostname()}"
    said = partial(Epoch, 0, math.nan, 0.0)
    if isinstance(error, TrialFailed):
        return said(failure=str(error))
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return said(failure=f"{here}: out of memory", passing=True)
    if isinstance(error, Unreadable):
        return said(failure=f"{here}: {error}", passing=True, unfit=True)
    if isinstance(error, PeerLost):
        return said(failure=f"{here}: {error}", passing=True)
    if isinstance(error, OSError | BadInput):
        reason = str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
        return said(failure=f"{here}: {reason}", passing=True, traceback=_traceback(error))
    first = str(error).strip().splitlines()
    return said(failure=f"{type(error).__name__}: {first[0] if first else ''}", traceback=_traceback(error))


def _traceback(error: Exception) -> str:
    return "".join(traceback.format_exception(error))[-LONGEST:]
