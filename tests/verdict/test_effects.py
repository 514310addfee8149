"""Effects, their intervals and tests, against scipy and statsmodels, worked examples and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from autocls.verdict.effects import (
    ALPHA,
    alpha_at,
    holm,
    margin,
    mean,
    outperforms,
    paired,
    sign_flip,
    t_interval,
    t_test,
)

SCORES = st.lists(st.integers(0, 10_000).map(lambda step: step / 10_000), min_size=2, max_size=12)
PROBABILITIES = st.lists(st.floats(0, 1), max_size=12)


@given(SCORES, st.randoms(use_true_random=False))
def test_a_paired_effect_is_that_of_scipy(a: list[float], random) -> None:
    b = random.sample(a, len(a))
    difference = np.round(np.subtract(a, b), 12)
    if np.ptp(difference) == 0:
        return
    effect, expected = paired(difference), stats.ttest_rel(a, b)
    assert effect.n == len(a)
    assert effect.mean == pytest.approx(difference.mean(), abs=1e-12)
    assert effect.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-9)
    assert (effect.low, effect.high) == pytest.approx(tuple(expected.confidence_interval()), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-30, 30), min_size=2, max_size=9))
def test_the_sign_flip_test_is_the_permutation_test_of_scipy(differences: list[int]) -> None:
    values = np.array(differences, dtype=float)  # whole: scipy takes sums that differ in their last bits for different
    expected = stats.permutation_test((values,), np.sum, permutation_type="samples", n_resamples=10_000)
    assert sign_flip(values) == pytest.approx(expected.pvalue)
    assert sign_flip(values / 1000) == pytest.approx(expected.pvalue)


def test_the_sign_flip_test_counts_to_forty_and_approximates_beyond() -> None:
    assert sign_flip(np.full(20, 0.01)) == 2.0**-19
    draws = np.random.default_rng(1).normal(0.4, 1, 42)
    assert sign_flip(draws) == pytest.approx(sign_flip(draws[:40]), abs=0.05)
    assert sign_flip(np.zeros(50)) == 1
    assert sign_flip(np.full(5, 0.01)) == 2**-4


def test_a_pair_with_a_failed_side_is_dropped() -> None:
    assert paired([0.01, math.nan, 0.03, 0.02]) == paired([0.01, 0.03, 0.02])


def test_few_pairs_say_little() -> None:
    none, one = paired([]), paired([0.02])
    assert math.isnan(none.mean)
    assert (none.n, none.p, none.sign_flip) == (0, 1, 1)
    assert (one.mean, one.n, one.p, one.sign_flip) == (0.02, 1, 1, 1)
    assert math.isnan(one.low)
    assert math.isnan(one.high)


def test_differences_that_are_all_the_same_have_an_interval_without_width() -> None:
    same = paired([0.9 - 0.8, 0.8 - 0.7, 0.4 - 0.3])
    assert (same.low, same.mean, same.high, same.p) == (pytest.approx(0.1), pytest.approx(0.1), same.low, 0)
    zero = paired([0.0] * 5)
    assert (zero.low, zero.mean, zero.high, zero.p, zero.sign_flip) == (0, 0, 0, 1, 1)


def test_a_mean_has_its_spread() -> None:
    scores = [0.91, 0.93, 0.92, math.nan, 0.95]
    found, expected = mean(scores), DescrStatsW([0.91, 0.93, 0.92, 0.95])
    assert found.n == 4
    assert found.sd == pytest.approx(expected.std_ddof(1))
    assert (found.low, found.high) == pytest.approx(expected.tconfint_mean())
    assert math.isnan(mean([0.9]).sd)
    assert math.isnan(mean([]).mean)


def test_an_interval_within_the_margin_is_the_two_one_sided_tests() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        values = rng.normal(0.0005, 0.001, 8)
        p = DescrStatsW(values).ttost_mean(-0.001, 0.001)[0]
        low, high = t_interval(values, 1 - 2 * 0.03)
        assert (p <= 0.03) == (low >= -0.001 and high <= 0.001)


@settings(max_examples=10, deadline=None)  # Each takes statsmodels 0.1 s.
@given(PROBABILITIES)
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    expected = multipletests(p, method="holm")[1].tolist() if p else []
    assert holm(p) == pytest.approx(expected)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_who_outperforms_whom() -> None:
    share = outperforms([0.9, 0.9, 0.9, 0.9, math.nan], [0.8, 0.8, 0.9, 1.0, 0.1])
    assert share.value == 2.5 / 4
    assert share.low < share.value < share.high
    assert math.isnan(outperforms([], []).value)


@given(st.integers(1, 15), st.integers(0, 15))
def test_without_ties_its_interval_is_the_exact_one(n: int, wins: int) -> None:
    wins = min(wins, n)
    share = outperforms([1.0] * wins + [0.0] * (n - wins), [0.5] * n)
    expected = stats.binomtest(wins, n).proportion_ci(method="exact")
    assert (share.low, share.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("n", [5, 8, 10])
@pytest.mark.parametrize("truth", [0.5, 0.8, 0.95])
def test_its_interval_holds_the_truth_at_least_95_percent_of_the_time(n: int, truth: float) -> None:
    shares = [outperforms([1.0] * wins + [0.0] * (n - wins), [0.5] * n) for wins in range(n + 1)]
    weights = stats.binom.pmf(np.arange(n + 1), n, truth)
    covered = sum(weight for share, weight in zip(shares, weights, strict=True) if share.low <= truth <= share.high)
    assert covered >= 0.95


@pytest.mark.parametrize("n", [5, 10])
def test_intervals_hold_the_truth_95_percent_of_the_time(n: int) -> None:
    draws = np.random.default_rng(5).normal(0.01, 0.004, (4000, n))
    covered = [low <= 0.01 <= high for low, high in (t_interval(row, 0.95) for row in draws)]
    assert 0.94 <= np.mean(covered) <= 0.96


def test_the_t_test_is_level() -> None:
    draws = np.random.default_rng(6).normal(0, 0.004, (4000, 5))
    assert 0.04 <= np.mean([t_test(row) <= 0.05 for row in draws]) <= 0.06


def test_looks_never_spend_more_than_alpha() -> None:
    spent = np.cumsum([alpha_at(look) for look in range(1, 40)])
    assert spent[:4] == pytest.approx([0.01, 0.04, 0.045, 0.0475])
    assert np.all(np.diff(spent) > 0)
    assert spent[-1] <= ALPHA
    with pytest.raises(ValueError, match="counted from 1"):
        alpha_at(0)


def test_the_margin_is_a_tenth_of_the_remaining_error_within_bounds() -> None:
    assert margin(0.97) == pytest.approx(0.003)
    assert margin(0.995) == 0.001
    assert margin(0.5) == 0.005
