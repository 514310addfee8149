"""What a search does next: knows the study, the budget and who is watching, and nothing of where trials run."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autocls.recipe import Recipe
from autocls.search.messages import Epoch
from autocls.search.study import Asked, Study


@dataclass(frozen=True)
class Budget:
    """When a search ends: after so many trials, or so many seconds; None is no limit."""

    trials: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """How a search stands."""

    complete: int = 0
    pruned: int = 0
    failed: int = 0
    running: int = 0
    epochs: int = 0
    best: float = -math.inf
    best_number: int | None = None
    best_recipe: Recipe | None = None
    seconds: float = 0.0
    budget: Budget = Budget()
    baseline: Recipe | None = None


@dataclass
class _Live:
    asked: Asked
    best: float = -math.inf
    epochs: int = 0
    seconds: float = 0.0
    parameters: int | None = None
    numerics: str = ""


Watch = Callable[[Snapshot], None]

Appoint = Callable[[int, Recipe, float, Path], Path]
"""The model folder of a complete trial, of its number, recipe, score and the folder that its weights lie in."""


class Driver:
    """Between one study and the engine that trains its trials; the budget counts from ``began``, a monotonic time.

    ``appoint`` makes the best trial's model a teacher.
    """

    def __init__(
        self, study: Study, budget: Budget, baseline: Recipe, began: float, watch: Watch, appoint: Appoint
    ) -> None:
        self._study = study
        self._appoint = appoint
        self._began = began
        self._watch = watch
        self._live: dict[int, _Live] = {}
        self._asked = 0
        self._exhausted = False
        self._stalled = False
        self.snapshot = Snapshot(budget=budget, baseline=baseline)
        self.weights: dict[int, Path] = {}
        """Folders with the weights of trials that were the best so far, by number."""

    def ask(self) -> Asked | None:
        """The next trial to run; None when no more will come, or (``asked_all`` is False) before another one ends."""
        if self.asked_all() or self.time_is_up() or self._stalled:
            return None
        asked = self._study.ask(self._teacher)
        if asked is None:
            self._stalled = bool(self._live) and self._study.waiting
            self._exhausted = not self._stalled
            return None
        self._asked += 1
        self._live[asked.number] = _Live(asked)
        self._show(running=len(self._live))
        return asked

    def take(self, number: int, said: Epoch) -> bool:
        """Take in what a worker says; whether its trial ends here."""
        live = self._live.get(number)
        if live is None:
            return True
        live.seconds += said.seconds
        live.parameters = said.parameters or live.parameters
        live.numerics = said.numerics or live.numerics
        if said.weights:
            self.weights[number] = Path(said.weights)
        if said.failure:
            self._end(live, "FAIL", said.failure)
            return True
        live.epochs, live.best = said.epoch, max(live.best, said.score)
        pruned = self._study.report(number, said.epoch, said.score)
        self._show(epochs=self.snapshot.epochs + 1)
        if said.epoch >= live.asked.recipe.epochs:
            self._end(live, "COMPLETE")
        elif pruned:
            self._end(live, "PRUNED")
        else:
            return False
        return True

    def lost(self, number: int, reason: str) -> None:
        """End a trial whose worker says no more; nothing when it has ended already."""
        if number in self._live:
            self._end(self._live[number], "FAIL", reason)

    def close(self) -> str:
        """End what still runs, and say why the search ended."""
        if self.time_is_up():
            why = "time is up"
        elif self._live or not self.asked_all():
            why = "interrupted"
        else:
            why = "the space is exhausted" if self._exhausted else "all trials are done"
        for live in list(self._live.values()):
            self._end(live, "PRUNED", why)
        return why

    def time_is_up(self) -> bool:
        seconds = self.snapshot.budget.seconds
        return seconds is not None and time.monotonic() - self._began >= seconds

    def asked_all(self) -> bool:
        """Whether no more trials will be asked for, were there all the time in the world."""
        trials = self.snapshot.budget.trials
        return self._exhausted or (trials is not None and self._asked >= trials)

    def _teacher(self) -> Path | None:
        """The model folder of the best complete trial; None while there is none, or it has no weights."""
        now = self.snapshot
        if now.best_number is None or now.best_recipe is None or now.best_number not in self.weights:
            return None
        return self._appoint(now.best_number, now.best_recipe, now.best, self.weights[now.best_number])

    def _end(self, live: _Live, state: str, reason: str = "") -> None:
        number = live.asked.number
        self._study.tell(
            number, state, seconds=live.seconds, parameters=live.parameters, reason=reason, numerics=live.numerics
        )
        del self._live[number]
        self._stalled = False
        now = self.snapshot
        better = state == "COMPLETE" and live.best > now.best
        self._show(
            running=len(self._live),
            complete=now.complete + (state == "COMPLETE"),
            pruned=now.pruned + (state == "PRUNED"),
            failed=now.failed + (state == "FAIL"),
            best=live.best if better else now.best,
            best_number=number if better else now.best_number,
            best_recipe=live.asked.recipe if better else now.best_recipe,
        )

    def _show(self, **changes: Any) -> None:
        self.snapshot = replace(self.snapshot, seconds=time.monotonic() - self._began, **changes)
        self._watch(self.snapshot)
