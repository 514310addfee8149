"""A screening plan is balanced and clear of interactions, and its effects are those of least squares."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from autocls.verdict.screening import best_looking, design, dropped, estimate, lenth, suspects
from autocls.verdict.verdict import Screened

FACTORS = st.lists(st.integers(1, 4), min_size=1, max_size=24).map(
    lambda widths: {f"s{i}": ["off", *(f"c{j}" for j in range(width))] for i, width in enumerate(widths)}
)
ON_OFF = {f"s{i}": ["off", "on"] for i in range(6)}
MIXED = {"a": ["off", "on"], "b": ["off", "on"], "mix": ["off", "mixup", "ricap", "cutmix"], "d": ["off", "on"]}


def neutral(factors: dict[str, list[str]]) -> dict[str, str]:
    return {slot: choices[0] for slot, choices in factors.items()}


def scored(runs: pd.DataFrame, score: Callable[[pd.Series], float], sd: float = 0.0, seed: int = 0) -> pd.DataFrame:
    """The runs with what a run of these choices scores, what its pair's hyperparameters do, and noise."""
    rng = np.random.default_rng(seed)
    pairs = rng.normal(0, 0.02, len(runs))[runs["pair"]]
    return runs.assign(score=0.8 + runs.apply(score, axis=1) + pairs + rng.normal(0, sd, len(runs)))


def effects(screened: tuple[Screened, ...]) -> dict[tuple[str, str], float]:
    return {(each.slot, each.choice): each.effect for each in screened}


@settings(max_examples=40, deadline=None)
@given(FACTORS, st.integers(0, 1000))
def test_a_design_is_balanced(factors: dict[str, list[str]], seed: int) -> None:
    runs = design(factors, seed)
    pairs = len(runs) // 2
    widest = max(len(choices) - 1 for choices in factors.values())
    assert pairs >= len(factors) - 1 + widest + 4
    assert runs["pair"].tolist() == [pair for pair in range(pairs) for _ in (0, 1)]
    assert runs["fold"].tolist() == [0, 1] * pairs
    signs = np.where(runs[[*factors]] == pd.Series(neutral(factors)), -1, 1)
    assert (signs[::2] == -signs[1::2]).all(), "a run and its mirror"
    assert (signs[::2].T @ signs[::2] == pairs * np.eye(len(factors))).all(), "slots are orthogonal"
    for slot, (_, *others) in factors.items():
        turns = runs[slot].value_counts().reindex(others)
        assert turns.sum() == pairs
        assert turns.max() - turns.min() <= 1


def test_a_design_is_the_same_for_the_same_seed() -> None:
    pd.testing.assert_frame_equal(design(MIXED, 3), design(MIXED, 3))
    assert not design(MIXED, 3).equals(design(MIXED, 4))


def test_there_must_be_something_to_screen() -> None:
    with pytest.raises(ValueError, match="norm: nothing to screen"):
        design({"norm": ["none"]}, 0)
    with pytest.raises(ValueError, match="no slots"):
        design({}, 0)


@pytest.mark.parametrize("seed", range(5))
def test_interactions_leave_main_effects_alone(seed: int) -> None:
    def score(run: pd.Series) -> float:
        on = (run != "off") * 2 - 1
        return (
            0.01 * (run["s0"] == "on")
            - 0.02 * (run["s1"] == "on")
            + 0.03 * on["s2"] * on["s3"]
            + 0.02 * on["s0"] * on["s4"]
        )

    found = effects(estimate(scored(design(ON_OFF, seed), score), neutral(ON_OFF)))
    planted = {f"s{i}": 0.0 for i in range(6)} | {"s0": 0.01, "s1": -0.02}
    assert found == {(slot, "on"): pytest.approx(effect, abs=1e-12) for slot, effect in planted.items()}


def test_every_choice_of_a_slot_has_its_effect() -> None:
    runs = scored(
        design(MIXED, 1), lambda run: {"ricap": 0.02, "mixup": -0.01}.get(run["mix"], 0) + 0.005 * (run["a"] == "on")
    )
    found = estimate(runs, neutral(MIXED))
    assert [(each.slot, each.choice) for each in found][:2] == [("mix", "ricap"), ("a", "on")]
    assert effects(found)["mix", "mixup"] == pytest.approx(-0.01)
    assert effects(found)["mix", "cutmix"] == pytest.approx(0)
    assert sum(each.n for each in found if each.slot == "mix") == len(runs) / 2
    assert best_looking(found)["mix"] == "ricap"


def test_estimates_are_least_squares_with_pair_blocks() -> None:
    runs = scored(design(ON_OFF, 2), lambda run: 0.01 * (run["s0"] == "on"), sd=0.005)
    runs.loc[3, "s1"] = "off"
    blocks = pd.get_dummies(runs["pair"]).astype(float)
    table = pd.concat([(runs[[*ON_OFF]] == "on").astype(float), blocks], axis=1)
    model = sm.OLS(runs["score"], table).fit()
    bounds = model.conf_int()
    for each in estimate(runs, neutral(ON_OFF)):
        assert each.effect == pytest.approx(model.params[each.slot])
        assert (each.low, each.high) == pytest.approx(tuple(bounds.loc[each.slot]))
        assert each.p == pytest.approx(model.pvalues[each.slot])


