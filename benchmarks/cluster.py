"""What a cluster's driver can carry, with trials that sleep on logical GPUs: real nodes, workers and messages.

    python -m benchmarks.cluster [--only busy survive saturation resume]

busy        8 nodes of 8 GPUs, 1,000 trials of up to 5 epochs of about 2 s: which share of the GPUs' time they spent in
            epochs, from when the last GPU had begun its first trial until the last recipe was handed out.
survive     10,000 trials of up to 3 epochs that take no time, over Ray and (to tell what Ray Tune keeps of a trial from
            what the study keeps) in one process, both at the same time: the driver's memory after each 1,000.
saturation  half as many GPUs with ever shorter epochs, 900 trials each: how many reports a second the driver takes, and
            what a report and a trial cost its thread.
resume      searches that are killed at 20 moments and resumed, on one worker: whether they come to the same.

Workers are forked from one process (see forked.py), and take their share of this machine's cores: on a cluster, the
driver has them for itself. What a report costs it is its own thread's time, which others don't add to.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table
from scipy.optimize import nnls

from autocls.search.record import Record
from autocls.search.run import search
from benchmarks import kills
from benchmarks.busy import Load, Looks, share, window
from benchmarks.nodes import nodes
from benchmarks.overhead import alone
from benchmarks.results import RESULTS, finite, machine, markdown
from benchmarks.simulated import asleep

NODES, GPUS = 8, 8
BUSY = 0.95
THOUSAND = 1000
KILLS, KILLS_OVER_RAY = 20, 3
CLUSTERS = (8, 64, 256, 1000)
"""GPUs."""
REPORTS = (4, 20)
"""Of a trial: pruned ones among 5 planned epochs had 4 on average, and whole ones of 20."""
HALF = 0.5
"""Of a core: the more of it the driver's thread takes, the longer GPUs wait for it."""


@dataclass(frozen=True)
class Stretch:
    """A search on all the GPUs, between its start and its end."""

    gpus: int
    trials: int
    """That ended, in all."""
    epochs: int
    """At most, of a trial."""
    pruner: str
    epoch_seconds: float
    """Of an epoch, in the middle."""
    start: float
    """Seconds until the last GPU had begun its first trial."""
    seconds: float
    """Between then and when the last recipe was handed out; what follows is of these."""
    busy: float
    """Share of the GPUs' time."""
    load: Load


@dataclass(frozen=True)
class Grown:
    """The driver's memory as a study grew."""

    engine: str
    megabytes: list[float]
    """After each thousand trials."""
    milliseconds: list[float]
    """Of wall-clock time for a trial of each thousand."""


def stretch(gpus: int, seconds: float, epochs: int, trials: int, pruner: str = "paced") -> Stretch:
    """Search on so many GPUs, which are there, with epochs of so many seconds."""
    looks = Looks()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        search(
            objective=partial(asleep, seconds), space="quick", epochs=epochs, trials=trials, confirm=0,
            gpus_per_trial=1, pruner=pruner, out=folder, watch=looks,
        )  # fmt: skip
        table = pd.read_parquet(folder / "trials.parquet")
        began = Record.open(folder).about()["began"]
    whole = window(table, gpus)
    return Stretch(
        gpus, len(table), epochs, pruner, seconds, whole.begun, whole.seconds,
        share(table, gpus, whole), Load.of(looks.taken, began + whole.begun, began + whole.ended),
    )  # fmt: skip


def busy(trials: int) -> list[Stretch]:
    with nodes(NODES, GPUS):
        return [stretch(NODES * GPUS, 2.0, 5, trials)]


