"""What a search does next: knows the study, the budget and who is watching, and nothing of where trials run."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from autocls.files import patiently
from autocls.recipe import Recipe
from autocls.search.kept import Kept
from autocls.search.messages import Asked, Ended, Epoch, Job, Move, Run
from autocls.search.record import INTERRUPTED, Row
from autocls.search.retries import TRIES, Retries
from autocls.search.snapshot import Budget, Snapshot, Watch
from autocls.search.study import Study
from autocls.training.footprint import NO_LIMITS
from autocls.verdict.verdict import Phase


def _key(run: Run | Row) -> tuple[Phase, str, int]:
    return Phase(run.phase), run.role, run.seed


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


Appoint = Callable[[int, Recipe, float, Path], Path]
"""The model folder of a complete trial, of its number, recipe, score and the folder that its weights lie in."""


Programme = Callable[["Driver"], Iterator[Run | Move]]
"""What a study does, move by move; looks at the driver for how it stands. It waits only while something runs."""


def only_search(driver: "Driver") -> Iterator[Run | Move]:
    """The programme of a search without a verdict."""
    while not driver.searched():
        yield Move.SEARCH


class Driver:
    """Between one study and the engine that trains its trials; the budget counts from ``began``, a monotonic time.

    ``appoint`` makes the best trial's model a teacher; the weights of the best ``keep`` trials are kept below
    ``kept_in``. What the study holds already counts as done, and its unfinished trials come first.
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
        kept_in: Path | None = None,
    ) -> None:
        self.study = study
        self._appoint = appoint
        self._began = began
        self._watch = watch
        self._keep = keep
        self._live: dict[int, _Live] = {}
        self._retries = Retries(study.unfinished)
        self._begun: set[tuple[Phase, str, int]] = set()
        """The designed runs, by phase, role and seed, that an earlier process began and the programme will name."""
        self._exhausted = False
        self._stalled = False
        self._waits = False
        self._finished = False
        self._search_ends = math.inf
        self._scores: list[float] = []
        """Of complete trials of the search, the best ``keep``, best first."""
        self.snapshot = Snapshot(budget=budget, baseline=baseline)
        self._kept = Kept(kept_in, keep)
        self.weights = self._kept.folders
        """Folders with the weights of trials that were among the best when they ended, by number."""
        self._programme = programme(self)
        self._take_up()

    def ask(self) -> Asked | None:
        """The next trial to run; None when no more will come, or (``asked_all`` is False) before another one ends."""
        self._waits = False
        if self._retries.due and not self.time_is_up():
            return self._retries.take()
        while not self._finished and not self.time_is_up():
            move = next(self._programme, None)
            if move is None:
                self._finished = True
            elif isinstance(move, Run):
                if self.has_begun(move):
                    self._begun.discard(_key(move))
                    continue
                begun = self._begin(self.study.begin(move))
                if (number := self._retries.culprit(move.recipe)) is None:
                    return begun
                self._end(self._live[begun.number], "FAIL", f"quarantined: trial {number}'s recipe, which ends workers")
            elif move is Move.WAIT:
                self._waits = bool(self._live)  # or another driver has what must end first
                return None
            elif self._stalled:
                self._waits = True
                return None
            elif (asked := self.study.ask(self._teacher)) is not None:
                return self._begin(asked)
            else:
                self._stalled = bool(self._live) and self.study.waiting
                self._exhausted = not self._stalled
                if self._stalled:
                    self._waits = True
                    return None
        self._waits = bool(self._retries)
        return None

    @property
    def waits(self) -> bool:
        """Whether the last that asked got nothing because something that runs must end first, and still must."""
        return self._waits and not self._retries.due

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
        if said.failure:
            if not (said.passing and self._try_again(live, said.failure)):
                reason = f"{said.failure}, in {TRIES} tries" if said.passing else said.failure
                self._end(live, "PRUNED" if said.over_limit else "FAIL", reason, said.traceback)
            return True
        if said.weights:
            self._kept.take(number, said.weights)
        live.epochs, live.best = said.epoch, max(live.best, said.score)
        known = self.study.knows(number, said.epoch)
        pruned = self.study.report(number, said.epoch, said.score)
        self._show(epochs=self.snapshot.epochs + (not known))
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
        """Try a trial again whose worker says no more, or end it; nothing when it has ended already."""
        live = self._live.get(number)
        if live is not None and not self._try_again(live, reason):
            self._retries.quarantine(live.asked)
            self._end(live, "FAIL", f"{reason}, in {TRIES} tries", traceback)

    def close(self) -> str:
        """Say why the search ended, and end what still runs, unless it was interrupted and may go on."""
        if self.time_is_up():
            why = "time is up"
        elif self._live or not self.asked_all():
            why = INTERRUPTED
        elif self._exhausted:
            why = "the space is exhausted"
        elif self.study.joined and self.study.search_has_ended():
            why = "the search that it joined has ended"
        elif self.snapshot.budget.trials is not None:
            why = "all trials are done"
        else:
            why = "no more runs fit into the time"
        for live in list(self._live.values()) if why != INTERRUPTED else ():
            self._end(live, "PRUNED", why)
        return why

    def time_is_up(self) -> bool:
        seconds = self.snapshot.budget.seconds
        return seconds is not None and self.seconds() >= seconds

    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def asked_all(self) -> bool:
        """Whether no more trials will be asked for, were there all the time in the world: one that runs may fail."""
        return self._finished and not self._live

    def end_search_at(self, seconds: float) -> None:
        """End the search, and what it runs then, so many seconds after the start."""
        self._search_ends = seconds

    def searched(self) -> bool:
        """Whether the search has asked for all its trials, with those of the other drivers that share its study."""
        trials = self.snapshot.budget.trials
        enough = trials is not None and self.study.begun() >= trials
        return enough or self._exhausted or self.seconds() >= self._search_ends

    def running(self, phase: Phase) -> int:
        """How many trials run, or wait for a worker, for a phase."""
        return sum(live.asked.phase is phase for live in self._live.values())

    def ended(self, phase: Phase) -> list[Row]:
        """The trials of a phase that ended."""
        going = self.study.running()
        return [row for row in self.study.rows() if row.phase == phase and row.number not in going]

    def has_ended(self, number: int) -> bool:
        """Whether a trial was begun and has ended."""
        return number not in self.study.running() and any(row.number == number for row in self.study.rows())

    def has_begun(self, run: Run) -> bool:
        """Whether an earlier process began a run that the programme has not named yet in this one."""
        return _key(run) in self._begun

    def tries(self, number: int) -> int:
        """How often a trial that runs went wrong so far."""
        return self._live[number].asked.tries

    def _take_up(self) -> None:
        """Begin where the study is."""
        going = {asked.number for asked in self.study.unfinished}
        self._live = {asked.number: _Live(asked) for asked in self.study.unfinished}
        rows = self.study.rows()
        searched = [row for row in rows if row.phase == Phase.SEARCH]
        states = Counter(row.state for row in searched if row.number not in going)
        complete = sorted((r for r in searched if r.state == "COMPLETE"), key=lambda row: (-row.score, row.number))
        designed = [row for row in rows if row.phase != Phase.SEARCH]
        self._begun = {_key(row) for row in designed if row.state != "PRUNED" or row.number in going}
        self._scores = [row.score for row in complete][: self._keep]
        self._kept.find(row.number for row in complete)
        self._show(
            running=len(going),
            complete=states["COMPLETE"],
            pruned=states["PRUNED"],
            failed=states["FAIL"],
            designed=sum(row.number not in going for row in designed),
            epochs=sum(row.epochs for row in rows),
            best=complete[0].score if complete else -math.inf,
            best_number=complete[0].number if complete else None,
            best_recipe=Recipe.from_yaml(complete[0].recipe) if complete else None,
        )

    def _try_again(self, live: _Live, reason: str) -> bool:
        """Put a trial back that went wrong through no fault that is known to be its own; not after too many tries."""
        asked = self._retries.again(live.asked)
        if asked is None:
            return False
        self.study.try_again(asked.number, asked.tries, reason)
        self._live[asked.number] = _Live(asked)
        self._stalled = self._waits = False
        return True

    def _begin(self, asked: Asked) -> Asked:
        self._live[asked.number] = _Live(asked)
        self._show(running=len(self._live), phase=asked.phase)
        return asked

    def _teacher(self) -> Path | None:
        """The model folder of the best complete trial; None while there is none, or it has no weights."""
        now = self.snapshot
        if now.best_number is None or now.best_recipe is None or now.best_number not in self.weights:
            return None
        weights = self.weights[now.best_number]
        return patiently(partial(self._appoint, now.best_number, now.best_recipe, now.best, weights))

    def _end(self, live: _Live, state: str, reason: str = "", traceback: str = "") -> None:
        number = live.asked.number
        self._kept.write()
        self.study.tell(number, state, replace(live.ended, reason=reason, traceback=traceback))
        del self._live[number]
        self._stalled = self._waits = False
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
