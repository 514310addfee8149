"""Which candidate is best, which tie with it, and which is recommended."""

import math

import pandas as pd
import pytest

from autocls.verdict.confirmation import close_calls, confirm
from autocls.verdict.effects import outperforms, paired
from autocls.verdict.verdict import Candidate

BASELINE = 0


def table(scores: dict[int, list[float]], seconds: dict[int, float] | None = None) -> pd.DataFrame:
    """The runs of candidates that all ran the seeds 0, 1, …, for a minute each unless said otherwise."""
    return pd.DataFrame(
        [
            {
                "candidate": trial,
                "seed": seed,
                "score": score,
                "seconds": (seconds or {}).get(trial, 60.0),
                "parameters": 1000 + trial,
            }
            for trial, of in scores.items()
            for seed, score in enumerate(of)
        ]
    )


def confirmed(scores: dict[int, list[float]], seconds: dict[int, float] | None = None) -> tuple[Candidate, ...]:
    return confirm(table(scores, seconds), {1: 0.97, 2: 0.96}, BASELINE, margin=0.003)


def recommended(candidates: tuple[Candidate, ...]) -> int:
    [one] = [each.trial for each in candidates if each.recommended]
    return one


CLEAR = {0: [0.90, 0.91, 0.90, 0.89, 0.90], 1: [0.95, 0.96, 0.95, 0.94, 0.95], 2: [0.951, 0.958, 0.95, 0.943, 0.952]}


def test_the_best_mean_comes_first_and_ties_are_called_ties() -> None:
    first, second, last = confirmed(CLEAR)
    assert [each.trial for each in (first, second, last)] == [2, 1, 0]
    assert (first.tied, second.tied, last.tied) == (True, True, False)
    assert (first.from_best.mean, first.from_best.low, first.from_best.p, first.from_best.n) == (0, 0, 1, 5)
    assert second.from_best == paired([b - a for a, b in zip(CLEAR[2], CLEAR[1], strict=True)])
    assert first.search_score == 0.96
    assert math.isnan(last.search_score)
    assert first.confirmed.mean == pytest.approx(0.9508)
    assert first.beats_baseline == outperforms(CLEAR[2], CLEAR[0])
    assert last.beats_baseline is None
    assert (first.parameters, first.seconds) == (1002, 60)
    assert recommended((first, second, last)) == 2
    assert close_calls((first, second, last)) == [2, 1]


def test_without_a_tie_there_is_no_close_call() -> None:
    assert close_calls(confirmed({0: CLEAR[0], 1: CLEAR[1]})) == []
    assert close_calls(()) == []


def test_of_those_that_tie_the_much_cheaper_is_recommended() -> None:
    assert recommended(confirmed(CLEAR, {1: 53, 2: 60})) == 1
    assert recommended(confirmed(CLEAR, {1: 55, 2: 60})) == 2
    assert recommended(confirmed(CLEAR, {0: 1, 1: 60, 2: 60})) == 2, "the baseline is no tie"
    far = CLEAR | {1: [0.93, 0.97, 0.94, 0.95, 0.94]}
    assert recommended(confirmed(far, {1: 6, 2: 60})) == 2, "a tie, but not within the margin"


def test_the_noise_of_a_clock_is_no_saving() -> None:
    runs = table(CLEAR)
    runs.loc[runs["candidate"] == 1, "seconds"] = [20.0, 70.0, 40.0, 75.0, 50.0]
    assert recommended(confirm(runs, {}, BASELINE, margin=0.003)) == 2, "fastest in the median, but not surely"
    assert recommended(confirmed({trial: scores[:1] for trial, scores in CLEAR.items()}, {1: 6})) == 2, "one seed"


def test_the_baseline_may_be_recommended() -> None:
    assert recommended(confirmed({0: CLEAR[2], 1: CLEAR[0]})) == 0
    assert recommended(confirmed({0: CLEAR[1], 2: CLEAR[2]}, {0: 10})) == 0


def test_a_candidate_with_failures_never_beats_one_without() -> None:
    candidates = confirmed({0: CLEAR[0], 1: [0.99, 0.99, math.nan, 0.99, 0.99]}, {1: 1})
    assert [each.trial for each in candidates] == [0, 1]
    assert (candidates[1].tied, candidates[1].failed) == (False, 1)
    assert recommended(candidates) == 0


def test_who_was_not_run_on_was_told_from_the_best() -> None:
    run_on = [0.95, 0.96, 0.95, 0.94, 0.95, 0.90, 0.90, 0.90]
    candidates = confirmed({0: [0.94] * 5, 1: run_on, 2: [each + 0.001 * (-1) ** i for i, each in enumerate(run_on)]})
    assert [each.trial for each in candidates] == [1, 2, 0]
    assert candidates[2].confirmed.mean > candidates[0].confirmed.mean


def test_who_is_barred_is_there_to_compare_with_and_cannot_win() -> None:
    candidates = confirm(table({0: CLEAR[2], 1: CLEAR[0]}), {}, BASELINE, margin=0.003, barred=[0])
    assert [(each.trial, each.tied, each.recommended) for each in candidates] == [(1, True, True), (0, False, False)]
    assert candidates[0].beats_baseline == outperforms(CLEAR[0], CLEAR[2])


def test_a_single_seed_tells_nothing_apart() -> None:
    candidates = confirmed({0: [0.5], 1: [0.9]})
    assert [each.tied for each in candidates] == [True, True]
    assert recommended(candidates) == 1


def test_all_may_fail() -> None:
    candidates = confirmed({0: [math.nan] * 5, 1: [math.nan] * 5}, {0: math.nan, 1: math.nan})
    assert [each.trial for each in candidates] == [0, 1]
    assert math.isnan(candidates[0].confirmed.mean)
    assert recommended(candidates) == 0
    half = confirmed({0: [math.nan] * 5, 1: CLEAR[1]})
    assert half[0].beats_baseline is None


def test_nothing_was_confirmed() -> None:
    assert confirm(pd.DataFrame(), {}, BASELINE, 0.003) == ()
