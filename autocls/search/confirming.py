"""Confirmation: the best recipes of the search and the baseline again, on fresh seeds that they share."""

from collections.abc import Generator, Iterable, Iterator, Sequence

from autocls.recipe import Recipe
from autocls.search.driver import Driver
from autocls.search.evidence import confirmed, over_limit
from autocls.search.messages import Move, Run
from autocls.search.record import Row
from autocls.search.screening import fresh_seed
from autocls.search.setting import Setting
from autocls.verdict.confirmation import close_calls, confirm
from autocls.verdict.effects import margin
from autocls.verdict.verdict import Candidate, Phase

SHARE = 0.35
"""Of the runs that the verdict has room for; the rest are attribution's."""
PLENTY = 8
"""Close calls are run on where that takes no more than one in so many of the runs that there is room for then."""


def ranked(driver: Driver) -> list[Row]:
    """The complete trials of the search but the baseline, best first."""
    rows = [row for row in driver.ended(Phase.SEARCH) if row.state == "COMPLETE" and row.number > 0]
    return sorted(rows, key=lambda row: (-row.score, row.number))


def lack(setting: Setting, driver: Driver, best: Sequence[Row]) -> str:
    """Why the best trial can't be confirmed; empty when it can."""
    if not best:
        return "no trial but the baseline was completed"
    room, needed = setting.room(driver, best[0]), 2 * setting.plan.seeds
    if room >= needed:
        return ""
    return f"{needed} runs of {best[0].planned} epochs are needed, and the budget had room for {room}; give it more"


def stage(setting: Setting, driver: Driver, best: Sequence[Row]) -> Generator[Run | Move, None, Row]:
    """Run the best of the search again, as many as there is room for; returns the trial that is recommended."""
    plan, study = setting.plan, driver.study
    study.note("margin", margin(best[0].score))
    room = study.decide("runs for the verdict", lambda: setting.room(driver, best[0]))
    few = min(plan.confirm, len(best), int(SHARE * room / plan.seeds) - 1)
    if few < 2:
        if plan.confirm > 1:
            study.leave_undone("only the search's best was run again: there was no room to compare it with the next")
        study.note("recommended", best[0].number)
        return best[0]
    baseline = [row for row in driver.ended(Phase.SEARCH) if row.number == 0 and row.state == "COMPLETE"]
    candidates = [*best[:few], *baseline]
    yield from _again(setting, driver, candidates, range(plan.seeds))
    close = study.decide("close calls", lambda: _affordable_close_calls(setting, driver, candidates))
    if close:
        nearest = [row for row in candidates if row.number in close]
        yield from _again(setting, driver, nearest, range(plan.seeds, 2 * plan.seeds))
    recommended = next(c.trial for c in judged(driver, candidates) if c.recommended)
    study.note("recommended", recommended)
    return next(row for row in candidates if row.number == recommended)


def _affordable_close_calls(setting: Setting, driver: Driver, candidates: Sequence[Row]) -> list[int]:
    """The candidates that are too near to one another to part, if there is plenty of room for more of their runs."""
    close = sorted(close_calls(judged(driver, candidates)))
    return close if PLENTY * len(close) * setting.plan.seeds <= setting.room(driver, candidates[0]) else []


def judged(driver: Driver, candidates: Iterable[Row]) -> tuple[Candidate, ...]:
    """The candidates as their runs so far show them."""
    scores = {row.number: row.score for row in candidates}
    runs = confirmed(driver.ended(Phase.CONFIRM))
    return confirm(runs, scores, 0, driver.study.about()["margin"], over_limit(driver.study))


def _again(setting: Setting, driver: Driver, rows: Sequence[Row], indices: Iterable[int]) -> Iterator[Run | Move]:
    recipes = {row.number: Recipe.from_yaml(row.recipe) for row in rows}
    for index in indices:
        seed = fresh_seed(setting.seed, Phase.CONFIRM, index)
        for number, recipe in recipes.items():
            yield Run(Phase.CONFIRM, recipe, seed, str(number))
    while driver.running(Phase.CONFIRM):
        yield Move.WAIT
