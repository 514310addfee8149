"""How the search went, as charts."""

import math
from dataclasses import replace

import pandas as pd
import plotly.graph_objects as go
import pytest

from autocls.report.page import render
from autocls.report.run import Run, read
from autocls.report.went import MOST_CURVES, curves, progress, progress_by_epochs, rung_chart, rungs
from tests.report.runs import write


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return read(write(tmp_path_factory.mktemp("went")))


def trial(number: int, curve: list[float], state: str, reason: str = "") -> dict[str, object]:
    said = {"number": number, "curve": curve, "epochs": len(curve), "state": state, "reason": reason}
    return {**said, "score": max(curve, default=math.nan), "finished": float(number)}


TRIALS = pd.DataFrame(
    [
        trial(0, [0.5, 0.6, 0.7], "COMPLETE"),
        trial(1, [0.4], "PRUNED"),
        trial(2, [0.3], "PRUNED"),
        trial(3, [0.45, 0.55], "PRUNED"),
        trial(4, [0.6, 0.8], "PRUNED", "the search was killed"),
        trial(5, [0.5], "FAIL", "NaN loss"),
        trial(6, [], "FAIL", "out of memory"),
    ]
)


def test_every_curve_is_drawn_and_pruned_ones_apart(run: Run) -> None:
    figure = go.Figure(curves(run.trials))
    drawn = {trace.name: sum(y is not None for y in trace.y) for trace in figure.data}
    by_state = run.trials.groupby("state")["epochs"].sum()
    assert drawn == {"pruned": by_state["PRUNED"], "complete": by_state["COMPLETE"]}


def test_of_very_many_curves_some_are_drawn_and_the_chart_says_so(run: Run) -> None:
    many = pd.concat([run.trials[run.trials["state"] == "COMPLETE"]] * 100, ignore_index=True)
    figure = go.Figure(curves(many))
    trace = figure.data[1]
    assert sum(y is None for y in trace.y) == MOST_CURVES
    assert f"{MOST_CURVES} of {len(many):,} drawn" in trace.name
    assert max(y for y in trace.y if y is not None) == round(many["score"].max(), 5)


def test_the_best_so_far_never_falls(run: Run) -> None:
    figure = go.Figure(progress(run.trials, 0))
    best = list(figure.data[0].y)
    assert best == sorted(best)


def test_over_epochs_the_same_best_scores_come_after_what_all_trials_before_them_took(run: Run) -> None:
    time, epochs = (go.Figure(chart(run.trials, 0)) for chart in (progress, progress_by_epochs))
    assert set(epochs.data[0].y) == set(time.data[0].y)
    assert epochs.data[0].x[-1] == run.trials["epochs"].sum()
    small = go.Figure(progress_by_epochs(TRIALS, 0))
    assert list(small.data[1].x) == [3]
    assert small.layout.title.text == "The best score, 70.00 %, came after 3 epochs with trial 0"


def test_the_baseline_has_a_line_where_it_was_completed(run: Run) -> None:
    score = run.trials["score"][0]
    for chart in (progress, progress_by_epochs):
        assert go.Figure(chart(run.trials, 0)).layout.shapes[0].y0 == pytest.approx(score, abs=1e-5)
        assert not go.Figure(chart(run.trials, 1)).layout.shapes


def test_a_rung_counts_what_became_of_the_trials_that_reached_it() -> None:
    first, second, third = rungs(TRIALS)
    assert (first.reached, first.stopped, first.went_on, first.completed, first.ended) == (6, 2, 3, 0, 1)
    assert (first.best_stopped, first.lowest_on) == (0.4, 0.45)
    assert (second.reached, second.stopped, second.went_on, second.ended) == (3, 1, 1, 1)
    assert (second.best_stopped, second.lowest_on) == (0.55, 0.6)
    assert (third.reached, third.completed) == (1, 1)
    assert math.isnan(third.best_stopped)


def test_the_chart_of_the_rungs_says_what_the_pruner_did(run: Run) -> None:
    figure = go.Figure(rung_chart(rungs(TRIALS)))
    assert figure.layout.title.text == (
        "The pruner stopped 3 of 6 trials, most of them (2) after epoch 1: "
        "the best it stopped had 40.00 %, the lowest that went on 45.00 %"
    )
    assert {trace.name: sum(trace.y) for trace in figure.data} == {
        "went on": 4, "ran all its epochs": 1, "stopped by the pruner": 3, "failed or cut off": 2,
    }  # fmt: skip
    assert len(go.Figure(rung_chart(rungs(run.trials))).data) == 3, "no trial that failed had trained"


def test_without_a_trial_that_was_stopped_there_is_nothing_to_draw_of_the_pruner(run: Run) -> None:
    assert rung_chart(rungs(TRIALS[:1])) is None
    assert rung_chart(rungs(TRIALS[6:])) is None
    complete = run.trials[run.trials["state"] == "COMPLETE"]
    off = replace(run, trials=complete, summary={**run.summary, "pruner": "none"})
    assert "The pruner stopped no trial: it was off" in render(off)


def test_without_an_epoch_there_is_no_chart() -> None:
    assert [chart(TRIALS[6:], 0) for chart in (progress, progress_by_epochs)] == [None, None]
    assert curves(TRIALS[6:]) is None
