"""How busy a search kept its GPUs and its driver: of the table that it leaves, and of looks at the driver."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
import psutil

from autocls.search.snapshot import Snapshot

OFTEN = 0.2
"""Seconds between two looks at the driver."""


@dataclass(frozen=True)
class Window:
    """The time in which all GPUs could have been busy; seconds after the search's start."""

    begun: float
    """When the last of them began its first trial."""
    ended: float
    """When the last recipe was handed out."""

    @property
    def seconds(self) -> float:
        return self.ended - self.begun


def window(trials: pd.DataFrame, gpus: int) -> Window:
    """After the start and before the end of the search whose ``trials.parquet`` this is; each trial takes one GPU.

    Raises ValueError when not all GPUs had a trial, or the last of them began no sooner than the search ended.
    """
    first = trials.loc[trials["worker"] != ""].groupby("worker")["begun"].min().sort_values()
    if len(first) < gpus:
        raise ValueError(f"{len(first)} of {gpus} GPUs had a trial")
    found = Window(float(first.iloc[gpus - 1]), float(trials["started"].max()))
    if found.seconds <= 0:
        raise ValueError("the search ended before all GPUs had a trial")
    return found


def share(trials: pd.DataFrame, gpus: int, within: Window) -> float:
    """Of the GPUs' time in the window, what they spent in trials' epochs.

    A trial that lies in the window by half counts with half of its epochs' seconds.
    """
    lasted = trials["finished"] - trials["begun"]
    inside = trials["finished"].clip(upper=within.ended) - trials["begun"].clip(lower=within.begun)
    part = (inside.clip(lower=0) / lasted.where(lasted > 0)).fillna(0)  # one that never began counts for nothing
    return float((trials["seconds"].clip(upper=lasted) * part).sum() / (gpus * within.seconds))


@dataclass(frozen=True)
class Look:
    """At the driver, from its own thread."""

    at: float
    """Unix time."""
    thread: float
    """Seconds of a core that the driver's thread took so far."""
    process: float
    """As ``thread``, of its process: Ray's own threads are in it."""
    machine: float
    """As ``thread``, of everything on the machine."""
    epochs: int
    ended: int
    """Trials."""
    memory: float
    """The process' resident megabytes."""


@dataclass
class Looks:
    """Watches a search, and takes a look now and then."""

    taken: list[Look] = field(default_factory=list)

    def __call__(self, now: Snapshot) -> None:
        if not self.taken or time.time() - self.taken[-1].at >= OFTEN:
            cores = psutil.cpu_times()
            self.taken.append(
                Look(
                    time.time(), time.thread_time(), time.process_time(),
                    sum(cores) - cores.idle - cores.iowait - cores.guest - cores.guest_nice,
                    now.epochs, now.complete + now.pruned + now.failed, psutil.Process().memory_info().rss / 1e6,
                )
            )  # fmt: skip


@dataclass(frozen=True)
class Load:
    """What the driver did in a window, and what that took; a second."""

    reports: float
    trials: float
    thread: float
    """Cores."""
    process: float
    machine: float
    """Of all its cores, from 0 to 1."""

    @classmethod
    def of(cls, looks: Sequence[Look], begun: float, ended: float) -> "Load":
        """Between the first look and the last that lie within two Unix times. Raises ValueError without two."""
        inside = [look for look in looks if begun <= look.at <= ended]
        if len(inside) < 2:
            raise ValueError(f"{len(inside)} looks at the driver in {ended - begun:.1f} s")
        first, last = inside[0], inside[-1]
        seconds = last.at - first.at
        return cls(
            (last.epochs - first.epochs) / seconds,
            (last.ended - first.ended) / seconds,
            (last.thread - first.thread) / seconds,
            (last.process - first.process) / seconds,
            (last.machine - first.machine) / seconds / (os.cpu_count() or 1),
        )
