"""Which word a trick gets, when, and how often a wrong one."""

import math
import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from autocls.verdict.attribution import (
    Claim,
    arm_name,
    attribute,
    gain_order,
    interactions,
    path,
    path_arms,
    undecided,
)
from autocls.verdict.effects import holm, paired
from autocls.verdict.verdict import Word
from tests.verdict.simulated import attribution, claims

MARGIN = 0.003


def table(**arms: list[float]) -> pd.DataFrame:
    """A frame of arms that all ran the seeds 0, 1, …; the winner is ``winner``, "+" is written ``_``."""
    rows = [
        {"arm": "" if arm == "winner" else arm.replace("_", "+"), "seed": seed, "score": score}
        for arm, scores in arms.items()
        for seed, score in enumerate(scores)
    ]
    return pd.DataFrame(rows)


def words(scores: pd.DataFrame, of: list[Claim], **how) -> dict[str, str]:
    return {trick.slot: str(trick.word) for trick in attribute(scores, of, MARGIN, **how)}


def at_most_5_percent(times: int, of: int) -> bool:
    """Whether so many are no surprise if the chance is 5 %."""
    return stats.binomtest(times, of, 0.05, alternative="greater").pvalue > 0.01


WINNER = [0.950, 0.952, 0.948, 0.951, 0.949]


def test_each_of_the_four_words() -> None:
    scores = table(
        winner=WINNER,
        norm=[0.900, 0.903, 0.897, 0.902, 0.898],
        mix=[0.980, 0.981, 0.979, 0.980, 0.980],
        init=[0.950, 0.952, 0.948, 0.951, 0.949],
        cutout=[0.930, 0.970, 0.940, 0.960, 0.950],
    )
    assert words(scores, claims(["norm", "mix", "init", "cutout"])) == {
        "norm": "helps",
        "mix": "hurts",
        "init": "no difference",
        "cutout": "undetermined",
    }


def test_tricks_come_by_effect_and_show_what_the_pairs_show() -> None:
    scores = table(winner=WINNER, a=[0.94] * 5, b=[0.90] * 5)
    found = attribute(scores, claims(["a", "never", "b"]), MARGIN)
    assert [trick.slot for trick in found] == ["b", "a", "never"]
    assert found[0].effect == paired(np.subtract(WINNER, 0.90))
    assert [trick.p_holm for trick in found][:2] == pytest.approx(holm([found[0].effect.p, found[1].effect.p, 1.0])[:2])
    assert found[2].word is Word.UNDETERMINED
    assert math.isnan(found[2].effect.mean)
    assert gain_order(found) == ("b", "a", "never")


def test_the_arm_of_a_trick_that_the_winner_lacks_puts_it_in() -> None:
    scores = table(winner=WINNER, mix=[score + 0.02 + 0.001 * (i % 2) for i, score in enumerate(WINNER)])
    [trick] = attribute(scores, [Claim("mix", "mixup", "none", active=False)], MARGIN)
    assert trick.word is Word.HELPS
    assert trick.effect.mean == pytest.approx(0.0204)


def test_only_complete_looks_judge() -> None:
    rng = np.random.default_rng(2)
    seven = attribution({"a": 0.004}, 7, rng)
    assert words(seven, claims(["a"])) == words(seven[seven["seed"] < 5], claims(["a"]))
    plain = attribution({"a": 0.05}, 4, rng)
    assert words(plain, claims(["a"])) == {"a": "undetermined"}
    late = attribution({"a": 0.05}, 6, rng).query("not (arm == 'a' and seed == 3)")
    assert words(late, claims(["a"])) == {"a": "undetermined"}, "five seeds, but not the first five"


def test_what_is_decided_stays_decided() -> None:
    rng = np.random.default_rng(3)
    first = attribution({"a": 0.03}, 5, rng)
    later = attribution({"a": -0.03}, 10, rng).query("seed >= 5")
    [trick] = attribute(pd.concat([first, later]), claims(["a"]), MARGIN)
    assert trick.word is Word.HELPS
    assert trick.effect.n == 10


