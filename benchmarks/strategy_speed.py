"""How long samplers and pruners take for a trial in studies of 100, 1,000 and 10,000 trials of 16 parameters.

The space has ten choices and two numbers that are always there, and four of eight numbers that depend on choices. Of
reporting, epochs where ASHA decides count, after a pruner's first trial.

    python -m benchmarks.strategy_speed
"""

import random
import time
import warnings
from collections.abc import Callable

import numpy as np
import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
from rich.table import Table as Printed

from autocls.search.pruning import Asha
from autocls.search.sampling import Tpe
from benchmarks.results import machine, write

SIZES = (100, 1000, 10000)
SAMPLERS: dict[str, Callable[[], BaseSampler]] = {
    "random": lambda: RandomSampler(seed=0),
    "qmc": lambda: QMCSampler(seed=0),
    "optuna's tpe": lambda: TPESampler(seed=0),
    "optuna's tpe, each parameter alone": lambda: TPESampler(seed=0, multivariate=False),
    "optuna's tpe, group": lambda: TPESampler(seed=0, group=True),
    "optuna's tpe, no constant liar": lambda: TPESampler(seed=0, constant_liar=False),
    "tpe": lambda: Tpe(0),
}
PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "none": NopPruner,
    "optuna's asha": lambda: SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    "optuna's hyperband": lambda: HyperbandPruner(min_resource=1, max_resource=9, reduction_factor=3),
    "optuna's median": lambda: MedianPruner(n_startup_trials=5, n_warmup_steps=1),
    "asha": Asha,
}


def main() -> None:
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found: dict[str, list[float]] = {}
    for size in SIZES:
        study = filled(size)
        for name, sampler in SAMPLERS.items():
            study.sampler, study.pruner = sampler(), NopPruner()
            found.setdefault(f"ask: {name}", []).append(asking(study))
        for name, pruner in PRUNERS.items():
            study.sampler, study.pruner = RandomSampler(seed=0), pruner()
            found.setdefault(f"epoch: {name}", []).append(reporting(study))
        print(size, flush=True)
    title = "What the asking of a trial and the reporting of an epoch take in a large study: milliseconds"
    printed = Printed("", *(f"{size} trials" for size in SIZES), title=title, caption="Processor time, medians.")
    for name, row in found.items():
        printed.add_row(name, *(f"{ms:.2f}" for ms in row))
    write("strategy_speed", printed, {"machine": machine(), "trials": SIZES, "milliseconds": found})


def decide(trial: Trial) -> None:
    """Ask for all the parameters."""
    for i in range(10):
        chosen = trial.suggest_categorical(f"slot{i}", ["a", "b", "c", "d"][: 2 + i % 3])
        if i < 4:
            trial.suggest_float(f"slot{i}.{'a' if chosen == 'a' else 'b'}.p", 1e-4, 1, log=True)
    trial.suggest_float("smoothing", 0, 1)
    trial.suggest_float("decay", 1e-4, 1, log=True)


def filled(size: int) -> optuna.Study:
    """A study in memory whose trials ended as under ASHA."""
    rng, donor = random.Random(0), optuna.create_study(sampler=RandomSampler(seed=1))
    study = optuna.create_study(direction="maximize")
    for _ in range(size):
        trial = donor.ask()
        decide(trial)
        study.add_trial(ended(donor.get_trials(deepcopy=False)[trial.number], rng))
    return study


def ended(asked: FrozenTrial, rng: random.Random) -> FrozenTrial:
    epochs = rng.choices((1, 3, 9), (0.5, 0.2, 0.3))[0]
    scores = {epoch: rng.random() for epoch in range(1, epochs + 1)}
    return create_trial(
        state=TrialState.COMPLETE if epochs == 9 else TrialState.PRUNED,
        value=max(scores.values()) if epochs == 9 else None,
        params=asked.params,
        distributions=asked.distributions,
        intermediate_values=scores,
        system_attrs={f"completed_rung_{rung}": scores[3**rung] for rung in range(3) if 3**rung in scores},
    )


def asking(study: optuna.Study) -> float:
    took = []
    for _ in range(6):
        started = time.process_time()
        trial = study.ask()
        decide(trial)
        took.append(time.process_time() - started)
        study.tell(trial, state=TrialState.FAIL)
    return 1000 * float(np.median(took))


def reporting(study: optuna.Study) -> float:
    took = []
    for _ in range(3):
        trial = study.ask()
        for epoch in range(1, 10):
            started = time.process_time()
            trial.report(random.random(), epoch)
            trial.should_prune()
            took.append(time.process_time() - started)
        study.tell(trial, state=TrialState.FAIL)
    rungs = [t for i, t in enumerate(took) if i % 9 in (0, 2, 8) and i >= 9]
    return 1000 * float(np.median(rungs))


if __name__ == "__main__":
    main()
