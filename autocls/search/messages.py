"""What a programme, its driver and the workers say to each other."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Self

from autocls.domains import Domain, Value
from autocls.recipe import Recipe
from autocls.training.footprint import NO_LIMITS, Footprint, Limits
from autocls.verdict.verdict import Phase


@dataclass(frozen=True)
class Run:
    """A run that a programme designed."""

    phase: Phase
    recipe: Recipe
    seed: int
    role: str
    """Which of its phase's runs it is: of a candidate (its trial's number), an arm, or a pair."""
    parameters: Mapping[str, tuple[Domain, Value]] = field(default_factory=dict)
    """What the sampler is to learn from it, by name: the domain and the value."""


class Move(Enum):
    """What a programme wants, other than a run of its own."""

    SEARCH = auto()
    """Whatever the sampler finds."""
    WAIT = auto()
    """Nothing before something that runs has ended."""


@dataclass(frozen=True)
class Asked:
    """A trial that was asked for: its number in the study, what to train and with which seed, and what for."""

    number: int
    recipe: Recipe
    seed: int
    phase: Phase
    tries: int = 0
    """That its workers or their machines have ended so far."""


@dataclass(frozen=True)
class Job:
    """One trial's work: its number in the study, what to train, and the score from which on its weights are wanted."""

    number: int
    recipe: Recipe = field(repr=False)  # Tune names a trial after what it is given
    seed: int
    best: float
    limits: Limits = NO_LIMITS
    """What its network may cost."""

    def __deepcopy__(self, copied: dict[int, Any]) -> Self:
        """Itself, as nothing in it changes: Tune copies what a trial is given twice, and keeps both."""
        return self


@dataclass(frozen=True)
class Epoch:
    """What a worker says after an epoch, or of the failure that ended its trial.

    One that goes on from a checkpoint says the epochs before it again.
    """

    epoch: int
    score: float
    seconds: float
    worker: str = ""
    """Which says it, as ``host:pid``."""
    footprint: Footprint | None = None
    numerics: str = ""
    """What the network computed with, as ``float32, channels last``; empty for a trial that trains none."""
    weights: bytes = b""
    """With the trial's last epoch those of its best, as safetensors has them; empty if it isn't the search's best so
    far."""
    failure: str = ""
    passing: bool = False
    """Whether the failure may be the machine's, so that another try may go well."""
    unfit: bool = False
    """Whether the failure is that its machine can't read the images, as it then can't for the next trial."""
    traceback: str = ""
    """Of a failure that nobody expected."""
    over_limit: bool = False
    """Whether the failure is that the network costs more than is allowed."""


@dataclass(frozen=True)
class Ended:
    """What is kept of a trial that ended, besides its scores."""

    seconds: float = 0.0
    """That its epochs took."""
    begun: float = math.nan
    """Seconds after the search's start at which a worker took it; NaN when none did."""
    worker: str = ""
    footprint: Footprint | None = None
    numerics: str = ""
    reason: str = ""
    """Why it failed, or ended before the pruner or its last epoch ended it."""
    traceback: str = ""