def test_the_undecided_need_not_wait_for_the_decided() -> None:
    rng = np.random.default_rng(4)
    effects = {"plain": 0.03, "small": 0.005}
    scores = attribution(effects, 10, rng)
    some = scores[(scores["arm"] != "plain") | (scores["seed"] < 5)]
    assert words(some, claims([*effects])) == {"plain": "helps", "small": "helps"}
    assert undecided(scores[scores["seed"] < 5], claims([*effects]), MARGIN) == ("small",)


def test_failed_pairs_are_dropped_and_counted() -> None:
    scores = table(winner=[0.95, math.nan, 0.95, 0.95, 0.95, 0.95], a=[0.9, 0.9, math.nan, 0.9, 0.9, 0.9])
    [trick] = attribute(scores, claims(["a"]), MARGIN)
    assert (trick.failed, trick.effect.n, trick.word) == (2, 4, Word.UNDETERMINED)
    diverged = table(winner=WINNER, a=[math.nan] * 5)
    [trick] = attribute(diverged, claims(["a"]), MARGIN)
    assert (trick.failed, trick.effect.n, trick.word) == (5, 0, Word.UNDETERMINED)


def test_nothing_to_judge() -> None:
    [trick] = attribute(pd.DataFrame(), claims(["a"]), MARGIN)
    assert trick.word is Word.UNDETERMINED
    assert attribute(pd.DataFrame(), [], MARGIN) == ()
    assert undecided(pd.DataFrame(), claims(["a"]), MARGIN) == ("a",)
    assert interactions(pd.DataFrame(), [("a", "b")]) == ()
    assert path(pd.DataFrame(), [], claims(["a"])) == ()


def test_a_seed_twice_is_refused() -> None:
    scores = table(winner=WINNER, a=WINNER)
    with pytest.raises(ValueError, match="arm 'a' ran seed 4 twice"):
        attribute(pd.concat([scores, scores.tail(1)]), claims(["a"]), MARGIN)


@pytest.mark.parametrize("slots", [6, 12])
def test_of_tricks_that_do_nothing_hardly_ever_any_is_said_to_do_something(slots: int) -> None:
    rng = np.random.default_rng(slots)
    names = [f"s{i}" for i in range(slots)]
    wrong = [
        any(
            trick.word in (Word.HELPS, Word.HURTS)
            for trick in attribute(attribution(dict.fromkeys(names, 0.0), 10, rng), claims(names), MARGIN)
        )
        for _ in range(300)
    ]
    assert at_most_5_percent(sum(wrong), 300)


def test_nor_while_others_do_and_only_the_undecided_are_run_on() -> None:
    rng = np.random.default_rng(5)
    effects = {"a": 0.012, "b": 0.006, "c": 0.0, "d": 0.0, "e": 0.0}
    wrong, found = 0, 0
    for _ in range(300):
        scores = attribution(effects, 15, rng)
        looks = (5, 10, 15)
        for seeds in looks[:-1]:
            still = undecided(scores[scores["seed"] < seeds], claims([*effects]), MARGIN, looks)
            scores = scores[(scores["seed"] < seeds) | scores["arm"].isin(["", *still[:2]])]
        said = words(scores, claims([*effects]), looks=looks)
        wrong += any(said[slot] in ("helps", "hurts") for slot in "cde")
        found += said["a"] == "helps"
    assert at_most_5_percent(wrong, 300)
    assert found / 300 >= 0.95


def test_a_trick_at_the_margin_hardly_ever_makes_no_difference() -> None:
    rng = np.random.default_rng(7)
    said = [words(attribution({"a": MARGIN}, 10, rng, sd=0.002), claims(["a"]))["a"] for _ in range(1000)]
    assert at_most_5_percent(said.count("no difference"), 1000)


