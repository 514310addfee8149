"""Trials that went wrong through no fault known to be their own: how often each is tried, and what no more."""

import math
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from autocls.recipe import Recipe
from autocls.search.messages import Asked

TRIES = 3
"""Of a trial whose worker, node or memory fails; then it is the recipe that fails."""
PAUSE = 5.0
"""Seconds before such a trial is tried again, should there be anything else to do: what was wrong may have passed."""


class Retries:
    """The trials that a worker has to take up once more, first the ``unfinished`` ones of an earlier process."""

    def __init__(self, unfinished: Iterable[Asked]) -> None:
        self._waiting = deque((-math.inf, asked) for asked in unfinished)
        """Each with the time from when on; monotonic."""
        self._culprits: dict[Recipe, int] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def due(self) -> bool:
        """Whether a trial is to be tried again by now."""
        return bool(self._waiting) and self._waiting[0][0] <= time.monotonic()

    def take(self) -> Asked:
        """The trial that is due."""
        return self._waiting.popleft()[1]

    def again(self, asked: Asked) -> Asked | None:
        """A trial that went wrong as it will be tried again; None after too many tries."""
        once_more = replace(asked, tries=asked.tries + 1)
        if once_more.tries >= TRIES:
            return None
        self._waiting.append((time.monotonic() + PAUSE, once_more))
        return once_more

    def quarantine(self, asked: Asked) -> None:
        """Keep in mind that a trial's recipe ended its worker in each try."""
        self._culprits[asked.recipe] = asked.number

    def culprit(self, recipe: Recipe) -> int | None:
        """The trial whose workers this recipe ended, each time; None of a recipe that did not."""
        return self._culprits.get(recipe)
