"""Is the verdict right? Whole studies of simulated trainings whose truth is known.

Each study is a world of its own (``worlds.py``), and goes through ``autocls.search`` with an objective: screening,
search, confirmation, attribution. What it claims is held against what its world does; the field's defaults, Optuna's
importances and the best trial, are held against the same trials.

    python -m benchmarks.truth --studies 200 --trials 500
"""

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.table import Table
from scipy import stats

import autocls
from autocls.recipe import Recipe
from autocls.search.associations import associations
from autocls.search.record import Record, Row
from autocls.verdict.verdict import Phase, Trick, Word
from benchmarks.results import machine, write
from benchmarks.worlds import SD, TRICKS, World, space

LARGE = 2.0
"""A real effect of so many SD is to be found."""


@dataclass(frozen=True)
class Claim:
    """One trick as the verdict has it, and its true effect in the winner; scores as shares."""

    slot: str
    word: str
    effect: float
    low: float
    high: float
    n: int
    true: float


@dataclass(frozen=True)
class Outcome:
    """One study."""

    world: World
    claims: tuple[Claim, ...]
    margin: float
    helpful: dict[str, float]
    """The true effects of the tricks that help by themselves, in SD."""
    confirmed: float
    """The confirmed score minus the true one, of the winner; NaN where none was confirmed."""
    optimism: float
    """The best search score minus that trial's true score."""
    gain: float
    """The true score of the recommended recipe minus that of the best trial of the search."""
    designed: float
    """The share of the epochs that screening, confirmation and attribution took."""
    importances: dict[str, float]
    """Optuna's, of the trials of the search."""


def study(world: World, trials: int) -> Outcome:
    """Run one study and hold what it claims against the truth."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "study"
        result = autocls.search(
            objective=world.run, space=space(), trials=trials, seed=world.seed, address="inline", out=out
        )
        record = Record.open(out, answers=True)
        rows, importances = record.rows(), associations(record)
    verdict, winner = result.verdict, result.recipe
    assert verdict is not None
    assert winner is not None
    best = max((r for r in rows if r.phase == Phase.SEARCH and r.state == "COMPLETE"), key=lambda row: row.score)
    best_true, true = world.true(Recipe.from_yaml(best.recipe)), world.true(winner)
    return Outcome(
        world=world,
        claims=tuple(_claims(world, winner, rows, verdict.tricks)),
        margin=verdict.margin,
        helpful={slot: effect / SD for slot, effect in world.effects.items() if effect > 0},
        confirmed=verdict.confirmed.mean - true,
        optimism=best.score - best_true,
        gain=true - best_true,
        designed=sum(spent.share for spent in verdict.spent if spent.phase is not Phase.SEARCH),
        importances=dict(importances.set_index("parameter")["ped_anova"]),
    )


def _claims(world: World, winner: Recipe, rows: Sequence[Row], tricks: Sequence[Trick]) -> list[Claim]:
    """The tricks that were tried."""
    arms = {row.role: Recipe.from_yaml(row.recipe) for row in rows if row.phase == Phase.ATTRIBUTE}
    found = []
    for trick in tricks:
        if trick.slot in arms:
            true = (world.true(winner) - world.true(arms[trick.slot])) * (1 if trick.active else -1)
            its = trick.effect
            found.append(Claim(trick.slot, str(trick.word), its.mean, its.low, its.high, its.n, true))
    return found


def false(claim: Claim, margin: float) -> bool:
    """Whether a claim is wrong; one that can't tell claims nothing."""
    return {
        Word.HELPS: claim.true <= 0,
        Word.HURTS: claim.true >= 0,
        Word.NO_DIFFERENCE: abs(claim.true) > margin,
        Word.UNDETERMINED: False,
    }[Word(claim.word)]


def share(hits: int, of: int) -> str:
    """``hits / of`` with its 95 % interval (Clopper and Pearson 1934)."""
    if not of:
        return "none"
    low, high = stats.binomtest(hits, of).proportion_ci()
    return f"{hits / of:.1%} ({low:.1%} to {high:.1%}, {hits} of {of})"


def average(values: Sequence[float], unit: float = 1.0) -> str:
    """The mean with its 95 % t interval, of values that are known."""
    known = np.array([value for value in values if not np.isnan(value)]) / unit
    if len(known) < 2:
        return "none"
    half = stats.sem(known) * stats.t.ppf(0.975, len(known) - 1)
    return f"{known.mean():+.3f} ({known.mean() - half:+.3f} to {known.mean() + half:+.3f}, n = {len(known)})"


