"""What the engine costs besides training: trials that train nothing, the study alone, memory, and the report.

    python -m benchmarks.overhead [--trials 100 1000 10000] [--asked 10000] [--repeats 5]

A search is of ``nothing`` on the shipped space ``quick``, in a process of its own. It is cut in three:

start    from the call until the first trial has ended: Ray, the workers' processes and their imports;
trials   from there until the last trial has ended, divided by the trials that ended in it: the wall-clock seconds that
         a trial takes when its training takes none. With w workers, each one idles w times as long for a trial;
end      from there until ``search`` returns: the tables, the winner's cards, the page.

The study alone is asked, reported to and told in one process, as the driver does it, with its journal file.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

import psutil

P = ParamSpec("P")
T = TypeVar("T")

WINDOW = 50
"""Trials around the one at which the study's answers are timed."""


@dataclass(frozen=True)
class Searched:
    """One search of trials that train nothing; seconds and MB."""

    trials: int
    epochs: int
    workers: int
    start: float
    per_trial: float
    last_tenth: float
    """As ``per_trial``, of the last tenth of the trials."""
    end: float
    memory: float
    """The driver's resident memory when the last trial has ended."""
    peak: float


@dataclass(frozen=True)
class Asked:
    """The study alone around one trial; medians in milliseconds, and the process' resident memory in MB."""

    space: str
    trial: int
    ask: float
    report: float
    """Of all the trial's epochs."""
    tell: float
    total: float
    memory: float


@dataclass(frozen=True)
class Reported:
    """The page of one search."""

    trials: int
    seconds: float
    megabytes: float
    peak: float
    """The process' memory, in MB."""


def alone(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function returns in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def search(trials: int, epochs: int, folder: Path) -> Searched:
    """Search ``nothing`` into a folder that isn't there yet."""
    import autocls
    from autocls.search.driver import Snapshot
    from benchmarks.nothing import nothing

    ended = list[float]()
    running = memory = 0.0

    def watch(now: Snapshot) -> None:
        nonlocal running, memory
        running = max(running, now.running)
        if now.complete + now.pruned + now.failed > len(ended):
            ended.append(time.perf_counter())
            if len(ended) == trials:
                memory = resident()

    began = time.perf_counter()
    result = autocls.search(objective=nothing, space="quick", epochs=epochs, trials=trials, out=folder, watch=watch)
    end = time.perf_counter()
    if len(ended) != trials or result.snapshot.failed:
        raise RuntimeError(f"{len(ended)} of {trials} trials ended, {result.snapshot.failed} failed")
    tenth = max(1, trials // 10)
    return Searched(
        trials, epochs, workers(), ended[0] - began, (ended[-1] - ended[0]) / (trials - 1),
        (ended[-1] - ended[-1 - tenth]) / tenth, end - ended[-1], memory, peak(),
    )  # fmt: skip


def workers() -> int:
    """How many trials of one core a search runs at once here."""
    return psutil.cpu_count() or 1


def ask(space: str, marks: Sequence[int], epochs: int) -> list[Asked]:
    """Ask for trials, report and tell what ``nothing`` says, up to the last mark."""
    from autocls.search.study import Study
    from autocls.space import Space
    from autocls.training.network import misfits
    from benchmarks.nothing import nothing

    opened = Space.load(space).with_epochs(epochs)
    fits = partial(misfits, classes=10, channels=3)
    spent, found = list[tuple[float, float, float]](), list[Asked]()
    with tempfile.TemporaryDirectory() as folder:
        study = Study.create(Path(folder), None, opened, {}, seed=0, sampler="tpe", pruner="hyperband", misfits=fits)
        while len(spent) < max(marks) + WINDOW // 2:
            began = time.perf_counter()
            asked = study.ask()
            if asked is None:
                raise RuntimeError(f"{space}: no more than {len(spent)} trials")
            got = time.perf_counter()
            state = "COMPLETE"
            for epoch, score in enumerate(nothing(asked.recipe, 0, epochs), start=1):
                if study.report(asked.number, epoch, score) and epoch < epochs:
                    state = "PRUNED"
                    break
            reported = time.perf_counter()
            study.tell(asked.number, state, seconds=0.0, parameters=None)
            spent.append((got - began, reported - got, time.perf_counter() - reported))
            mark = len(spent) - WINDOW // 2
            if mark in marks:
                around = spent[-WINDOW:]
                each = [1000 * statistics.median(part) for part in zip(*around, strict=True)]
                total = 1000 * statistics.median(map(sum, around))
                found.append(Asked(space, mark, *each, total, resident()))
    return found


def report(folder: Path, trials: int) -> Reported:
    """Write the page of a run folder again."""
    from autocls.report import write_report

    began = time.perf_counter()
    page = write_report(folder)
    return Reported(trials, time.perf_counter() - began, page.stat().st_size / 1e6, peak())


def resident() -> float:
    """This process' memory now, in MB."""
    return psutil.Process().memory_info().rss / 1e6


def peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="*", default=[100, 1000, 10_000], help="sizes of searches")
    parser.add_argument(
        "--epochs", type=int, nargs="*", default=[1, 3], help="of a trial; more than 1 up to 1,000 trials"
    )
    parser.add_argument("--asked", type=int, nargs="*", default=[100, 1000, 10_000], help="trials to time the study at")
    parser.add_argument("--spaces", nargs="*", default=["quick", "full"], help="that the study is asked of")
    parser.add_argument(
        "--repeats", type=int, default=5, help="of searches of up to 1,000 trials; larger ones run once"
    )
    wanted = parser.parse_args()
    for trials in wanted.trials:
        for epochs in wanted.epochs:
            for _ in range(wanted.repeats if trials <= 1000 else 1):
                with tempfile.TemporaryDirectory() as place:
                    folder = Path(place) / "run"
                    print(asdict(alone(search, trials, epochs, folder)), flush=True)
                    print(asdict(alone(report, folder, trials)), flush=True)
    for space in wanted.spaces:
        for row in alone(ask, space, wanted.asked, 3):
            print(asdict(row), flush=True)


if __name__ == "__main__":
    main()
