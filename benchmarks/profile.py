"""Where the time of a search goes: of each core's seconds, what was arithmetic and what was not.

The workload of benchmarks/search.py. Workers write down when each epoch began and ended; the driver's own work, which
goes on beside them on the same cores, is told apart.

    python -m benchmarks.profile --seconds 180
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial, wraps
from pathlib import Path
from typing import Any, TextIO

START = time.time()

import pandas as pd  # noqa: E402
import psutil  # noqa: E402
from rich.table import Table  # noqa: E402

from autocls.data import Prepared  # noqa: E402
from autocls.errors import TrialFailed  # noqa: E402
from autocls.recipe import Recipe  # noqa: E402
from autocls.search import connection, run  # noqa: E402
from autocls.search.driver import Snapshot  # noqa: E402
from autocls.search.study import Study  # noqa: E402
from autocls.training.loop import EpochResult, train  # noqa: E402
from benchmarks import results, workload  # noqa: E402
from benchmarks.search import CORES, SPACE  # noqa: E402

TARGET = 0.93


@dataclass(frozen=True)
class Step:
    """One epoch as its worker saw it; wall-clock times, and seconds."""

    worker: int
    trial: int
    """By when it was built."""
    begun: float
    ended: float
    data: float
    training: float
    validation: float
    failed: float
    """All of it, if the training broke."""


def noted(folder: Path, prepared: Prepared, metric: str, recipe: Recipe, seed: int) -> Iterator[EpochResult]:
    """A trial that writes down its steps."""
    trial = time.time_ns()
    epochs = train(recipe, prepared.at(recipe.image_size), seed, metric=metric)
    with (folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        while True:
            begun = time.time()
            try:
                result = next(epochs, None)
            except TrialFailed:
                note(file, Step(os.getpid(), trial, begun, time.time(), 0, 0, 0, time.time() - begun))
                raise
            if result is None:
                return
            ended, spent = time.time(), result.spent
            assert spent is not None
            assert result.weights is not None
            note(file, Step(os.getpid(), trial, begun, ended, spent.data, spent.training, spent.validation, 0))
            yield replace(result, weights=partial(timed, result.weights, folder / f"{os.getpid()}.copies"))


def note(file: TextIO, step: Step) -> None:
    """Write a step down."""
    print(json.dumps(asdict(step)), file=file, flush=True)


def timed(copy: Callable[[], Any], file: Path) -> Any:
    """What ``copy`` gives; the seconds are written down."""
    begun = time.perf_counter()
    copied = copy()
    with file.open("a", encoding="utf-8") as copies:
        print(time.perf_counter() - begun, file=copies)
    return copied


class Stopwatch:
    """Seconds within functions, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def watch(self, owner: Any, *names: str) -> None:
        """Count the calls of an object's functions from now on."""
        for name in names:
            setattr(owner, name, self._counted(name, getattr(owner, name)))

    def _counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun

        return counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    connection.begin("local")
    watch = Stopwatch()
    watch.watch(Study, "ask", "report", "tell")
    watch.watch(run, "write_report", "_cards", "open_test")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        steps_folder = folder / "steps"
        steps_folder.mkdir()
        os.environ["AUTOCLS_CACHE"] = str(folder / "cache")
        source = workload.write_source(folder)
        setattr(run, "train_on", lambda prepared, metric: partial(noted, steps_folder, prepared, metric))  # noqa: B010
        used = psutil.Process().cpu_times()
        done = run.search(source, SPACE, seconds=arguments.seconds, seed=arguments.seed, confirm=0, out=folder / "run")
        ended = time.time()
        driver = sum(psutil.Process().cpu_times()[:2]) - sum(used[:2])
        copying = sum(float(line) for file in steps_folder.glob("*.copies") for line in file.read_text().split())
        steps = pd.concat([pd.read_json(file, lines=True) for file in steps_folder.glob("*.jsonl")])
    shares = share_out(steps, copying, START, ended)
    beside = {"the driver's work beside them, processor time": driver, **optuna_parts(watch.seconds)}
    data = {"machine": results.machine(), "arguments": vars(arguments), "seconds": shares, "beside": beside,
            "calls": watch.seconds, "trials": trials(done.snapshot), "epochs": len(steps)}  # fmt: skip
    results.write("profile", table(shares, beside, data), data)


def optuna_parts(seconds: dict[str, float]) -> dict[str, float]:
    """Of the driver's work what was the study's."""
    return {"of which Optuna (ask, report, tell)": sum(seconds.get(name, 0.0) for name in ("ask", "report", "tell"))}


def trials(snapshot: Snapshot) -> int:
    return snapshot.complete + snapshot.pruned + snapshot.failed


def share_out(steps: pd.DataFrame, copying: float, started: float, ended: float) -> dict[str, float]:
    """Core-seconds by what they went to; they add up to wall-clock times cores."""
    steps = steps.sort_values(["worker", "begun"])
    before = steps.groupby("worker")["ended"].shift()
    same = steps["trial"] == steps.groupby("worker")["trial"].shift()
    gaps = steps["begun"] - before
    arithmetic = steps[["data", "training", "validation"]].sum()
    first, last = steps.groupby("worker")["begun"].min(), steps.groupby("worker")["ended"].max()
    idle = CORES - len(first)
    return {
        "training steps": arithmetic["training"],
        "making batches": arithmetic["data"],
        "validation": arithmetic["validation"],
        "epochs that failed": steps["failed"].sum(),
        "building networks": (steps["ended"] - steps["begun"] - steps["failed"]).sum() - arithmetic.sum(),
        "copying weights": copying,
        "between epochs (Ray, and the study's verdict)": gaps[same].sum() - copying,
        "between trials (Ray, the next recipe)": gaps[~same].sum(),
        "before the first trial (imports, Ray's start)": (first - started).sum(),
        "after the last epoch (sealed test, cards, report)": (ended - last).sum() + idle * (ended - started),
    }


def table(shares: dict[str, float], beside: dict[str, float], data: dict[str, Any]) -> Table:
    """What the seconds went to, and how much of it was arithmetic."""
    total, parts = sum(shares.values()), list(shares.values())
    searching, inside, failed = total - sum(parts[-2:]), sum(parts[:3]), parts[3]
    made = Table(
        title=f"Where a search's time goes: {total / CORES:.0f} s on {CORES} cores, {data['trials']} trials, "
        f"{data['epochs']} epochs (n = 1)",
        caption="Inside training and validation steps, between the first trial and the last epoch: "
        f"{inside / searching:.1%} in epochs that counted, {(inside + failed) / searching:.1%} with those that failed "
        f"(target ≥ {TARGET:.0%}); of the whole command {inside / total:.1%} and {(inside + failed) / total:.1%}.",
    )
    for column in ("what", "core-seconds", "share"):
        made.add_column(column)
    for name, seconds in shares.items():
        made.add_row(name, f"{seconds:.1f}", f"{seconds / total:.1%}")
    for name, seconds in beside.items():
        made.add_row(name, f"{seconds:.1f}", f"{seconds / total:.1%}")
    return made


if __name__ == "__main__":
    main()