@pytest.mark.parametrize("factors", [ON_OFF, MIXED | {f"m{i}": ["off", "x", "y", "z"] for i in range(5)}])
def test_intervals_hold_the_planted_effects(factors: dict[str, list[str]]) -> None:
    """Also where the choices are too many for one fit, and differ."""
    planted = {("mix", "ricap"): 0.01, ("mix", "mixup"): -0.005, ("m0", "x"): 0.004}
    inside = []
    for seed in range(100):
        runs = design(factors, seed)
        runs = scored(runs, lambda run: sum(planted.get(each, 0) for each in run.items()), sd=0.004, seed=5000 + seed)
        inside += [
            each.low <= planted.get((each.slot, each.choice), 0) <= each.high
            for each in estimate(runs, neutral(factors))
        ]
    assert 0.93 <= np.mean(inside) <= 0.97


def test_few_degrees_of_freedom_fall_back_on_lenth() -> None:
    factors = {f"s{i}": ["off", "on"] for i in range(8)}
    runs = scored(design(factors, 0), lambda run: 0.03 * (run["s0"] == "on"), sd=0.002)
    short = runs[runs["pair"] < 9]
    found = {each.slot: each for each in estimate(short, neutral(factors))}
    assert len(found) == 8
    assert all(np.isfinite(each.low) for each in found.values())
    assert found["s0"].effect == pytest.approx(0.03, abs=0.01)
    assert found["s0"].low > 0


def test_what_the_runs_cannot_tell_is_said_to_be_so() -> None:
    factors = {f"s{i}": ["off", "on"] for i in range(8)}
    runs = scored(design(factors, 0), lambda run: 0.03 * (run["s0"] == "on"), sd=0.002)
    runs["s2"] = runs["s1"]
    found = {each.slot: each for each in estimate(runs, neutral(factors))}
    for slot in ("s1", "s2"):
        assert math.isnan(found[slot].effect)
        assert (found[slot].low, found[slot].high, found[slot].p) == (-math.inf, math.inf, 1)
    assert found["s0"].low > 0.02
    one_pair = estimate(runs[runs["pair"] == 0], neutral(factors))
    assert all(each.p == 1 for each in one_pair)
    assert best_looking(one_pair) == {}
    alone = estimate(runs[runs["fold"] == 0], neutral(factors))
    assert all(math.isnan(each.effect) for each in alone), "without mirrors there is nothing to compare with"
    off = estimate(runs.assign(s3="off"), neutral(factors))
    assert "s3" not in {each.slot for each in off}


def test_nothing_to_estimate() -> None:
    assert estimate(pd.DataFrame(), {"a": "off"}) == ()
    assert suspects(pd.DataFrame(), {"a": "off"}) == []
    failed = design(ON_OFF, 0).assign(score=math.nan)
    assert estimate(failed, neutral(ON_OFF)) == ()
    assert suspects(failed, neutral(ON_OFF)) == []
    same = failed.assign(score=0.5)
    assert all((each.effect, each.p) == (0, 1) for each in estimate(same, neutral(ON_OFF)))
    assert suspects(same, neutral(ON_OFF)) == []


def test_a_failed_run_counts_as_the_worst() -> None:
    runs = scored(design(ON_OFF, 0), lambda run: 0.0, sd=0.002)
    failing = runs.assign(score=runs["score"].where(runs["s0"] == "off"))
    worst = runs.assign(score=failing["score"].fillna(failing["score"].min()))
    assert estimate(failing, neutral(ON_OFF)) == estimate(worst, neutral(ON_OFF))
    assert effects(estimate(failing, neutral(ON_OFF)))["s0", "on"] < 0


def test_only_what_surely_hurts_is_dropped() -> None:
    def screened(effect: float, p: float) -> Screened:
        return Screened("mix", "mixup", effect, effect - 0.01, effect + 0.01, 6, p)

    others = [screened(0.0, 0.9)] * 9
    assert dropped([screened(-0.02, 0.004), *others]) == [("mix", "mixup")]
    assert dropped([screened(-0.02, 0.006), *others]) == [], "one of ten at 95 % alone"
    assert dropped([screened(0.02, 0.001), *others]) == []


def test_hardly_ever_is_a_choice_dropped_that_does_nothing() -> None:
    lost = [
        bool(dropped(estimate(scored(design(MIXED, seed), lambda run: 0.0, 0.004, 5000 + seed), neutral(MIXED))))
        for seed in range(100)
    ]
    assert np.mean(lost) <= 0.05


def test_lenths_worked_example() -> None:
    """Montgomery, Design and Analysis of Experiments, the filtration rates of a 2^4: PSE = 2.625."""
    rates = [
        21.625,
        3.125,
        9.875,
        14.625,
        0.125,
        -18.125,
        16.625,
        2.375,
        -0.375,
        -1.125,
        1.875,
        4.125,
        -1.625,
        -2.625,
        1.375,
    ]
    assert lenth(rates) == pytest.approx(2.625)
    assert lenth([0, 0, 0, 5]) == 0
    assert math.isnan(lenth([]))


def test_exclusive_or_is_suspected() -> None:
    factors = {f"s{i}": ["off", "on"] for i in range(8)}
    runs = scored(design(factors, 1), lambda run: 0.08 * ((run["s2"] == "on") != (run["s5"] == "on")), sd=0.003)
    assert suspects(runs, neutral(factors))[0] == ("s2", "s5")
    assert len(suspects(runs, neutral(factors), most=3)) == 3
    assert abs(effects(estimate(runs, neutral(factors)))["s2", "on"]) < 0.01
