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
    """What a process remembers of its trials."""

    points: list[mnist.Point] = field(default_factory=list)
    best: float = -1.0
    config: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    def take(self, trial: optuna.Trial, accuracy: float, net: torch.nn.Module) -> None:
        self.points.append((trial.number, time.time(), accuracy))
        if accuracy > self.best:
            self.best, self.config = accuracy, trial.params
            self.weights = {name: tensor.clone() for name, tensor in net.state_dict().items()}


def objective(trial: optuna.Trial, data: mnist.Arrays, seed: int, deadline: float, kept: Kept) -> float:
    mnist.suggest(trial)
    training = mnist.Training(trial.params, data, seed)
    accuracy = 0.0
    for epoch in range(1, mnist.EPOCHS + 1):
        accuracy = training.epoch()
        if time.time() > deadline:  # Optuna's timeout lets a trial that runs come to its end, which counts no more
            raise optuna.TrialPruned
        kept.take(trial, accuracy, training.net)
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return accuracy


def optimize(process: int, data: Path, seed: int, deadline: float, journal: Path) -> Kept:
    torch.set_num_threads(1)
    kept = Kept()
    study = optuna.create_study(
        study_name="mnist",
        storage=JournalStorage(JournalFileBackend(str(journal))),
        load_if_exists=True,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=PROCESSES * seed + process),
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=mnist.EPOCHS, reduction_factor=3),
    )
    train = partial(objective, data=mnist.load(data), seed=seed, deadline=deadline, kept=kept)
    study.optimize(train, timeout=max(0.0, deadline - time.time()))
    return kept


def main() -> None:
    arguments = mnist.arguments(__doc__)
    deadline = mnist.began() + arguments.seconds
    journal = arguments.out / "journal.log"
    work = partial(optimize, data=arguments.data, seed=arguments.seed, deadline=deadline, journal=journal)
    with Pool(PROCESSES) as pool:
        processes = pool.map(work, range(PROCESSES))
    best = max(processes, key=lambda kept: kept.best)
    mnist.write(arguments.out, [point for kept in processes for point in kept.points], best.config, best.weights)


if __name__ == "__main__":
    main()
