"""One trial as whoever runs it sees it: epoch after epoch of what to tell the driver."""

import math
import os
import socket
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path

import torch

from autocls.errors import TrialFailed
from autocls.search.messages import Epoch, Job
from autocls.search.runner import Runner
from autocls.training.artifact import save_weights
from autocls.training.footprint import OverLimit
from autocls.training.loop import EpochResult

LONGEST = 8000
"""Characters of a traceback that are kept, from its end."""


def epochs(job: Job, runner: Runner, weights: Path, writer: Executor) -> Iterator[Epoch]:
    """What a job comes to, an epoch at a time; after a failure, or the recipe's last epoch, no more comes.

    The weights of epochs that beat ``job.best`` are written below ``weights`` by ``writer``: a checkpoint of Tune's
    would lie there only some time after the score was told.
    """
    keeper = _Keeper(job, weights / str(job.number), writer)
    training, says = (
        runner(job.recipe, job.seed, job.limits),
        partial(Epoch, worker=f"{socket.gethostname()}:{os.getpid()}"),
    )
    while True:
        started = time.perf_counter()
        try:
            result = next(training)
            if not math.isfinite(result.score):
                yield says(result.epoch, math.nan, result.seconds, failure=f"the score is {result.score}")
                return
            folder = keeper.keep(result)
        except StopIteration:
            yield says(0, math.nan, 0.0, failure=f"ended before its {job.recipe.epochs} epochs")
            return
        except OverLimit as error:
            took = time.perf_counter() - started
            yield says(0, math.nan, took, footprint=error.footprint, failure=str(error), over_limit=True)
            return
        except Exception as error:  # whatever a network or a user's objective raises ends this trial, not the worker
            took = time.perf_counter() - started
            unexpected = "" if isinstance(error, TrialFailed) else "".join(traceback.format_exception(error))[-LONGEST:]
            yield says(0, math.nan, took, failure=_reason(error), traceback=unexpected)
            return
        yield says(
            result.epoch,
            result.score,
            result.seconds,
            footprint=result.footprint,
            numerics=result.numerics or "",
            weights=folder,
        )
        if result.epoch >= job.recipe.epochs:
            return


class _Keeper:
    """Writes a trial's weights where they may be wanted."""

    def __init__(self, job: Job, folder: Path, writer: Executor) -> None:
        self._best = job.best
        self._last = job.recipe.epochs
        self._folder = folder
        self._writer = writer
        self._writing: Future[None] | None = None

    def keep(self, result: EpochResult) -> str:
        """Write the weights of an epoch that beats the search's best and the trial's own; the folder, or nothing.

        Training goes on while they are written, but for the last epoch, which ends the trial.
        """
        folder = ""
        if result.weights is not None and result.score >= self._best:
            self._best = math.nextafter(result.score, math.inf)  # an equal later epoch is no better
            self._await_writing()
            self._folder.mkdir(parents=True, exist_ok=True)
            self._writing = self._writer.submit(save_weights, result.weights(), self._folder)
            folder = str(self._folder)
        if result.epoch == self._last:
            self._await_writing()
        return folder

    def _await_writing(self) -> None:
        if self._writing is not None:
            self._writing.result()


def _reason(error: Exception) -> str:
    if isinstance(error, TrialFailed):
        return str(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return "out of memory"
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0] if first else ''}"
