"""How a search stands, for whoever watches it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from autocls.recipe import Recipe
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


Watch = Callable[[Snapshot], None]
