"""How numbers and what they mean are written."""

import math
from dataclasses import replace

import pytest

from autocls.verdict import wording
from autocls.verdict.verdict import Opening, Share
from tests.verdict.verdicts import VERDICT


@pytest.mark.parametrize("seconds, text", [(3.21, "3.2 s"), (42, "42 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    "seconds, text", [(0.00123456, "1.23 ms"), (0.0000123, "0.0123 ms"), (1.23456, "1,230 ms"), (math.nan, "–")]
)
def test_latencies_have_three_digits_and_no_exponent(seconds: float, text: str) -> None:
    assert wording.milliseconds(seconds) == text


def test_what_is_not_known_is_a_dash() -> None:
    nan = math.nan
    said = [wording.percent(nan), wording.signed(nan), wording.span(nan, nan), wording.shares(nan, nan)]
    assert {*said, wording.chance(nan), wording.count(None), wording.probability(Share(nan, nan, nan))} == {"–"}
    assert wording.span(-math.inf, math.inf) == "–"
    assert wording.probability(None) == ""


def test_differences_have_a_sign_and_a_real_minus() -> None:
    assert wording.points(0.0124) == "+1.24 points"
    assert wording.span(-0.001, 0.0124) == "−0.10 to +1.24"


def test_a_small_p_is_not_called_0() -> None:
    assert [wording.chance(p) for p in (0.0004, 0.0312, 1.0)] == ["< 0.001", "0.031", "1.000"]


@pytest.mark.parametrize(
    "number, text", [(999, "999"), (61_706, "61.7 k"), (999_700, "1000 k"), (11_200_000, "11.2 M")]
)
def test_counts_are_short(number: int, text: str) -> None:
    assert wording.count(number) == text


@pytest.mark.parametrize(
    "mean, p, said",
    [
        (0.005, 0.04, "norm and optimizer gain more together than one by one"),
        (-0.005, 0.05, "norm and optimizer gain less together than one by one"),
        (0.005, 0.06, "norm and optimizer can't be told from two tricks that add up"),
        (math.nan, 1.0, "norm and optimizer can't be told from two tricks that add up"),
    ],
)
def test_an_interaction_claims_what_stands_after_all_were_asked(mean: float, p: float, said: str) -> None:
    pair = VERDICT.interactions[0]
    assert wording.together(replace(pair, effect=replace(pair.effect, mean=mean), p_holm=p), 0.05) == said


def test_a_candidate_is_what_it_is() -> None:
    said = [wording.standing(candidate, 0) for candidate in VERDICT.candidates]
    assert said == [["winner"], ["tied", "1 failed"], ["baseline"]]


def test_the_sealed_part_is_called_so_only_when_it_was_opened_once() -> None:
    assert wording.opened(Opening(1360, 0.979, 0.958, 1)) == (
        "1,360 images, opened once: the winner has 97.90 %, the baseline 95.80 %"
    )
    assert "no longer sealed" in wording.opened(Opening(360, 0.979, None, 3))
