"""What a search does next: knows the study, the budget and who is watching, and nothing of where trials run."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path
from typing import Any

from autocls.recipe import Recipe
from autocls.search.messages import Asked, Ended, Epoch, Job, Run
from autocls.search.record import Row
from autocls.search.study import Study
from autocls.training.footprint import NO_LIMITS
from autocls.verdict.verdict import Phase


@dataclass(frozen=True)
class Budget:
    """When a search ends: after so many trials of the search, or so many seconds in all; None is no limit."""

    trials: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """How a search stands."""

    complete: int = 0
    """Trials of the search, likewise ``pruned`` and ``failed``."""
    pruned: int = 0
    failed: int = 0
    running: int = 0
    designed: int = 0
    """Runs of the screen and of the verdict that ended."""
    phase: Phase = Phase.SEARCH
    """What was asked for last."""
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
    ended: Ended = field(default_factory=Ended)
    """As it would be, did it end now."""

    def take(self, said: Epoch, now: float) -> None:
        """Take in what a worker says at a time, in seconds after the search's start."""
        so_far = self.ended
        self.ended = Ended(
            seconds=so_far.seconds + said.seconds,
            begun=now - said.seconds if math.isnan(so_far.begun) else so_far.begun,
            worker=said.worker,
            footprint=said.footprint or so_far.footprint,
            numerics=said.numerics or so_far.numerics,
        )


Watch = Callable[[Snapshot], None]

Appoint = Callable[[int, Recipe, float, Path], Path]
"""The model folder of a complete trial, of its number, recipe, score and the folder that its weights lie in."""


class Move(Enum):
    """What a programme wants, other than a run of its own."""

    SEARCH = auto()
    """Whatever the sampler finds."""
    WAIT = auto()
    """Nothing before something that runs has ended."""


Programme = Callable[["Driver"], Iterator[Run | Move]]
"""What a study does, move by move; looks at the driver for how it stands. It waits only while something runs."""


def only_search(driver: "Driver") -> Iterator[Run | Move]:
    """The programme of a search without a verdict."""
    while not driver.searched():
        yield Move.SEARCH


