"""What the engine costs besides training: trials that train nothing, the study alone, memory, and the report.

    python -m benchmarks.overhead [--trials 100 1000 10000] [--asked 100 1000 10000] [--repeats 5] [--limit 900]

A search is of ``nothing`` on the shipped space ``quick``, in a process of its own. It is cut in three:

start      from the call until the first trial has ended: Ray, the workers' processes and their imports;
per trial  from there until the last trial has ended, divided by the trials that ended in it: the wall-clock time that a
           trial takes when its training takes none. With w workers, each one idles w times as long for a trial;
end        from there until ``search`` returns: the tables, the winner's cards, the page.

The page is then written once more, in a process of its own. Searches of more than 1,000 trials, and of more than one
epoch, run once.

The study alone is asked, reported to and told in one process, as the driver does it, with its journal file and without
Ray: the median of 50 trials around the 100th, the 1,000th and so on. What a recipe's choices have no place in its
network is asked for by the driver too; as it depends on no study, it is timed by itself (``fit``).

What isn't reached within the limit is left out, and said.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import psutil
from rich.table import Table

from benchmarks.results import Spread, machine, write

P = ParamSpec("P")
T = TypeVar("T")

WINDOW = 50
"""Trials around the one at which the study's answers are timed."""
OFTEN = 1000
"""Searches of up to so many trials are repeated."""


@dataclass(frozen=True)
class Searched:
    """One search of trials that train nothing, and its page; seconds and megabytes."""

    wanted: int
    trials: int
    """That ended; fewer than were wanted when time was up."""
    epochs: int
    workers: int
    start: float
    per_trial: float
    last_tenth: float
    """As ``per_trial``, of the last tenth of the trials."""
    end: float
    memory: float
    """The driver's resident memory when the last trial had ended."""
    peak: float
    """The most that the driver had."""
    page_seconds: float
    page_megabytes: float


@dataclass(frozen=True)
class Asked:
    """The study alone around one trial: medians in milliseconds, and the process' resident megabytes."""

    space: str
    trial: int
    ask: float
    report: float
    """Of all the trial's epochs."""
    tell: float
    total: float
    fit: float
    """To find which of a recipe's choices have no place in it."""
    memory: float


