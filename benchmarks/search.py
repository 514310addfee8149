"""How much does autocls get out of the same seconds as its peers, and as the plainest loop could?

autocls, Ray Tune and Optuna search the same space on the same parts of 5,000 MNIST images, two cores, one thread a
trial; each repeat has another seed and another order. Every contender's clock starts with its process.
The machine must be quiet: Ray runs its workers at a low priority, so whatever else runs takes its time from autocls and
Ray Tune, and hardly from Optuna. ``load`` in the results says how quiet it was before each repeat.

    python -m benchmarks.search --repeats 5 --seconds 180
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from rich.table import Table
from torch import nn

from autocls.data import ImageData
from autocls.search.record import Record
from autocls.training import artifact
from benchmarks import bare, results, workload
from benchmarks.peers import mnist

ROOT = Path(__file__).parents[1]
SPACE = ROOT / "benchmarks" / "mnist_tricks.yaml"
AUTOCLS, RAY, OPTUNA = "autocls", "Ray Tune", "Optuna"
PEERS = {RAY: "benchmarks.peers.ray_tune", OPTUNA: "benchmarks.peers.optuna_processes"}
CORES = 2
GOOD, BETTER = 0.985, 0.989
"""Validation scores that a contender is timed to."""


@dataclass(frozen=True)
class Outcome:
    """What a contender came to in its seconds."""

    trials: int
    epochs: int
    validation: float
    """The best epoch's."""
    test: float
    """The winner's, on the sealed part."""
    to_good: float | None
    """Seconds until an epoch scored so, counted from the start of the process."""
    to_better: float | None
    points: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, trials: int, points: Sequence[tuple[float, float]], seconds: float, test: float) -> "Outcome":
        """An outcome of (seconds, score) of each epoch; those after the time are left out."""
        counted = sorted((at, score) for at, score in points if at <= seconds)

        def reached(target: float) -> float | None:
            return next((at for at, score in counted if score >= target), None)

        best = max((score for _, score in counted), default=0.0)
        return cls(trials, len(counted), best, test, reached(GOOD), reached(BETTER), tuple(counted))


