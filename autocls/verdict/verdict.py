"""The verdict: what a study may honestly claim. This is what ``verdict.json`` holds; docs/verdict.md is its schema."""

from dataclasses import dataclass
from enum import StrEnum

SCHEMA = 1
"""Of ``verdict.json``; another number is another meaning of its fields."""


class Word(StrEnum):
    """What is said of a trick."""

    HELPS = "helps"
    HURTS = "hurts"
    NO_DIFFERENCE = "no difference"
    UNDETERMINED = "undetermined"


class Phase(StrEnum):
    """What a trial was run for."""

    SCREEN = "screen"
    SEARCH = "search"
    CONFIRM = "confirm"
    ATTRIBUTE = "attribute"


@dataclass(frozen=True)
class Effect:
    """A mean difference of scores over runs that are paired by seed, in score units (0.01 is a point)."""

    mean: float
    """NaN when no pair was run."""
    low: float
    """Of the 95 % t interval, likewise ``high``; NaN with fewer than two pairs."""
    high: float
    n: int
    """Pairs."""
    p: float
    """Two-sided t test that the mean is 0; 1 with fewer than two pairs."""
    sign_flip: float
    """The same asked of the signs alone: the exact two-sided sign-flip test, at least 2^(1-n)."""


@dataclass(frozen=True)
class Mean:
    """A mean score over runs with fresh seeds, in 0..1."""

    mean: float
    low: float
    """Of the 95 % t interval, likewise ``high``; NaN with fewer than two runs."""
    high: float
    n: int
    sd: float
    """Standard deviation between runs; NaN with fewer than two."""


@dataclass(frozen=True)
class Share:
    """A probability with an interval that holds it at least 95 % of the time; NaN when no pair was run."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Candidate:
    """A recipe that was run again on fresh seeds."""

    trial: int
    """Its number in the search."""
    search_score: float
    """What the search found: the best of many, so optimistic."""
    confirmed: Mean
    failed: int
    """Runs that failed."""
    from_best: Effect
    """Its difference from the candidate with the best mean; of that one itself, zeros."""
    beats_baseline: Share | None
    """The probability that a run of it beats one of the baseline with the same seed.

    None for the baseline, and where the two finished no seed both.
    """
    tied: bool
    """Whether these runs can't tell it from the best, by the interval of ``from_best``; the best itself is."""
    seconds: float
    """Median training time of a run."""
    parameters: int | None
    recommended: bool


@dataclass(frozen=True)
class Trick:
    """A choice of the winner, judged by training the winner without it (or one put into it)."""

    slot: str
    choice: str
    """As the recipe with it has it: ``mixup(alpha=0.2)``."""
    instead: str
    """What the other recipe has in its place: the baseline's choice, for a trick that the winner uses."""
    active: bool
    """Whether the winner uses it; otherwise it was put in to see whether it would have helped."""
    word: Word
    effect: Effect
    """Score with the trick minus score without it."""
    p_holm: float
    """Adjusted for all tricks that were tried (Holm 1979), at the look that decided, or else the last one passed.

    Of that look's pairs, so it needn't be ``effect.p`` times anything; and compared with that look's part of ``alpha``.
    """
    failed: int
    """Pairs that ``effect`` lacks since a run of either recipe failed."""


@dataclass(frozen=True)
class Screened:
    """A choice as the screening runs saw it: over all the others, after few epochs. A hint, no claim."""

    slot: str
    choice: str
    effect: float
    """Score with it minus score with the neutral choice, in score units; NaN where the runs can't tell."""
    low: float
    """Of the 95 % t interval, likewise ``high``; infinite where nothing shows the noise."""
    high: float
    n: int
    """Runs with it."""
    p: float
    """Two-sided t test that the effect is 0; 1 where the runs can't tell."""


@dataclass(frozen=True)
class Interaction:
    """Two tricks of the winner in a 2×2: each cell is a mean score, the winner has both."""

    first: str
    """A slot, likewise ``second``."""
    second: str
    both: float
    only_first: float
    only_second: float
    neither: float
    effect: Effect
    """both - only_first - only_second + neither: 0 when the tricks add up."""
    p_holm: float


@dataclass(frozen=True)
class Step:
    """A row of the ablation path, from the baseline to the winner, one trick more at each."""

    slot: str
    """The trick that came in; empty for the baseline."""
    choice: str
    score: Mean
    gain: Effect | None
    """Over the row before; None for the baseline."""


@dataclass(frozen=True)
class Spent:
    """What a phase took."""

    phase: Phase
    runs: int
    epochs: int
    share: float
    """Of the whole study's epochs, in 0..1."""


@dataclass(frozen=True)
class Opening:
    """The sealed test part as it was opened, for the winner and the baseline only."""

    images: int
    winner: float
    baseline: float | None
    """None when the baseline was not completed."""
    times: int
    """How often it was opened in this study: more than once, and it is no longer sealed."""


@dataclass(frozen=True)
class Verdict:
    """What a study may claim. Every score is the metric in 0..1; intervals are 95 % and each stands alone."""

    schema: int
    metric: str
    baseline: int
    """A trial's number, likewise ``winner``."""
    winner: int
    margin: float
    """A trick whose interval lies within ± this is called no difference."""
    alpha: float
    """The chance that any of the tricks' words ``helps`` and ``hurts`` is wrong, over all looks."""
    looks: tuple[int, ...]
    """The numbers of seeds after which tricks were judged, as fixed beforehand."""
    spent: tuple[Spent, ...]
    candidates: tuple[Candidate, ...]
    """Best mean first, the baseline among them; empty when nothing was confirmed."""
    confirmed: Mean
    """The winner on seeds that took no part in choosing it."""
    optimism: float
    """The winner's search score minus its confirmed mean; NaN when it was not confirmed."""
    gain: Effect
    """Winner minus baseline on those seeds."""
    tricks: tuple[Trick, ...]
    """By effect, largest first."""
    screened: tuple[Screened, ...]
    """Those whose effect the screening runs can tell from the others'."""
    interactions: tuple[Interaction, ...]
    path: tuple[Step, ...]
    test: Opening | None
    """None when it was not opened."""
    notes: tuple[str, ...]
    """What was not done, and why."""
    paragraph: str
    """The verdict in words."""
