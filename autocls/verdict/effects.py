"""Effects between runs that are paired by seed, and how sure they are: pure functions over scores in 0..1."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from autocls.verdict.verdict import Effect, Mean, Share

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
"""Of every interval that is shown."""
ALPHA = 0.05
"""The chance that any of the words ``helps`` and ``hurts`` is wrong, over all tricks and all looks."""
LOOKS = (5, 10)
"""The numbers of seeds after which tricks are judged, unless there are more."""


def alpha_at(look: int) -> float:
    """The part of ``ALPHA`` that the look, counted from 1, may spend: 0.01, 0.03, then half of what is left each time.

    Little at the first look, where five seeds see only the plainest effects; most at the second, the last that is
    planned; and never more than ``ALPHA`` in all, however many follow. ValueError for a look below 1.
    """
    if look < 1:
        raise ValueError(f"looks are counted from 1, so there is no look {look}")
    return {1: 0.01, 2: 0.03}.get(look, 0.01 * 0.5 ** (look - 2))


def margin(score: float) -> float:
    """The difference that is called none where the user names none: a tenth of the error that a score in 0..1 leaves.

    At least 0.001 and at most 0.005: 0.1 to 0.5 points.
    """
    return float(np.clip((1 - score) / 10, 0.001, 0.005))


def holm(p: Sequence[float] | Floats) -> list[float]:
    """P values adjusted for all of them, in the order given: an adjusted p ≤ α rejects at a family-wise α.

    The i-th smallest of m is multiplied by m - i + 1, made no smaller than the one before and cut at 1 (Holm 1979, A
    simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6).
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
    return [float(each) for each in adjusted]


def paired(differences: Sequence[float] | Floats) -> Effect:
    """The mean of differences of scores, one a seed, with its 95 % t interval, t test and sign-flip test.

    NaN, a pair with a failed side, is dropped. Differences that are all the same give an interval of width 0, and a p
    of 1 if they are zeros, else of 0.
    """
    finished = _finished(differences)
    low, high = t_interval(finished, LEVEL)
    return Effect(_center(finished), low, high, len(finished), t_test(finished), sign_flip(finished))


def mean(scores: Sequence[float] | Floats) -> Mean:
    """The mean of scores, one a seed, with its 95 % t interval and the standard deviation between runs; drops NaN."""
    finished = _finished(scores)
    low, high = t_interval(finished, LEVEL)
    spread = float(finished.std(ddof=1)) if len(finished) > 1 else np.nan
    return Mean(_center(finished), low, high, len(finished), spread)


def outperforms(a: Sequence[float] | Floats, b: Sequence[float] | Floats) -> Share:
    """The probability that a run of A scores above one of B with the same seed; a tie is half a win.

    Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks (arXiv:2103.03098), but with the
    interval of Clopper & Pearson 1934: their percentile bootstrap is [1, 1] after five wins in five, and holds a true
    0.8 in 67 % of such fives, this one in 99 %. A pair with a NaN is dropped; without pairs all is NaN.
    """
    difference = _finished(np.asarray(a, dtype=float) - np.asarray(b, dtype=float))
    n = len(difference)
    if n == 0:
        return Share(np.nan, np.nan, np.nan)
    wins = float(np.sum(difference > 0) + np.sum(difference == 0) / 2)
    tail = (1 - LEVEL) / 2
    low = float(stats.beta.ppf(tail, wins, n - wins + 1)) if wins > 0 else 0.0
    high = float(stats.beta.ppf(1 - tail, wins + 1, n - wins)) if wins < n else 1.0
    return Share(wins / n, low, high)


def t_test(differences: Floats) -> float:
    """The two-sided p of the one-sample t test that the mean is 0; 1 with fewer than two differences."""
    error = standard_error(differences)
    if np.isnan(error):
        return 1.0
    if error == 0:
        return 0.0 if differences[0] else 1.0
    return float(2 * stats.t.sf(abs(differences.mean()) / error, len(differences) - 1))


def t_interval(values: Floats, level: float) -> tuple[float, float]:
    """The t interval of the mean at a level in 0..1; NaN with fewer than two values, of width 0 if all are the same."""
    error = standard_error(values)
    if np.isnan(error):
        return np.nan, np.nan
    half = error * float(stats.t.ppf((1 + level) / 2, len(values) - 1))
    center = _center(values)
    return center - half, center + half


def standard_error(values: Floats) -> float:
    """Of their mean; NaN with fewer than two values, and exactly 0 if all are the same."""
    if len(values) < 2:
        return np.nan
    return 0.0 if np.ptp(values) == 0 else float(values.std(ddof=1) / np.sqrt(len(values)))


def sign_flip(differences: Floats) -> float:
    """The two-sided sign-flip test: the share of all 2^n ways to set signs whose sum is as far from 0 as this one.

    Exact up to 40 differences, in 2^(n/2) steps: every sum is one of the first half and one of the second. Beyond that
    the normal approximation. 1 without differences.
    """
    n, reach = len(differences), abs(float(differences.sum()))
    if n > 40:
        size = float(np.sqrt(np.sum(differences**2)))
        return float(2 * stats.norm.sf(reach / size)) if size else 1.0
    first, second = _signed_sums(differences[: n // 2]), np.sort(_signed_sums(differences[n // 2 :]))
    # Sums that are equal on paper differ in their last bits.
    as_far = len(second) * len(first) - int(np.searchsorted(second, reach - 1e-12 - first).sum())
    return min(1.0, as_far * 0.5 ** (n - 1))


def _signed_sums(values: Floats) -> Floats:
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _finished(values: Sequence[float] | Floats) -> Floats:
    """Without NaN, and without the noise of subtraction: 0.9 - 0.8 and 0.8 - 0.7 are one difference."""
    array = np.asarray(values, dtype=float)
    finished: Floats = np.round(array[~np.isnan(array)], 12)
    return finished


def _center(values: Floats) -> float:
    return float(values.mean()) if len(values) else np.nan