def saturation(part: float) -> list[Stretch]:
    """Epochs ever shorter, and trials of many reports beside trials of few, so that their costs can be told apart."""
    gpus = NODES * GPUS // 2
    with nodes(NODES // 2, GPUS):
        few = [stretch(gpus, length, 5, int(900 * part)) for length in (0.5, 0.25, 0.125)]
        return [*few, stretch(gpus, 0.25, 20, int(300 * part), "none")]


def grown(engine: str, trials: int) -> Grown:
    """Search with trials that take no time, on this machine alone."""
    looks, where = Looks(), "inline" if engine == "inline" else "local"
    with tempfile.TemporaryDirectory() as place:
        search(
            objective=partial(asleep, 0.0), space="quick", epochs=3, trials=trials, confirm=0, out=Path(place) / "run",
            watch=looks, address=where,
        )  # fmt: skip
    step = min(THOUSAND, trials // 2)
    marks = [next(look for look in looks.taken if look.ended >= mark) for mark in range(step, trials - step // 2, step)]
    marks = [looks.taken[0], *marks, looks.taken[-1]]
    return Grown(
        engine,
        [look.memory for look in marks[1:]],
        [1000 * (b.at - a.at) / max(1, b.ended - a.ended) for a, b in pairwise(marks)],
    )


def costs(runs: Sequence[Stretch]) -> tuple[float, float]:
    """Milliseconds of the driver's thread for a report, and for a trial besides its reports: by least squares."""
    work = np.array([[run.load.reports, run.load.trials] for run in runs])
    (report, trial), _ = nnls(work, np.array([run.load.thread for run in runs]))
    return 1000 * report, 1000 * trial


def stretches_table(title: str, runs: Sequence[Stretch]) -> Table:
    table = Table(title=title)
    for column in ("epoch (s)", "epochs", "pruner", "trials", "start (s)", "measured (s)", "busy", "reports/s",
                   "trials/s", "driver's thread (cores)", "its process (cores)", "whole machine"):  # fmt: skip
        table.add_column(column)
    for run in runs:
        table.add_row(
            f"{run.epoch_seconds:g}", str(run.epochs), run.pruner, f"{run.trials:,}", f"{run.start:.0f}",
            f"{run.seconds:.0f}", f"{run.busy:.1%}", f"{run.load.reports:.0f}", f"{run.load.trials:.1f}",
            f"{run.load.thread:.2f}", f"{run.load.process:.2f}", f"{run.load.machine:.0%}",
        )  # fmt: skip
    return table


def costs_table(runs: Sequence[Stretch]) -> Table:
    """What the driver takes for trials of few reports and of many, and the shortest epochs that leave it time."""
    report, trial = costs(runs)
    table = Table(title="The driver's thread, by least squares of these; shortest epochs that take half of a core")
    columns = ("reports a trial", "a report (ms)", "a trial besides (ms)", "reports/s at one core")
    for column in (*columns, *(f"{gpus:,} GPUs (s)" for gpus in CLUSTERS)):
        table.add_column(column)
    for reports in REPORTS:
        each = report + trial / reports
        shortest = (f"{gpus * each / 1000 / HALF:.1f}" for gpus in CLUSTERS)
        table.add_row(str(reports), f"{report:.1f}", f"{trial:.1f}", f"{1000 / each:.0f}", *shortest)
    return table


def grown_table(runs: Sequence[Grown]) -> Table:
    table = Table(title="Trials of up to 3 epochs that take no time: the driver's memory (MB), and ms for a trial")
    for column in ("trials, in tenths of all", *(run.engine for run in runs)):
        table.add_column(column)
    for i in range(len(runs[0].megabytes)):
        table.add_row(str(i + 1), *(f"{run.megabytes[i]:.0f} MB, {run.milliseconds[i]:.0f} ms" for run in runs))
    slopes = [np.polyfit(range(len(run.megabytes)), run.megabytes, 1)[0] for run in runs]
    table.add_row("growth for each", *(f"{slope:.0f} MB" for slope in slopes))
    return table


def kills_table(runs: Sequence[kills.Killed]) -> Table:
    table = Table(title="Killed and resumed")
    for column in ("where", "came to the same", "trials each", "trials taken up"):
        table.add_column(column)
    for run in runs:
        table.add_row(run.engine, f"equal: {run.equal} of {run.killed}", str(run.trials), str(run.taken_up))
    return table


PARTS = ("busy", "survive", "saturation", "resume")


def measured(part: str, quick: float) -> tuple[list[Table], Any]:
    """A part's tables and figures, at a share ``quick`` of its length."""
    if part == "busy":
        runs = alone(busy, int(1000 * quick))
        met = "met" if all(run.busy >= BUSY for run in runs) else "missed"
        return [stretches_table(f"{NODES} nodes of {GPUS} GPUs, target: busy ≥ {BUSY:.0%}: {met}", runs)], runs
    if part == "survive":
        with ThreadPoolExecutor() as both:  # each in a process of its own, as memory is what counts
            sizes = list(both.map(partial(alone, grown), ("Ray", "inline"), [int(10_000 * quick)] * 2))
        return [grown_table(sizes)], sizes
    if part == "saturation":
        runs = alone(saturation, quick)
        return [stretches_table(f"{runs[0].gpus} GPUs, epochs ever shorter", runs), costs_table(runs)], runs
    killed = [
        alone(kills.inline, max(1, int(KILLS * quick))),
        alone(kills.over_ray, max(1, int(KILLS_OVER_RAY * quick))),
    ]
    return [kills_table(killed)], killed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="parts; the others' results stay")
    parser.add_argument("--share", type=float, default=1.0, help="of each part's length, for a first look")
    wanted = parser.parse_args()
    file = RESULTS / "cluster.json"
    for part in wanted.only:
        before = os.getloadavg()[0]
        tables, figures = measured(part, wanted.share)
        load = {"before": before, "after": os.getloadavg()[0]}
        text = "\n".join(markdown(table) for table in tables)
        print(text, flush=True)
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        found[part] = {"machine": machine(), "load": load, "share": wanted.share, "runs": finite(figures), "text": text}
        file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (RESULTS / "cluster.md").write_text(page(found), encoding="utf-8")


def page(found: dict[str, Any]) -> str:
    """All parts' tables, with what they were measured under."""
    said = []
    for part in (part for part in PARTS if part in found):
        at = found[part]
        on, load = at["machine"], at["load"]
        conditions = (
            f"{on['cores']} cores, {on['date'][:10]}, commit {on['commit']}; the machine's load was "
            f"{load['before']:.1f} before and {load['after']:.1f} after; {at['share']:.0%} of the whole length; n = 1"
        )
        said.append(f"## {part}\n\n{at['text']}\n{conditions}.\n")
    return "\n".join(said)


if __name__ == "__main__":
    main()
