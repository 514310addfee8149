"""The mean of one effect over several studies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from autocls.verdict.verdict import Effect

SURE = 1e-4
"""No study knows an effect better than to a hundredth of a point: runs that all agree would outweigh all others."""


@dataclass(frozen=True)
class Pooled:
    """A mean effect over studies, in score units (0.01 is a point)."""

    mean: float
    """NaN with fewer than two studies, likewise the others."""
    low: float
    """Of the 95 % interval, likewise ``high``."""
    high: float
    tau: float
    """Standard deviation of the true effect from study to study."""
    studies: int
    """How many have an interval, and so a part in the mean."""


def pool(effects: Sequence[Effect]) -> Pooled:
    """The random-effects mean (DerSimonian & Laird 1986) with the interval of Hartung & Knapp (2001).

    DerSimonian and Laird's own interval is too sure of itself where studies are few, as they are here. Studies that
    agree by chance don't narrow it (Röver et al. 2015).
    """
    known = [e for e in effects if not math.isnan(e.low)]
    if len(known) < 2:
        return Pooled(math.nan, math.nan, math.nan, math.nan, len(known))
    means = np.array([e.mean for e in known])
    errors = np.array([max((e.high - e.low) / 2 / stats.t.ppf(0.975, e.n - 1), SURE) for e in known])
    weights, free = errors**-2, len(known) - 1
    spread = float(weights @ (means - np.average(means, weights=weights)) ** 2)
    tau2 = max(0.0, (spread - free) / float(weights.sum() - (weights**2).sum() / weights.sum()))
    weights = 1 / (errors**2 + tau2)
    mean = float(np.average(means, weights=weights))
    excess = max(1.0, float(weights @ (means - mean) ** 2) / free)
    half = float(stats.t.ppf(0.975, free)) * math.sqrt(excess / float(weights.sum()))
    return Pooled(mean, mean - half, mean + half, math.sqrt(tau2), len(known))