def test_planted_effects_are_found() -> None:
    rng = np.random.default_rng(8)
    names = [f"s{i}" for i in range(11)]
    said = [
        words(attribution({"big": 0.006} | dict.fromkeys(names, 0.0), 10, rng), claims(["big", *names]))["big"]
        for _ in range(150)
    ]
    assert said.count("helps") >= 0.9 * 150, "twice the spread, ten seeds, twelve tricks"


def test_the_nearest_to_a_decision_comes_first() -> None:
    scores = table(
        winner=[0.95] * 5,
        clear=[0.94, 0.945, 0.94, 0.935, 0.942],
        vague=[0.93, 0.96, 0.97, 0.95, 0.92],
        almost_none=[0.950, 0.954, 0.947, 0.951, 0.948],
        one=[0.94, math.nan, math.nan, math.nan, math.nan],
    )
    order = undecided(scores, claims(["one", "vague", "almost+none", "clear"]), 0.002)
    assert order == ("clear", "almost+none", "vague", "one")


def test_xor_is_an_interaction_and_sums_are_none() -> None:
    rng = np.random.default_rng(9)
    xor = attribution({"a": 0.04, "b": 0.04, "a+b": 0.0, "c": 0.01, "a+c": 0.05}, 5, rng)
    first, second = interactions(xor, [("a", "b"), ("a", "c")])
    assert (first.first, first.second) == ("a", "b")
    assert first.effect.mean == pytest.approx(0.08, abs=0.01)
    assert first.effect.mean == pytest.approx(first.both - first.only_first - first.only_second + first.neither)
    assert first.p_holm < 0.01
    assert second.p_holm > 0.05
    assert second.neither == pytest.approx(second.both - 0.05, abs=0.01)
    assert second.only_first == pytest.approx(second.both - 0.01, abs=0.01), "with a, without c"
    assert interactions(xor, [("b", "c")]) == ()


def test_the_cells_of_an_interaction_share_their_seeds() -> None:
    scores = table(winner=[0.9, 0.9, 0.5], a=[0.8, 0.8, math.nan], b=[0.8, 0.8, 0.1], a_b=[0.7, 0.7])
    [found] = interactions(scores, [("a", "b")])
    assert (found.both, found.neither, found.effect.n) == (pytest.approx(0.9), pytest.approx(0.7), 2)
    assert found.effect.mean == 0


def test_the_path_goes_from_the_baseline_to_the_winner() -> None:
    of = [*claims(["mix", "norm"]), Claim("init", "xavier", "none", active=False), *claims(["head"])]
    assert path_arms(["norm", "init", "mix"], of) == ("head+mix+norm", "head+mix", "head", "")
    scores = table(winner=[0.99] * 3, head=[0.98] * 3, head_mix=[0.97, 0.96, 0.95], head_mix_norm=[0.9] * 3)
    steps = path(scores, ["norm", "init", "mix"], of)
    assert [step.slot for step in steps] == ["", "norm", "mix", "head"]
    assert [step.choice for step in steps] == ["", "on", "on", "on"]
    assert steps[0].gain is None
    assert steps[1].gain == paired([0.07, 0.06, 0.05])
    assert steps[-1].score.mean == pytest.approx(0.99)
    partial = path(scores[scores["arm"] != "head"], ["norm", "mix"], of)
    assert [step.slot for step in partial] == ["", "norm"]


def test_arms_are_named_by_their_slots() -> None:
    assert arm_name([]) == ""
    assert arm_name(["norm", "mix"]) == arm_name(("mix", "norm")) == "mix+norm"


def test_judging_fifteen_tricks_takes_milliseconds() -> None:
    names = [f"s{i}" for i in range(15)]
    scores = attribution(dict.fromkeys(names, 0.002), 10, np.random.default_rng(1))
    attribute(scores, claims(names), MARGIN)
    started = time.perf_counter()
    attribute(scores, claims(names), MARGIN)
    assert time.perf_counter() - started < 0.2
