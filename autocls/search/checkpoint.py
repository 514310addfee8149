"""Checkpoints of trials: what a worker leaves so that another one may go on with its training."""

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from autocls.search.messages import Epoch, Job
from autocls.training.loop import EpochResult
from autocls.training.network import Weights
from autocls.training.state import State

CHECKPOINTS = "checkpoints"
"""What their folder is called."""
EVERY = 30.0
"""Seconds of training between two checkpoints, at the least: what a restart may lose, and short trials never write."""
SHARE = 0.02
"""Of a worker's time that copying checkpoints may take."""


@dataclass(frozen=True)
class Checkpoint:
    """A training after some of its epochs."""

    told: tuple[tuple[int, float, float], ...]
    """Epoch, score and seconds of each so far."""
    state: State
    """What ``train`` goes on from."""
    weights: Weights | None
    """The best so far, if they beat the search's best when the trial began."""


class Keeper:
    """Writes a job's checkpoints, and finds the one that an earlier worker left.

    Where the folder isn't there, on a node that doesn't share it, there are none.
    """

    def __init__(self, job: Job, folder: Path) -> None:
        self._job = job
        self._folder = folder
        self._file = folder / f"{job.number}.pt"
        self._told: list[tuple[int, float, float]] = []
        self._since = time.monotonic()
        self._cost = 0.0
        self._writer: ThreadPoolExecutor | None = None
        self._writing: Future[None] | None = None
        self.wanted = False
        """Whether another worker may go on from here, should this one take another job."""

    def read(self) -> Checkpoint | None:
        """The checkpoint of this very job; None when there is none that can be read."""
        try:
            found = torch.load(self._file, weights_only=True)
            if (found["recipe"], found["seed"]) != (self._job.recipe.to_yaml(), self._job.seed):
                return None
            self._told = [(int(epoch), float(score), float(seconds)) for epoch, score, seconds in found["told"]]
            return Checkpoint(tuple(self._told), found["state"], found["weights"])
        except Exception:  # torn, or of another version, it breaks torch's reader in many ways: the trial begins anew
            return None

    def keep(self, said: Epoch, result: EpochResult, best: Weights | None) -> None:
        """Write a checkpoint after an epoch that was told, if it is time; training goes on meanwhile."""
        self._told.append((said.epoch, said.score, said.seconds))
        if result.state is None or time.monotonic() - self._since < max(EVERY, self._cost / SHARE):
            return
        if not self._folder.is_dir() or (self._writing is not None and not self._writing.done()):
            return
        started = time.monotonic()
        found = {
            "recipe": self._job.recipe.to_yaml(),
            "seed": self._job.seed,
            "told": [list(each) for each in self._told],
            "state": result.state(),
            "weights": best,
        }
        self._writer = self._writer or ThreadPoolExecutor(1)
        self._writing = self._writer.submit(_write, found, self._file)
        self._since = time.monotonic()
        self._cost = self._since - started

    def forget(self) -> None:
        """Delete the job's checkpoint, as it has ended; unless it is wanted."""
        if self._writer is not None:
            self._writer.shutdown()
        if not self.wanted:
            with suppress(OSError):
                self._file.unlink()


def _write(found: dict[str, Any], file: Path) -> None:
    """Whole or not at all; a disk that takes none costs a restart, should one come, and no more."""
    partial = file.with_suffix(f".{os.getpid()}")
    try:
        torch.save(found, partial)
        os.replace(partial, file)
    except (OSError, RuntimeError):  # torch's writer makes a full disk a RuntimeError
        with suppress(OSError):
            partial.unlink()