@dataclass(frozen=True)
class Repeat:
    """Every contender with one seed, and what the bare loop would have trained."""

    seed: int
    load: float
    """The machine's, of the last minute before the repeat."""
    order: tuple[str, ...]
    outcomes: Mapping[str, Outcome]
    bare_seconds_per_epoch: float
    bare_sample: int
    """The epochs that were trained to know it."""
    bare_epochs: float
    """Of autocls' own trials, in the same seconds and on the same cores."""

    seconds: float

    def ratios(self) -> dict[str, float]:
        """autocls over the others: the epochs trained, and the seconds to the better score.

        A peer that never came there is taken to have been there when its time was up, which favours it.
        """
        ours, theirs = self.outcomes[AUTOCLS], [self.outcomes[peer] for peer in PEERS]
        took = float("inf") if ours.to_better is None else ours.to_better
        least = min(self.seconds if outcome.to_better is None else outcome.to_better for outcome in theirs)
        return {
            "bare": ours.epochs / self.bare_epochs,
            **{peer: ours.epochs / max(1, self.outcomes[peer].epochs) for peer in PEERS},
            "time": took / least,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--bare-seconds", type=float, default=60, help="for each of the two processes")
    parser.add_argument("--seed", type=int, default=0, help="of the first repeat; the next have the next")
    arguments = parser.parse_args()
    repeats = []
    for i in range(arguments.repeats):
        with tempfile.TemporaryDirectory() as folder:
            made = repeat(Path(folder), arguments.seed + i, i, arguments.seconds, arguments.bare_seconds)
        repeats.append(made)
        print(f"seed {made.seed}: {made.ratios()}", file=sys.stderr, flush=True)
    data = {"machine": results.machine(), "arguments": vars(arguments), "repeats": repeats,
            "ratios": [r.ratios() for r in repeats]}  # fmt: skip
    results.write("search", table(repeats, arguments.seconds), data)


def repeat(folder: Path, seed: int, turn: int, seconds: float, bare_seconds: float) -> Repeat:
    """Let every contender search once, one after the other, each repeat another one first."""
    load = os.getloadavg()[0]
    os.environ["AUTOCLS_CACHE"] = str(folder / "cache")  # ours, so that autocls decodes the images in its own time
    source = workload.write_source(folder)
    data = workload.split(source, seed)
    parts = workload.write_parts(data, folder / "parts.npz")
    names = [AUTOCLS, *PEERS]
    order = tuple(names[turn % len(names) :] + names[: turn % len(names)])
    outcomes, trained = {}, list[bare.Trial]()
    for name in order:
        out = folder / name.replace(" ", "-")
        if name == AUTOCLS:
            outcomes[name], trained = run_autocls(source, data, seed, seconds, out)
        else:
            outcomes[name] = run_peer(PEERS[name], parts, data, seed, seconds, out)
        print(f"seed {seed}: {name}: {outcomes[name].epochs} epochs", file=sys.stderr, flush=True)
    per_epoch, sample = bare.seconds_per_epoch(trained, source, seed, bare_seconds, CORES)
    return Repeat(seed, load, order, outcomes, per_epoch, sample, CORES * seconds / per_epoch, seconds)


def run_autocls(
    source: Path, data: ImageData, seed: int, seconds: float, out: Path
) -> tuple[Outcome, list[bare.Trial]]:
    """A search from the command line, and the recipes that it trained.

    Its ``--time`` counts from when it has been imported, so it gets less by what importing took a moment ago.
    """
    environment = {**os.environ, "AUTOCLS_CACHE": str(out.with_name("autocls-cache"))}
    before = time.time()
    run("-c", "import autocls.search.run", env=environment)
    budget = seconds - (time.time() - before)
    started = time.time()
    run("-m", "autocls", "search", source, "--space", SPACE, "--time", f"{budget:.1f}s", "--seed", seed, "--confirm", 0,
        "--out", out, "--no-progress", "--json", env=environment)  # fmt: skip
    table: Any = pd.read_parquet(out / "trials.parquet").to_dict("records")
    trials = [trial for trial in table if trial["epochs"]]
    ahead = float(Record.open(out).about()["began"]) - started
    points = [(ahead + at, score) for trial in trials for at, score in placed(trial)]
    if not (out / "model").exists():
        raise RuntimeError(f"autocls completed no trial in {seconds:g} s; the benchmark takes more seconds than that")
    model, _, _ = artifact.load(out / "model")
    recipes = [(trial["recipe"], int(trial["epochs"])) for trial in trials]
    return Outcome.of(len(trials), points, seconds, workload.sealed_accuracy(model, data)), recipes


def placed(trial: Mapping[str, Any]) -> list[tuple[float, float]]:
    """When each epoch of a trial ended, about, and its score.

    The run folder knows when the last one ended and what all took, so they are laid out evenly before that moment. (A
    trial's own start wouldn't do: it may have waited for a worker.)
    """
    each = trial["seconds"] / max(1, trial["epochs"])
    return [(trial["finished"] - each * (trial["epochs"] - i), score) for i, score in enumerate(trial["curve"], 1)]


def run_peer(module: str, parts: Path, data: ImageData, seed: int, seconds: float, out: Path) -> Outcome:
    """A peer's search as a process of its own."""
    out.mkdir()
    run("-m", module, "--data", parts, "--seconds", seconds, "--seed", seed, "--out", out, env=os.environ)
    found = json.loads((out / "result.json").read_text(encoding="utf-8"))
    net: nn.Module = mnist.Net(found["config"])
    net.load_state_dict(torch.load(out / "weights.pt"))
    return Outcome.of(found["trials"], found["points"], seconds, workload.sealed_accuracy(net, data))


def run(*arguments: object, env: Mapping[str, str]) -> None:
    """Run Python with these arguments, at the repository's root; what it says is shown only when it fails."""
    command = [sys.executable, *map(str, arguments)]
    ran = subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if ran.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{ran.stdout[-4000:]}")


def table(repeats: Sequence[Repeat], seconds: float) -> Table:
    """Medians, smallest and largest of all repeats, and the ratios beside what they should be."""
    names = [AUTOCLS, *PEERS]
    made = Table(
        "", *names, "bare loop", "target",
        title=f"The same space and images, {seconds:g} s on {CORES} cores: median (min–max) of {len(repeats)} repeats",
        caption="Ratios are autocls' figure over the column's, repeat by repeat. An epoch counts when it was validated "
                "within the seconds; those of autocls are placed on the clock about.",
    )  # fmt: skip

    def row(label: str, field: str, form: str, bare_loop: str = "") -> None:
        spreads = [results.Spread.of([getattr(r.outcomes[name], field) for r in repeats]) for name in names]
        made.add_row(label, *(spread.written(form) for spread in spreads), bare_loop, "")

    ratios = [r.ratios() for r in repeats]
    spread = {key: results.Spread.of([r[key] for r in ratios]).written(".2f") for key in ratios[0]}
    row("trials", "trials", ".0f")
    row("epochs", "epochs", ".0f", results.Spread.of([r.bare_epochs for r in repeats]).written(".0f"))
    row("best validation", "validation", ".2%")
    row("winner on the sealed test part", "test", ".2%")
    row(f"seconds to {GOOD:.1%} validation", "to_good", ".0f")
    row(f"seconds to {BETTER:.1%} validation", "to_better", ".0f")
    made.add_row("epochs, ratio", "", spread[RAY], spread[OPTUNA], spread["bare"],
                 "≥ 4 × Ray Tune, ≥ 1.6 × Optuna, ≥ 0.90 × bare")  # fmt: skip
    made.add_row(f"seconds to {BETTER:.1%}, ratio to the better peer", spread["time"], "", "", "", "≤ 0.33")
    return made


if __name__ == "__main__":
    main()
