"""What the driver and its workers say to each other."""

from dataclasses import dataclass

from autocls.recipe import Recipe


@dataclass(frozen=True)
class Job:
    """One trial's work: its number in the study, what to train, and the score from which on its weights are wanted."""

    number: int
    recipe: Recipe
    seed: int
    best: float


@dataclass(frozen=True)
class Epoch:
    """What a worker says after an epoch, or of the failure that ended its trial."""

    epoch: int
    score: float
    seconds: float
    parameters: int | None = None
    numerics: str = ""
    """What the network computed with, as ``float32, channels last``; empty for a trial that trains none."""
    weights: str = ""
    """The folder that its weights come to lie in, at the latest before the trial's last epoch is told; empty unless it
    was the search's best so far."""
    failure: str = ""