def summary(null: Sequence[Outcome], planted: Sequence[Outcome]) -> list[tuple[str, str, str]]:
    """The rows of the table: what, the target, what came out."""
    told = [(claim, outcome) for outcome in planted for claim in outcome.claims]
    claimed = [(claim, outcome.margin) for claim, outcome in told if claim.word != Word.UNDETERMINED]
    directed = [claim for claim, _ in told if claim.word in (Word.HELPS, Word.HURTS)]
    large = [claim for claim, _ in told if abs(claim.true) >= LARGE * SD and claim.slot in TRICKS]
    helpful = [(slot, outcome) for outcome in planted for slot, effect in outcome.helpful.items() if effect >= LARGE]
    found = [(s, o) for s, o in helpful if any(c.slot == s and c.word == Word.HELPS for c in o.claims)]
    everything = [claim for outcome in [*null, *planted] for claim in outcome.claims if claim.n >= 2]
    held = [claim for claim in everything if claim.low <= claim.true <= claim.high]
    wrong = [o for o in null if any(c.word in (Word.HELPS, Word.HURTS) and c.slot in TRICKS for c in o.claims)]
    both = [*null, *planted]
    return [
        ("all-null worlds: studies that claim that a trick helps or hurts", "≤ 5 %", share(len(wrong), len(null))),
        ("planted worlds: false among claims", "≤ 5 %", share(sum(false(c, m) for c, m in claimed), len(claimed))),
        ("… among helps and hurts alone", "", share(sum(false(c, 0) for c in directed), len(directed))),
        ("tricks that help by ≥ 2 SD: found to help", "≥ 90 %", share(len(found), len(helpful))),
        ("tried tricks whose effect is ≥ 2 SD: found", "", share(sum(c.word in (Word.HELPS, Word.HURTS)
                                                                     for c in large), len(large))),
        ("95 % intervals that hold the true effect", "93–97 %", share(len(held), len(everything))),
        ("recommended minus best by search score, true, SD", "≥ 0", average([o.gain for o in both], SD)),
        ("confirmed minus true score of the winner, SD", "±0.1", average([o.confirmed for o in both], SD)),
        ("… search score minus true score of the search's best, SD", "", average([o.optimism for o in both], SD)),
        ("share of the epochs that was designed runs", "≤ 40 %", f"{np.mean([o.designed for o in both]):.1%}, at most "
                                                                 f"{max(o.designed for o in both):.1%}"),
        ("Optuna's importances: rank of tricks that help by ≥ 2 SD among 12", "", _ranks(planted)),
        ("… studies in which those tricks lead the 12", "", _lead(planted)),
    ]  # fmt: skip


def _among_tricks(outcome: Outcome) -> list[str]:
    return sorted(TRICKS, key=lambda slot: -outcome.importances.get(slot, 0.0))


def _ranks(planted: Sequence[Outcome]) -> str:
    ranks = [_among_tricks(o).index(s) + 1 for o in planted for s, effect in o.helpful.items() if effect >= LARGE]
    low, high = np.quantile(ranks, [0.25, 0.75]) if ranks else (0, 0)
    return f"median {np.median(ranks):g}, half of them {low:g} to {high:g}, n = {len(ranks)}" if ranks else "none"


def _lead(planted: Sequence[Outcome]) -> str:
    large = [(o, {s for s, effect in o.helpful.items() if effect >= LARGE}) for o in planted]
    asked = [(o, slots) for o, slots in large if slots]
    return share(sum(set(_among_tricks(o)[: len(slots)]) == slots for o, slots in asked), len(asked))


def run(studies: int, trials: int, processes: int) -> tuple[list[Outcome], list[Outcome]]:
    """So many all-null and so many planted studies."""
    worlds = [World(seed, null) for seed in range(studies) for null in (True, False)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        outcomes = list(pool.map(partial(study, trials=trials), worlds))
    return [o for o in outcomes if o.world.null], [o for o in outcomes if not o.world.null]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200, help="of each kind, all-null and planted")
    parser.add_argument("--trials", type=int, default=500, help="of each study's search")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    null, planted = run(arguments.studies, arguments.trials, arguments.processes)
    table = Table(title=f"The verdict against the truth: {arguments.studies} all-null and as many planted worlds, "
                        f"{arguments.trials} trials each")  # fmt: skip
    for column in ("what", "target", "found"):
        table.add_column(column)
    for row in (rows := summary(null, planted)):
        table.add_row(*row)
    write("truth", table, {"machine": machine(), "arguments": vars(arguments), "rows": rows, "outcomes": [
        {**vars(o), "world": vars(o.world)} for o in [*null, *planted]]})  # fmt: skip


if __name__ == "__main__":
    main()
