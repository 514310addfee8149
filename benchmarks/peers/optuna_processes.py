"""Optuna as its tutorials on pruning and on parallel optimisation show it: two processes and one journal file.

python -m benchmarks.peers.optuna_processes --data parts.npz --seconds 180 --out FOLDER
"""

import time
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from benchmarks.peers import mnist

PROCESSES = 2


@dataclass
class Kept:
    """What a process remembers of its trials; an epoch that ends after the deadline doesn't count."""

    deadline: float
    trials: set[int] = field(default_factory=set)
    points: list[tuple[float, float]] = field(default_factory=list)
    best: float = -1.0
    config: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    def take(self, trial: optuna.Trial, accuracy: float, net: torch.nn.Module) -> None:
        now = time.time()
        if now > self.deadline:
            return
        self.trials.add(trial.number)
        self.points.append((now, accuracy))
        if accuracy > self.best:
            self.best, self.config = accuracy, trial.params
            self.weights = {name: tensor.clone() for name, tensor in net.state_dict().items()}


def objective(trial: optuna.Trial, data: mnist.Arrays, seed: int, kept: Kept) -> float:
    mnist.suggest(trial)
    training = mnist.Training(trial.params, data, seed)
    accuracy = 0.0
    for epoch in range(1, mnist.EPOCHS + 1):
        accuracy = training.epoch()
        kept.take(trial, accuracy, training.net)
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return accuracy


def optimize(process: int, data: Path, seed: int, deadline: float, journal: Path) -> Kept:
    torch.set_num_threads(1)
    kept = Kept(deadline)
    study = optuna.create_study(
        study_name="mnist",
        storage=JournalStorage(JournalFileBackend(str(journal))),
        load_if_exists=True,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=PROCESSES * seed + process),
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=mnist.EPOCHS, reduction_factor=3),
    )
    study.optimize(
        partial(objective, data=mnist.load(data), seed=seed, kept=kept), timeout=max(0.0, deadline - time.time())
    )
    return kept


def main() -> None:
    arguments = mnist.arguments(__doc__)
    began = mnist.began()
    work = partial(
        optimize,
        data=arguments.data,
        seed=arguments.seed,
        deadline=began + arguments.seconds,
        journal=arguments.out / "journal.log",
    )
    with Pool(PROCESSES) as pool:
        all_kept = pool.map(work, range(PROCESSES))
    best = max(all_kept, key=lambda kept: kept.best)
    points = [(at - began, score) for kept in all_kept for at, score in kept.points]
    mnist.write(arguments.out, sum(len(kept.trials) for kept in all_kept), points, best.config, best.weights)


if __name__ == "__main__":
    main()
