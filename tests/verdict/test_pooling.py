"""The mean of an effect over studies."""

import math

import pytest
from scipy import stats

from autocls.verdict.pooling import SURE, pool
from autocls.verdict.verdict import Effect


def effect(mean: float, error: float, n: int) -> Effect:
    """An effect with this standard error."""
    half = error * stats.t.ppf(0.975, n - 1) if n > 1 else math.nan
    return Effect(mean, mean - half, mean + half, n, 1.0, 1.0)


def test_it_is_what_statsmodels_gives() -> None:
    """``combine_effects(…, method_re="dl", use_t=True)`` of statsmodels 0.15.0, its row "random effect wls"."""
    four = [effect(0.014, 0.004, 8), effect(0.002, 0.003, 5), effect(0.021, 0.006, 10), effect(-0.001, 0.002, 8)]
    pooled = pool(four)
    assert (pooled.mean, pooled.low, pooled.high) == pytest.approx((0.007815, -0.008108, 0.023738), abs=1e-6)
    assert pooled.tau == pytest.approx(0.00801067, abs=1e-8)
    assert pooled.studies == 4


def test_one_study_has_no_mean_over_studies() -> None:
    pooled = pool([effect(0.014, 0.004, 8), effect(0.02, 0.0, 1)])
    assert pooled.studies == 1
    assert all(map(math.isnan, (pooled.mean, pooled.low, pooled.high, pooled.tau)))


def test_studies_that_agree_by_chance_are_not_surer_than_their_seeds() -> None:
    pooled = pool([effect(0.01, 0.003, 8)] * 3)
    assert pooled.tau == 0
    assert pooled.high - 0.01 == pytest.approx(stats.t.ppf(0.975, 2) * 0.003 / math.sqrt(3))


def test_a_study_whose_runs_all_agree_does_not_outweigh_all_others() -> None:
    pooled = pool([effect(0.0, 0.0, 5), effect(SURE, SURE, 5)])
    assert pooled.mean == pytest.approx(SURE / 2)
    assert pooled.low < 0 < pooled.high
