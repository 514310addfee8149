"""Samplers whose answers depend on nothing but the study and their seed, and a TPE whose time does not grow with it.

A search that was killed and is resumed goes on as it would have: no sampler keeps anything that the study doesn't hold.
"""

import heapq
import math
import zlib
from collections.abc import Container
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

LATEST = 100
BEST = 10
"""The trials that the sampler looks at, besides those that run."""


def repeatable(seed: int, trial: FrozenTrial, name: str = "") -> list[int]:
    """What numpy is to be seeded with for a trial, or for one of its parameters."""
    return [seed % 2**32, trial.number, zlib.crc32(name.encode())]


class Random(RandomSampler):
    """Optuna's random sampler, each answer drawn by itself."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self._seed = seed

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        self._rng.rng.seed(repeatable(self._seed, trial, param_name))
        return super().sample_independent(study, trial, param_name, param_distribution)


class Gp(GPSampler):
    """Optuna's Gaussian process, each trial drawn by itself."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed, independent_sampler=Random(seed))
        self._seed = seed

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        self._rng.rng.seed(repeatable(self._seed, trial))
        return super().sample_relative(study, trial, search_space)


class Tpe(TPESampler):
    """Optuna's TPE, looking at the trials that run, the latest and the best only; each trial is drawn by itself.

    Optuna's looks through all of them, and again for each parameter that depends on a choice: of 10,000 trials with 16
    parameters it took 530 ms for the next one. On NAS-Bench-201 (CIFAR-100, 20 seeds, ``benchmarks/samplers.py``)
    looking at the latest 100 is as good after 300 trials (better in 7, worse in 3, p = 0.48); the latest 50 are too few
    on HPOLib after 100 trials (p = 0.015).
    """

    def __init__(self, seed: int, latest: int = LATEST, **options: Any) -> None:
        super().__init__(seed=seed, **options)
        self._random_sampler = Random(seed)
        self._seed = seed
        self._latest = latest
        self._extract: _Extract | None = None

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        super().before_trial(study, trial)
        if self._extract is None:
            self._extract = _Extract(study, self._latest)
        self._extract.renew()

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        self._rng.rng.seed(repeatable(self._seed, trial))
        return super().sample_relative(self._extract or study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        self._rng.rng.seed(repeatable(self._seed, trial, param_name))
        return super().sample_independent(self._extract or study, trial, param_name, param_distribution)


class _Extract(optuna.Study):
    """A study as if it held some of its trials only: those that run, the best, and the latest."""

    def __init__(self, study: optuna.Study, latest: int) -> None:
        super().__init__(study.study_name, study._storage, study.sampler, study.pruner)
        self._whole = study
        self._seen = 0
        self._running: dict[int, FrozenTrial] = {}
        self._size = latest
        self._latest: list[tuple[int, FrozenTrial]] = []
        """By number, whenever they ended: so a study that is opened again has the same."""
        self._best: list[tuple[Rank, FrozenTrial]] = []

    def renew(self) -> None:
        """Take in what has happened since the last time."""
        trials = self._whole.get_trials(deepcopy=False)
        looked_at = [*self._running, *range(self._seen, len(trials))]
        self._seen = len(trials)
        for trial in (trials[number] for number in looked_at):
            self._running.pop(trial.number, None)
            if not trial.state.is_finished():
                self._running[trial.number] = trial
            elif trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
                _keep_highest(self._latest, (trial.number, trial), self._size)
                _keep_highest(self._best, (_rank(trial), trial), BEST)

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        best = {trial.number: trial for _, trial in self._best}
        kept = best | dict(self._latest) | self._running
        return [kept[number] for number in sorted(kept) if states is None or kept[number].state in states]


def _keep_highest(heap: list[Any], item: tuple[Any, FrozenTrial], most: int) -> None:
    heapq.heappush(heap, item)
    if len(heap) > most:
        heapq.heappop(heap)


Rank = tuple[bool, float, float, int]


def _rank(trial: FrozenTrial) -> Rank:
    """As TPE ranks: the complete ones by value, below them the pruned ones by how far they came; then the older."""
    if trial.state == TrialState.COMPLETE:
        return True, 0.0, -math.inf if trial.value is None else trial.value, -trial.number
    step = trial.last_step
    if step is None:
        return False, -1.0, -math.inf, -trial.number
    return False, step, trial.intermediate_values[step], -trial.number
