"""What the stages of a study know, and how they part its budget."""

import math
from dataclasses import dataclass
from functools import partial

from autocls.data import Prepared
from autocls.search.driver import Driver
from autocls.search.fitting import Misfits, no_misfits
from autocls.search.record import Row
from autocls.space import Space
from autocls.training.network import misfits
from autocls.verdict.verdict import Phase

DESIGNED = 0.40
"""The most of the budget that screening, confirmation and attribution take together."""
SCREENED = 0.12
"""The most of it that the screening takes by itself."""
LENIENT = 1.25
"""A screening that has begun may take so many times as much."""
SLACK = 0.9
"""Of the runs that seem to fit into the time, so many are planned: they differ in length, and end one by one."""
TYPICAL = 0.5
"""The part of its epochs that a trial of a search takes in the mean, most being stopped early; to judge ahead with."""


@dataclass(frozen=True)
class Plan:
    """What a verdict is to rest on."""

    confirm: int = 3
    """The best recipes of the search that are run again; 0 for no verdict."""
    seeds: int = 5
    """Fresh seeds for each, before close calls get as many again."""
    screen: bool | None = None
    """Whether to screen; None where the budget allows."""


@dataclass(frozen=True)
class Setting:
    """What all the stages of a study know."""

    space: Space
    plan: Plan
    seed: int
    misfits: Misfits
    at_once: int
    """How many trials run at the same time."""

    def too_dear(self, driver: Driver, runs: int, epochs: int, baseline: Row) -> str:
        """Why the budget doesn't allow a screening of so many runs with so many epochs; empty when it does."""
        budget, needed = driver.snapshot.budget, f"its {runs} runs of {epochs} epoch{'s' * (epochs > 1)}"
        if budget.seconds is not None:
            seconds = runs * epochs * baseline.seconds / max(1, baseline.epochs) / self.at_once
            if seconds > SCREENED * budget.seconds:
                return f"{needed} would take about {seconds:.0f} s, more than {100 * SCREENED:.0f} % of the time"
        if budget.trials is not None:
            whole = budget.trials * self.space.most_epochs() * TYPICAL / (1 - DESIGNED)
            if runs * epochs > SCREENED * whole:
                return f"{needed} are more than {100 * SCREENED:.0f} % of what {budget.trials} trials come to"
        return ""

    def overspends(self, driver: Driver, runs: int) -> bool:
        """Whether so many screening runs will take more than their part of the time, as those that ended show."""
        budget, ended = driver.snapshot.budget, [row.seconds for row in driver.ended(Phase.SCREEN)]
        if budget.seconds is None or not ended:
            return False
        return runs * sum(ended) / len(ended) / self.at_once > LENIENT * SCREENED * budget.seconds

    def search_ends(self, driver: Driver) -> float:
        """The seconds after the start at which the search leaves the rest to the verdict."""
        seconds = driver.snapshot.budget.seconds
        if seconds is None:
            return math.inf
        return (1 - DESIGNED) * seconds + sum(row.seconds for row in driver.ended(Phase.SCREEN)) / self.at_once

    def room(self, driver: Driver, run: Row) -> int:
        """How many runs like one the budget still has for the verdict."""
        budget, rooms = driver.snapshot.budget, []
        if budget.seconds is not None:
            left = budget.seconds - driver.seconds()
            rooms.append(SLACK * left * self.at_once / max(run.seconds, 1e-9))
        if budget.trials is not None:
            epochs = {phase: sum(row.epochs for row in driver.ended(phase)) for phase in Phase}
            searched = epochs.pop(Phase.SEARCH)
            rooms.append((searched * DESIGNED / (1 - DESIGNED) - sum(epochs.values())) / run.planned)
        return max(0, int(min(rooms, default=math.inf)))


def misfits_on(prepared: Prepared | None) -> Misfits:
    """What finds the choices of a recipe that have no place in it on these data; simulated trials have none."""
    if prepared is None:
        return no_misfits
    import torch._dynamo  # noqa: F401  # the meta device imports it, which takes a second: now, while Ray comes up

    images = tuple(prepared.counts["train"].values())
    return partial(misfits, classes=len(prepared.classes), channels=prepared.channels, images=images)
