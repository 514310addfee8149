"""A warm process that trains recipe after recipe, an epoch a step. It imports nothing that only the driver needs."""

import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from ray import tune

from autocls.errors import TrialFailed
from autocls.search.messages import Epoch, Job
from autocls.search.runner import Runner
from autocls.training.artifact import save_weights
from autocls.training.loop import EpochResult


class Worker(tune.Trainable):
    """Tune's view of the process; a job comes as ``{"job": Job}``.

    It writes weights itself: a checkpoint of Tune's would lie there only some time after the score was told.
    """

    def setup(
        self, config: dict[str, Any], runner: Runner | None = None, weights: Path = Path(), threads: int = 1
    ) -> None:
        torch.set_num_threads(threads)
        assert runner is not None, "tune.with_parameters gives it"
        self._runner = runner
        self._weights = weights
        self._writer = ThreadPoolExecutor(1)
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        job: Job = new_config["job"]
        self._recipe = job.recipe
        self._best = job.best
        self._folder = self._weights / str(job.number)
        self._writing: Future[None] | None = None
        self._epochs = self._runner(job.recipe, job.seed)
        return True

    def step(self) -> dict[str, Any]:
        said = self._next()
        return {"said": asdict(said), "score": said.score}

    def cleanup(self) -> None:
        self._writer.shutdown()

    def _next(self) -> Epoch:
        started = time.perf_counter()
        try:
            result = next(self._epochs)
            if not math.isfinite(result.score):
                return Epoch(result.epoch, math.nan, result.seconds, failure=f"the score is {result.score}")
            weights = self._keep(result)
        except StopIteration:
            return Epoch(0, math.nan, 0.0, failure=f"ended before its {self._recipe.epochs} epochs")
        except Exception as error:  # whatever a network or a user's objective raises ends this trial, not the worker
            return Epoch(0, math.nan, time.perf_counter() - started, failure=_reason(error))
        return Epoch(result.epoch, result.score, result.seconds, result.parameters, result.numerics or "", weights)

    def _keep(self, result: EpochResult) -> str:
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
        if result.epoch == self._recipe.epochs:
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
