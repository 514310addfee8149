"""Do two studies of the same images say the same of the same tricks?

Two whole searches of 5,000 MNIST images from the command line, with different seeds: other parts of the data (the
sealed one too), another screening, another search, another winner. Their verdicts contradict one another where a trick
helps in one and hurts in the other.

    python -m benchmarks.agreement --minutes 20
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from autocls.verdict.file import verdict_of
from autocls.verdict.verdict import Trick, Verdict, Word
from autocls.verdict.wording import name_of, points, span
from benchmarks.results import machine, write
from benchmarks.workload import write_source

SPACE = Path(__file__).with_name("seven_small.yaml")
SEEDS = (0, 1)
DIRECTED = {Word.HELPS, Word.HURTS}


def judged(source: Path, seed: int, minutes: float, out: Path) -> Verdict:
    """The verdict of a study."""
    command = ["search", source, "--space", SPACE, "--time", f"{minutes:g}m", "--seed", seed, "--out", out]
    environment = {**os.environ, "AUTOCLS_CACHE": str(out.with_name("cache"))}
    subprocess.run([sys.executable, "-m", "autocls", *map(str, command)], env=environment, check=True)
    return verdict_of(out)


def by_choice(verdict: Verdict) -> dict[tuple[str, str], Trick]:
    """The tricks that were tried, by slot and choice."""
    return {(trick.slot, name_of(trick.choice)): trick for trick in verdict.tricks if trick.effect.n}


def agreement(first: Trick | None, second: Trick | None) -> str:
    """What two studies together say of a trick."""
    if first is None or second is None:
        return "in one study only"
    words = {first.word, second.word}
    if words == DIRECTED:
        return "contradiction"
    if len(words) == 1:
        return "agree" if first.word is not Word.UNDETERMINED else "both can't tell"
    return "one can't tell" if Word.UNDETERMINED in words else "differ in the margin"


def table(verdicts: Mapping[int, Verdict], minutes: float) -> Table:
    """The words of both, trick by trick."""
    found = Table(title=f"Two studies of 5,000 MNIST images, {minutes:g} minutes each on two cores: effects in points, "
                        "95 % intervals, pairs of runs")  # fmt: skip
    for column in ("trick", *(f"seed {seed}" for seed in verdicts), "together"):
        found.add_column(column)
    tricks = [by_choice(verdict) for verdict in verdicts.values()]
    for key in sorted({key for its in tricks for key in its}):
        its = [of_study.get(key) for of_study in tricks]
        found.add_row(": ".join(key), *map(_cell, its), agreement(*its))
    for name, of in (("winner over the baseline", "gain"), ("the search's optimism", "optimism")):
        cells = [_gain(v) if of == "gain" else points(v.optimism) for v in verdicts.values()]
        found.add_row(name, *cells, "")
    return found


def _cell(trick: Trick | None) -> str:
    if trick is None:
        return "–"
    its = trick.effect
    return f"{trick.word}: {points(its.mean)}, {span(its.low, its.high)}, n = {its.n}"


def _gain(verdict: Verdict) -> str:
    its = verdict.gain
    return f"{points(its.mean)}, {span(its.low, its.high)}, n = {its.n}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0, help="of each study")
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as place:
        source = write_source(Path(place))
        verdicts = {seed: judged(source, seed, minutes, Path(place) / f"seed{seed}") for seed in SEEDS}
    write("agreement", table(verdicts, minutes), {
        "machine": machine(), "minutes": minutes, "verdicts": {seed: vars(v) for seed, v in verdicts.items()},
    })  # fmt: skip
    tricks = [by_choice(verdict) for verdict in verdicts.values()]
    if any(agreement(tricks[0][key], tricks[1][key]) == "contradiction" for key in tricks[0].keys() & tricks[1].keys()):
        sys.exit("the two verdicts contradict one another")


if __name__ == "__main__":
    main()