class Driver:
    """Between one study and the engine that trains its trials; the budget counts from ``began``, a monotonic time.

    ``appoint`` makes the best trial's model a teacher; the weights of the best ``keep`` trials are kept.
    """

    def __init__(
        self,
        study: Study,
        budget: Budget,
        baseline: Recipe,
        began: float,
        watch: Watch,
        appoint: Appoint,
        programme: Programme = only_search,
        keep: int = 1,
    ) -> None:
        self.study = study
        self._appoint = appoint
        self._began = began
        self._watch = watch
        self._keep = keep
        self._live: dict[int, _Live] = {}
        self._asked = 0
        self._exhausted = False
        self._stalled = False
        self.waits = False
        """Whether the last that asked got nothing because something that runs must end first, and still runs."""
        self._finished = False
        self._search_ends = math.inf
        self._scores: list[float] = []
        """Of complete trials of the search, the best ``keep``, best first."""
        self.snapshot = Snapshot(budget=budget, baseline=baseline)
        self.weights: dict[int, Path] = {}
        """Folders with the weights of trials that were among the best when they ended, by number."""
        self._programme = programme(self)

    def ask(self) -> Asked | None:
        """The next trial to run; None when no more will come, or (``asked_all`` is False) before another one ends."""
        self.waits = False
        while not self.asked_all() and not self.time_is_up():
            move = next(self._programme, None)
            if move is None:
                self._finished = True
            elif isinstance(move, Run):
                return self._begin(self.study.begin(move))
            elif move is Move.WAIT:
                assert self._live, "a programme waits only while something runs"
                self.waits = True
                return None
            elif self._stalled:
                self.waits = True
                return None
            elif (asked := self.study.ask(self._teacher)) is not None:
                self._asked += 1
                return self._begin(asked)
            else:
                self._stalled = bool(self._live) and self.study.waiting
                self._exhausted = not self._stalled
                if self._stalled:
                    self.waits = True
                    return None
        return None

    def job(self, asked: Asked) -> Job:
        """What a worker is to do for a trial. Limits hold for what the search finds: a baseline is there to compare."""
        if asked.phase is not Phase.SEARCH:
            return Job(asked.number, asked.recipe, asked.seed, math.inf)
        keep_from = self._scores[-1] if len(self._scores) >= self._keep else -math.inf
        return Job(asked.number, asked.recipe, asked.seed, keep_from, self.study.limits if asked.number else NO_LIMITS)

    def take(self, number: int, said: Epoch) -> bool:
        """Take in what a worker says; whether its trial ends here."""
        live = self._live.get(number)
        if live is None:
            return True
        live.take(said, self.study.clock())
        if said.weights:
            self.weights[number] = Path(said.weights)
        if said.failure:
            self._end(live, "PRUNED" if said.over_limit else "FAIL", said.failure, said.traceback)
            return True
        live.epochs, live.best = said.epoch, max(live.best, said.score)
        pruned = self.study.report(number, said.epoch, said.score)
        self._show(epochs=self.snapshot.epochs + 1)
        if said.epoch >= live.asked.recipe.epochs:
            self._end(live, "COMPLETE")
        elif pruned:
            self._end(live, "PRUNED")
        elif live.asked.phase is Phase.SEARCH and self.seconds() >= self._search_ends:
            self._end(live, "PRUNED", "the search's share of the time is up")
        else:
            return False
        return True

    def lost(self, number: int, reason: str, traceback: str) -> None:
        """End a trial whose worker says no more; nothing when it has ended already."""
        if number in self._live:
            self._end(self._live[number], "FAIL", reason, traceback)

    def close(self) -> str:
        """End what still runs, and say why the search ended."""
        if self.time_is_up():
            why = "time is up"
        elif self._live or not self.asked_all():
            why = "interrupted"
        elif self._exhausted:
            why = "the space is exhausted"
        elif self.snapshot.budget.trials is not None:
            why = "all trials are done"
        else:
            why = "no more runs fit into the time"
        for live in list(self._live.values()):
            self._end(live, "PRUNED", why)
        return why

    def time_is_up(self) -> bool:
        seconds = self.snapshot.budget.seconds
        return seconds is not None and self.seconds() >= seconds

    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def asked_all(self) -> bool:
        """Whether no more trials will be asked for, were there all the time in the world."""
        return self._finished

    def end_search_at(self, seconds: float) -> None:
        """End the search, and what it runs then, so many seconds after the start."""
        self._search_ends = seconds

    def searched(self) -> bool:
        """Whether the search has asked for all its trials."""
        trials = self.snapshot.budget.trials
        enough = trials is not None and self._asked >= trials
        return enough or self._exhausted or self.seconds() >= self._search_ends

    def running(self, phase: Phase) -> int:
        """How many trials run, or wait for a worker, for a phase."""
        return sum(live.asked.phase is phase for live in self._live.values())

    def ended(self, phase: Phase) -> list[Row]:
        """The trials of a phase that ended."""
        return [row for row in self.study.rows() if row.phase == phase and row.number not in self._live]

    def has_ended(self, number: int) -> bool:
        """Whether a trial was begun and has ended."""
        return number not in self._live and any(row.number == number for row in self.study.rows())

    def _begin(self, asked: Asked) -> Asked:
        self._live[asked.number] = _Live(asked)
        self._show(running=len(self._live), phase=asked.phase)
        return asked

    def _teacher(self) -> Path | None:
        """The model folder of the best complete trial; None while there is none, or it has no weights."""
        now = self.snapshot
        if now.best_number is None or now.best_recipe is None or now.best_number not in self.weights:
            return None
        return self._appoint(now.best_number, now.best_recipe, now.best, self.weights[now.best_number])

    def _end(self, live: _Live, state: str, reason: str = "", traceback: str = "") -> None:
        number = live.asked.number
        self.study.tell(number, state, replace(live.ended, reason=reason, traceback=traceback))
        del self._live[number]
        self._stalled = self.waits = False
        now = self.snapshot
        if live.asked.phase is not Phase.SEARCH:
            self._show(running=len(self._live), designed=now.designed + 1)
            return
        if state == "COMPLETE":
            self._scores = sorted([*self._scores, live.best], reverse=True)[: self._keep]
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
        self.snapshot = replace(self.snapshot, seconds=self.seconds(), **changes)
        self._watch(self.snapshot)