def alone(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function returns in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def searched(trials: int, epochs: int, limit: float) -> Searched:
    """Search ``nothing``, and write the page once more."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        found = alone(_search, trials, epochs, limit, folder)
        return Searched(**found, **alone(_report, folder))


def _search(trials: int, epochs: int, limit: float, folder: Path) -> dict[str, Any]:
    """All that ``Searched`` holds but the page."""
    import autocls
    from autocls.search.snapshot import Snapshot
    from benchmarks.nothing import nothing

    ended, memory = list[float](), 0.0

    def watch(now: Snapshot) -> None:
        nonlocal memory
        if now.complete + now.pruned + now.failed > len(ended):
            ended.append(time.perf_counter())
            memory = _resident()

    began = time.perf_counter()
    result = autocls.search(
        objective=nothing,
        space="quick",
        epochs=epochs,
        trials=trials,
        seconds=limit,
        confirm=0,
        out=folder,
        watch=watch,
    )
    returned = time.perf_counter()
    if result.snapshot.failed:
        raise RuntimeError(f"{result.snapshot.failed} trials of nothing failed")
    tenth = max(1, len(ended) // 10)
    return {
        "wanted": trials,
        "trials": len(ended),
        "epochs": epochs,
        "workers": psutil.cpu_count() or 1,
        "start": ended[0] - began,
        "per_trial": (ended[-1] - ended[0]) / (len(ended) - 1),
        "last_tenth": (ended[-1] - ended[-1 - tenth]) / tenth,
        "end": returned - ended[-1],
        "memory": memory,
        "peak": _peak(),
    }


def _report(folder: Path) -> dict[str, Any]:
    """Of ``Searched`` what is about the page."""
    from autocls.report import write_report

    began = time.perf_counter()
    page = write_report(folder)
    return {"page_seconds": time.perf_counter() - began, "page_megabytes": page.stat().st_size / 1e6}


def asked(space: str, marks: Sequence[int], epochs: int, limit: float) -> list[Asked]:
    """Ask for trials, report and tell what ``nothing`` says, up to the last mark or until time is up."""
    from autocls.search.messages import Ended
    from autocls.search.study import Study
    from autocls.space import Space
    from autocls.training.network import misfits
    from benchmarks.nothing import nothing

    spent, fits, found = list[tuple[float, float, float]](), list[float](), list[Asked]()
    opened = Space.load(space).with_epochs(epochs)
    with tempfile.TemporaryDirectory() as folder:
        study = Study.create(Path(folder), None, opened, {}, seed=0, sampler="tpe", pruner="paced")
        until = time.monotonic() + limit
        while len(spent) < max(marks) + WINDOW // 2 and time.monotonic() < until:
            began = time.perf_counter()
            trial = study.ask()
            got = time.perf_counter()
            if trial is None:
                raise RuntimeError(f"{space}: exhausted after {len(spent)} trials")
            state = "COMPLETE"
            for epoch, score in enumerate(nothing(trial.recipe, 0, epochs), start=1):
                if study.report(trial.number, epoch, score) and epoch < epochs:
                    state = "PRUNED"
                    break
            reported = time.perf_counter()
            study.tell(trial.number, state, Ended())
            told = time.perf_counter()
            spent.append((got - began, reported - got, told - reported))
            if any(abs(len(spent) - mark) <= WINDOW // 2 for mark in marks):
                misfits(trial.recipe, classes=10, channels=3)
                fits.append(time.perf_counter() - told)
            if (mark := len(spent) - WINDOW // 2) in marks:
                around = spent[-WINDOW:]
                ask, report, tell = (_milliseconds(part) for part in zip(*around, strict=True))
                total = _milliseconds([sum(each) for each in around])
                fit = _milliseconds(fits[-WINDOW:])
                found.append(Asked(space, mark, ask, report, tell, total, fit, _resident()))
    return found


def _milliseconds(seconds: Sequence[float]) -> float:
    return 1000 * statistics.median(seconds)


def _resident() -> float:
    return psutil.Process().memory_info().rss / 1e6


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def searches_table(runs: Sequence[Searched]) -> Table:
    """A row for each number of trials and epochs: what its repeats came to."""
    table = Table(title=f"A search of trials that train nothing, {runs[0].workers} workers, space quick")
    for column in ("trials", "epochs", "start (s)", "per trial (ms)", "worker idle per trial (ms)",
                   "in the last tenth (ms)", "end (s)", "driver (MB)", "its peak (MB)", "page (s)", "page (MB)",
                   "n", "target"):  # fmt: skip
        table.add_column(column)
    for wanted, epochs in dict.fromkeys((run.wanted, run.epochs) for run in runs):
        of = [run for run in runs if (run.wanted, run.epochs) == (wanted, epochs)]
        each = {name: Spread.of([getattr(run, name) for run in of]) for name in Searched.__dataclass_fields__}
        idle = Spread.of([1000 * run.per_trial * run.workers for run in of])
        reached = min(run.trials for run in of)
        table.add_row(
            f"{wanted:,}" if reached == wanted else f"{wanted:,} (time was up after {reached:,})", str(epochs),
            each["start"].written(".1f"), Spread.of([1000 * run.per_trial for run in of]).written(".0f"),
            idle.written(".0f"), Spread.of([1000 * run.last_tenth for run in of]).written(".0f"),
            each["end"].written(".1f"), each["memory"].written(".0f"), each["peak"].written(".0f"),
            each["page_seconds"].written(".1f"), each["page_megabytes"].written(".1f"), str(len(of)),
            _search_target(wanted, reached, each),
        )  # fmt: skip
    return table


def _search_target(wanted: int, reached: int, each: dict[str, Spread]) -> str:
    if wanted == 1000:
        return _holds("≤ 30 ms a trial", reached == wanted and each["per_trial"].median <= 0.030)
    if wanted >= 10_000:
        page = each["page_seconds"].median <= 15 and each["page_megabytes"].median <= 15
        return _holds("page ≤ 15 s and ≤ 15 MB", reached == wanted and page)
    return ""


def study_table(rows: Sequence[Asked], epochs: int) -> Table:
    """A row for each space and mark."""
    table = Table(title=f"The study alone, TPE and paced, {epochs} epochs a trial; medians of {WINDOW} trials, ms")
    for column in ("space", "trial", "ask", "report", "tell", "ask + report + tell", "fit", "memory (MB)", "target"):
        table.add_column(column)
    for before, row in zip([None, *rows], rows, strict=False):
        target = _holds("≤ 60", row.total <= 60) if row.trial >= 10_000 else ""
        if before is not None and before.space == row.space and row.trial > 1000:
            grown, most = row.total / before.total, row.trial / before.trial
            target = f"{target}, {_holds(f'grown {grown:.1f} × in {most:.0f} ×', grown <= most)}".removeprefix(", ")
        times = (f"{value:.1f}" for value in (row.ask, row.report, row.tell, row.total, row.fit))
        table.add_row(row.space, f"{row.trial:,}", *times, f"{row.memory:.0f}", target)
    return table


def _holds(target: str, met: bool) -> str:
    return f"{target}: {'met' if met else 'missed'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="*", default=[100, 1000, 10_000], help="sizes of searches")
    parser.add_argument("--epochs", type=int, default=3, help="of a trial, beside searches of one epoch")
    parser.add_argument("--asked", type=int, nargs="*", default=[100, 1000, 10_000], help="trials to time the study at")
    parser.add_argument("--spaces", nargs="*", default=["quick", "full"], help="that the study is asked of")
    parser.add_argument("--repeats", type=int, default=5, help=f"of searches of up to {OFTEN:,} trials")
    parser.add_argument("--limit", type=float, default=900, help="seconds for a search, and for a space's study")
    wanted = parser.parse_args()
    plan = [(trials, 1) for trials in wanted.trials for _ in range(wanted.repeats if trials <= OFTEN else 1)]
    plan += [(trials, wanted.epochs) for trials in wanted.trials if trials <= OFTEN]
    runs = list[Searched]()
    for trials, epochs in plan:
        runs.append(searched(trials, epochs, wanted.limit))
        print(runs[-1], flush=True)
        write("overhead", searches_table(runs), {"machine": machine(), "runs": runs})
    rows = list[Asked]()
    for space in wanted.spaces if wanted.asked else ():
        rows += alone(asked, space, wanted.asked, wanted.epochs, wanted.limit)
        write("overhead_study", study_table(rows, wanted.epochs), {"machine": machine(), "rows": rows})


if __name__ == "__main__":
    main()
