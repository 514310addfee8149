"""Early stopping, replayed on recorded curves: what an early epoch says of the last, and what pruners make of it.

The curves are those of ``record_curves.py``, in whose space schedules and warm-ups differ. They are handed out in
random order, or chosen by TPE, whose recipe is answered with the recorded one that is nearest to it.

    python -m benchmarks.pruners --seeds 100
"""

import argparse
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial
from rich.table import Table as Printed
from scipy import stats

from autocls.search.pruning import Asha, Paced
from autocls.search.sampling import Tpe
from benchmarks.curves import Nearest, Recorded
from benchmarks.replay import Outcome, Replay, replay
from benchmarks.results import machine, write

WORKERS = 4
AT = (100, 200, 400)
"""Epochs, of all the trials together, after which the regret is read; a whole trial has 9 to 12."""
EPOCHS = (1, 2, 3, 4, 6, 8)
TOP = 0.1
"""The best tenth of the recipes, which a pruner should let go on."""


class SinceWarmup(Asha):
    """Counts the epochs from the warm-up's end."""

    def _due(self, trial: FrozenTrial, rung: int) -> int:
        return int(trial.user_attrs["warmup"]) + super()._due(trial, rung)


def kinds(*names: str, everyone: bool = False) -> Callable[[FrozenTrial], Iterable[Hashable]]:
    """The groups of trials alike in these ways, each way a group; ``everyone`` adds that of all trials."""

    def groups(trial: FrozenTrial) -> list[Hashable]:
        has = {**trial.user_attrs, "warm": trial.user_attrs["warmup"] > 0}
        both = [(name, has[name]) for name in names]
        return [*(["all"] if everyone else []), *both]

    return groups


PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "asha": lambda: SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    "none": NopPruner,
    "hyperband": lambda: HyperbandPruner(min_resource=1, max_resource=12, reduction_factor=3),
    "median": lambda: MedianPruner(n_startup_trials=5, n_warmup_steps=1),
    "asha from epoch 2": lambda: Asha(first=2),
    "asha, halves": lambda: Asha(reduction=2),
    "asha within the schedule": lambda: Asha(groups=kinds("schedule")),
    "asha within with/without warm-up": lambda: Asha(groups=kinds("warm")),
    "asha since the warm-up": SinceWarmup,
    "asha by share of the epochs": lambda: Paced(12, groups=kinds(everyone=True)),
    "asha in all or the schedule": lambda: Asha(groups=kinds("schedule", everyone=True)),
    "asha in all or with/without warm-up": lambda: Asha(groups=kinds("warm", everyone=True)),
    "paced: by share, in all or the schedule": lambda: Paced(12, groups=kinds("schedule", everyone=True)),
    "paced, with/without warm-up too": lambda: Paced(12, groups=kinds("schedule", "warm", everyone=True)),
}

UNDER_TPE = ("asha", "none", "paced: by share, in all or the schedule")


