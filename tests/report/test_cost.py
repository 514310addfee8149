"""What a score costs: fronts, picks under limits, and what is said of them."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from autocls.report import cost
from autocls.report.page import render
from autocls.report.run import Run
from tests.verdict.verdicts import VERDICT

PARAMETERS, LATENCY, SECONDS = cost.PRICES


def a_run(**columns: list[float]) -> Run:
    """Complete trials 0, 1, … with these columns; trial 0 is the baseline and the best score wins."""
    count = len(columns["score"])
    fixed = {
        "state": "COMPLETE", "epochs": 8, "planned": 8, "reason": "", "recipe": "norm: none\n", "seconds": 1.0,
        "parameters": 1000, "latency": 0.001, "started": 0.0, "finished": 1.0,
    }  # fmt: skip
    extra = {"number": range(count), "left_out": [()] * count, "curve": [(0.5,) * 8] * count}
    trials = pd.DataFrame({**fixed, **extra, **columns}).astype({"parameters": "Int64"})
    return Run(trials, {"baseline": 0, "winner": int(np.argmax(columns["score"]))}, {}, None, None, [])


def test_the_front_is_whom_none_beats_without_a_higher_price() -> None:
    trials = cost.priced(
        a_run(score=[0.5, 0.7, 0.6, 0.9, 0.9, 0.8], parameters=[10, 20, 20, 50, 40, 60], latency=[math.nan] * 6)
    )
    assert cost.front(trials, "parameters")["number"].tolist() == [0, 1, 4]
    assert cost.front(trials, "latency").empty


def test_limits_can_pick_exactly_whom_nothing_beats_in_all() -> None:
    random = np.random.default_rng(0)
    values = {"parameters": random.integers(1, 9, 60), "latency": random.integers(1, 9, 60) / 1000}
    run = a_run(score=random.uniform(0.5, 0.9, 60).tolist(), **{name: v.tolist() for name, v in values.items()})
    trials, picks = cost.priced(run), cost.cost(run).picks
    for most, slow in itertools.product(range(10), range(10)):
        fitting = trials[(trials["parameters"] <= most) & (trials["latency"] <= slow / 1000)]
        best = None if fitting.empty else fitting["number"].iloc[0]
        picked = (p.trial for p in picks if (p.parameters or 0) <= most and (p.latency or 0) <= slow)
        assert next(picked, None) == best


def test_a_trial_whose_latency_is_not_known_is_within_no_limit_of_it() -> None:
    run = a_run(score=[0.5, 0.9, 0.8], latency=[0.001, 0.009, math.nan], parameters=[1, 9, 2])
    assert [(pick.trial, pick.latency) for pick in cost.cost(run).picks] == [(1, 9.0), (2, None), (0, 1.0)]


def test_what_a_pick_costs_is_said_against_the_winner() -> None:
    run = a_run(
        score=[0.5, 0.9, 0.88], parameters=[10, 4000, 1000], seconds=[1.0, 20.0, 5.0], latency=[0.001, 0.004, 0.002]
    )
    first, second, _ = cost.cost(run).picks
    assert first.said == "The winner itself, trial 1, fits: 90.00 %; 4 k parameters, 4 ms latency, 20 s training time."
    assert second.said == (
        "Trial 2 is the best that fits: 88.00 %, not confirmed. It costs 2.00 points against the winner; "
        "1 k parameters (25 % of the winner's), 2 ms latency (50 % of the winner's), "
        "5.0 s training time (25 % of the winner's)."
    )


def test_a_lucky_single_run_is_not_taken_for_better_than_what_was_run_again() -> None:
    run = a_run(score=[0.974, 0.985] + [0.99] * 7 + [0.9926])
    judged = cost.priced(replace(run, verdict=VERDICT)).set_index("number")
    assert judged["score"][9] == VERDICT.confirmed.mean
    assert judged["score"][1] == pytest.approx(0.985 - VERDICT.optimism)
    assert judged["confirmed"][[0, 1, 9]].tolist() == [True, False, True]
    assert "less 0.95 points" in cost.cost(replace(run, verdict=VERDICT)).note
    assert cost.priced(run)["score"].max() == 0.9926
    bare = replace(VERDICT, candidates=(), winner=9)
    only = cost.priced(replace(run, verdict=bare)).set_index("number")
    assert only["confirmed"].sum() == 1, "the winner alone was run again"
    assert "none was confirmed" in cost.cost(run).note
    assert cost.optimism(replace(run, verdict=replace(VERDICT, optimism=-0.01))) == 0
    assert cost.optimism(replace(run, verdict=replace(VERDICT, optimism=math.nan))) == 0


def test_the_winner_is_the_pick_wherever_it_fits() -> None:
    run = a_run(score=[0.8, 0.85, 0.9], parameters=[500, 700, 700])
    named = replace(run, summary={**run.summary, "winner": 1})
    assert [pick.trial for pick in cost.cost(named).picks] == [1, 0], "2 scores more, and no limit keeps it and not 1"


def test_each_chart_s_title_says_what_a_point_buys() -> None:
    run = a_run(score=[0.5, 0.9, 0.895], parameters=[10, 4000, 1000], latency=[0.001, 0.004, 0.005])
    titles = [cost.finding(cost.priced(run), price, 1) for price in (PARAMETERS, LATENCY)]
    assert titles == [
        "Within 1 point of the winner, trial 2 has the fewest parameters: 1 k instead of 4 k",
        "Within 1 point of the winner, none has much less latency than its 4 ms",
    ]


def test_a_saving_too_small_to_be_worth_a_word_is_not_called_one() -> None:
    run = a_run(score=[0.5, 0.9, 0.895], parameters=[10, 4000, 3900])
    assert cost.finding(cost.priced(run), PARAMETERS, 1).endswith("none has much fewer parameters than its 4 k")


def test_the_limits_that_the_search_kept_are_said() -> None:
    run = a_run(score=[0.5, 0.9])
    limited = replace(run, summary={**run.summary, "limits": {"parameters": 5_000_000, "latency": 0.003}})
    assert cost.cost(limited).limits == "The search itself kept to limits: parameters 5 M, latency 3 ms at most."
    assert cost.cost(run).limits == ""


def test_every_price_that_was_measured_has_a_chart() -> None:
    run = a_run(score=[0.5, 0.9, 0.88], parameters=[10, 4000, 1000], latency=[math.nan] * 3)
    charts = cost.charts(run)
    assert list(charts) == ["cost-parameters", "cost-seconds"]
    others, front, winner, baseline = go.Figure(charts["cost-parameters"]).data
    assert (others.x, front.x, winner.customdata, baseline.customdata) == ((), (10, 1000, 4000), (1,), (0,))
    assert set(front.marker.symbol) == {"circle-open"}, "nothing was confirmed"
    assert charts["cost-parameters"]["layout"]["xaxis"]["type"] == "log"


def test_without_a_complete_trial_nothing_has_a_price() -> None:
    run = a_run(score=[0.5, 0.9])
    none = replace(run, trials=run.trials.assign(state="PRUNED"), summary={})
    assert cost.cost(none).picks == ()
    assert cost.charts(none) == {}
    assert "no score has a price yet" in render(none)


def test_one_price_for_all_is_said_and_has_ticks_that_can_be_read() -> None:
    chart = cost.charts(a_run(score=[0.5, 0.9], parameters=[136586, 136586]))["cost-parameters"]
    assert chart["layout"]["title"]["text"] == "All complete trials have the same parameters: 137 k"
    assert chart["layout"]["xaxis"]["range"] == [0, 2 * 136586]
