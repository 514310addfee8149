"""Whether a search on one worker that is killed and resumed comes to what it would have come to."""

import multiprocessing
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from ray.cluster_utils import Cluster

from autocls.search.record import Record, Row
from autocls.search.run import resume, search
from benchmarks.simulated import asleep

EPOCH = 0.02
"""Seconds."""
TRIALS = 40
MOMENTARY = ("seconds", "started", "begun", "finished", "worker")
"""Fields of a row that are of when and where, and not of what."""


@dataclass(frozen=True)
class Killed:
    """Searches that were killed once each."""

    engine: str
    equal: int
    """That came to the same finished trials as one that was left alone."""
    killed: int
    trials: int
    """Of each."""
    taken_up: int
    """Trials that ran when their search was killed, and ended in the next process."""


def inline(kills: int) -> Killed:
    """Searches in one process each."""
    return _killed("in one process", "inline", kills, "fork")


def over_ray(kills: int) -> Killed:
    """Searches over a cluster of one worker that outlives them."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        return _killed("over Ray, one worker", made.address, kills, "spawn")  # Ray's threads don't survive a fork
    finally:
        made.shutdown()


def _killed(engine: str, address: str, kills: int, start: str) -> Killed:
    moments, equal, taken_up, killed = random.Random(0), 0, 0, 0
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        _run(partial(_search, whole, address), start)
        there = _told(whole)
        rows = Record.open(whole).rows()
        lasts = max(row.finished for row in rows) - min(row.begun for row in rows)
        while killed < kills:
            folder = Path(place) / str(killed)
            _run(partial(_search, folder, address), start, kill_after=moments.uniform(0, lasts))
            going = Record.open(folder).running()
            if Record.open(folder).about().get("stopped"):
                shutil.rmtree(folder)  # it was done sooner than the other one
                continue
            killed += 1
            taken_up += len(going)
            _run(partial(_resume, folder, address), start)
            equal += _told(folder) == there
        return Killed(engine, equal, killed, len(there), taken_up)


def _search(folder: Path, address: str, **given: Any) -> None:
    search(
        objective=partial(asleep, EPOCH), space="quick", epochs=5, trials=TRIALS, seed=3, confirm=0, max_concurrent=1,
        address=address, out=folder, **given,
    )  # fmt: skip


def _resume(folder: Path, address: str, **given: Any) -> None:
    resume(folder, objective=partial(asleep, EPOCH), address=address, **given)


def _told(folder: Path) -> list[dict[str, Any]]:
    """What a search's trials were and came to; as text, in which NaN equals itself."""
    rows: list[Row] = Record.open(folder, answers=True).rows()
    return [{name: repr(value) for name, value in vars(row).items() if name not in MOMENTARY} for row in rows]


def _run(work: Callable[..., None], start: str, kill_after: float | None = None) -> None:
    """Work in a process of its own, which is killed so many seconds after its first epoch. Raises RuntimeError."""
    context: Any = multiprocessing.get_context(start)
    here, there = context.Pipe()
    process = context.Process(target=_live, args=(work, there))
    process.start()
    there.close()
    here.recv()
    process.join(kill_after)
    if process.exitcode is None:
        process.kill()
        process.join()
    elif process.exitcode:
        raise RuntimeError(f"a search ended with exit code {process.exitcode}")


def _live(work: Callable[..., None], first: Connection) -> None:
    torch.set_num_threads(1)
    said = False

    def watch(snapshot: Any) -> None:
        nonlocal said
        if snapshot.epochs and not said:
            said = True
            first.send(None)

    work(watch=watch)