@dataclass(frozen=True)
class Row:
    """One pruner under one sampler."""

    sampler: str
    pruner: str
    regrets: dict[int, list[float]]
    p: dict[int, float]
    """Of the two-sided Wilcoxon test against ASHA, paired by seed."""
    seen: float
    """Recipes that were begun in a search, in the mean."""
    stopped: dict[str, tuple[int, int]]
    """Of the best tenth that were begun, how many were stopped, and how many there were: over all searches, by kind."""

    def written(self, kinds: Sequence[str]) -> list[str]:
        regret = [f"{np.mean(r):.2f} ± {stats.sem(r):.2f} ({self.p[at]:.2g})" for at, r in self.regrets.items()]
        shares = [f"{self.stopped[kind][0] / max(1, self.stopped[kind][1]):.0%}" for kind in kinds]
        return [self.sampler, self.pruner, *regret, f"{self.seen:.0f}", *shares]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    seeds = parser.parse_args().seeds
    warnings.simplefilter("ignore")
    random, nearest = Recorded(), Nearest()
    told = correlations(random.outcomes)
    columns = list(told)
    early = Printed(
        "recipes", *(f"epoch {e}" for e in EPOCHS), title="Spearman correlation of an epoch's score with the best "
        "epoch's: over all trainings that did not diverge / over their better half",
    )  # fmt: skip
    for kind in columns:
        early.add_row(f"{kind} ({told[kind][0]})", *(f"{a:.2f} / {b:.2f}" for a, b in told[kind][1]))
    write("early_epochs", early, {"machine": machine(), "correlations": told})
    rows = compare("random", random, random_order, PRUNERS, seeds)
    rows += compare("tpe", nearest, Tpe, UNDER_TPE, seeds // 5)
    rows += compare("optuna's tpe", nearest, lambda seed: TPESampler(seed=seed), ("asha", "hyperband"), seeds // 5)
    printed = Printed(
        "sampler", "pruner", *(f"regret at {at} epochs" for at in AT), "begun", *columns,
        title=f"Pruners on {len(random.outcomes)} recorded curves, {seeds} seeds (tpe: {seeds // 5}), "
        f"{WORKERS} workers on a virtual clock",
        caption="Regret: accuracy points on images nobody chose by, below the best recipe's; mean ± standard error (p "
        "of the Wilcoxon test against asha, paired by seed). Begun: recipes after the last. From `all` on: how many of "
        "the best tenth that were begun were stopped early, over all and by what they are.",
    )  # fmt: skip
    for row in rows:
        printed.add_row(*row.written(columns))
    write("pruners", printed, {"machine": machine(), "seeds": seeds, "workers": WORKERS, "rows": rows})


def correlations(outcomes: Sequence[Outcome]) -> dict[str, tuple[int, list[tuple[float, float]]]]:
    """How many whole trainings of each kind there are, and by epoch the correlations of all and the better half."""
    whole = [o for o in outcomes if len(o.curve) == o.epochs]
    middle = np.median([max(o.curve) for o in whole])
    found = {}
    for kind in sorted({kind for o in whole for kind in kinds_of(o)}):
        alike = [o for o in whole if kind in kinds_of(o)]
        better = [o for o in alike if max(o.curve) >= middle]
        found[kind] = len(alike), [(_rank_correlation(alike, e), _rank_correlation(better, e)) for e in EPOCHS]
    return found


def kinds_of(outcome: Outcome) -> list[str]:
    return ["all", str(outcome.about["schedule"]), f"warm-up {outcome.about['warmup']}"]


def _rank_correlation(outcomes: Sequence[Outcome], epoch: int) -> float:
    return float(stats.spearmanr([o.curve[epoch - 1] for o in outcomes], [max(o.curve) for o in outcomes]).statistic)


def random_order(seed: int) -> BaseSampler:
    """Decides nothing: the table hands its recipes out."""
    return RandomSampler(seed)


def compare(
    name: str, table: Recorded, sampler: Callable[[int], BaseSampler], pruners: Iterable[str], seeds: int
) -> list[Row]:
    """Pruners under one sampler; the first one is what the others are compared with."""
    rows: list[Row] = []
    good = [o for o in table.outcomes if o.curve]
    good = sorted(good, key=lambda o: -max(o.curve))[: round(TOP * len(table.outcomes))]
    for pruner in pruners:
        went = [replay(table, sampler(seed), PRUNERS[pruner](), seed=seed, workers=WORKERS, trials=10**9, epochs=AT[-1])
                for seed in range(seeds)]  # fmt: skip
        regrets = {at: [100 * w.epochs[min(at, len(w.epochs)) - 1] for w in went] for at in AT}
        base = rows[0].regrets if rows else regrets
        p = {at: _p(np.array(regrets[at]) - np.array(base[at])) for at in AT}
        begun = float(np.mean([len(w.stopped) + len(w.completed) for w in went]))
        rows.append(Row(name, pruner, regrets, p, begun, _stopped(went, good)))
        print(name, pruner, {at: round(float(np.mean(r)), 2) for at, r in regrets.items()}, flush=True)
    return rows


def _stopped(went: Sequence[Replay], good: Sequence[Outcome]) -> dict[str, tuple[int, int]]:
    stopped, begun = Counter[str](), Counter[str]()
    for search in went:
        for outcome in good:
            if outcome.key in search.stopped or outcome.key in search.completed:
                begun.update(kinds_of(outcome))
                stopped.update(kinds_of(outcome) if outcome.key in search.stopped else ())
    return {kind: (stopped[kind], n) for kind, n in begun.items()}


def _p(difference: np.ndarray) -> float:
    return float(stats.wilcoxon(difference).pvalue) if difference.any() else 1.0


if __name__ == "__main__":
    main()
