"""What scores went along with, as charts."""

from dataclasses import replace

import pandas as pd
import plotly.graph_objects as go
import pytest

from autocls.report.association import (
    FEWEST,
    MOST_AXES,
    MOST_LINES,
    associated,
    associations,
    axis,
    knob_figures,
    parallel,
)
from autocls.report.figures import MOST_POINTS
from autocls.report.page import render
from autocls.report.recipes import knobs
from autocls.report.run import Run, read
from tests.report.runs import NASTY, write


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return read(write(tmp_path_factory.mktemp("association")))


def table(trials: int = 60, **columns: list[object]) -> pd.DataFrame:
    """Complete trials whose score is decided by ``rate`` alone, which spans decades."""
    score = [0.5 + 0.4 * (i % 10) / 10 for i in range(trials)]
    own = {"rate": [10 ** (-4 + (i % 10) / 4) for i in range(trials)], "coin": [str(i % 3) for i in range(trials)]}
    return pd.DataFrame({"number": range(trials), "state": "COMPLETE", "score": score, **own, **columns})


def test_each_knob_that_varied_has_a_chart_that_states_a_finding(run: Run) -> None:
    figures = {name: go.Figure(chart) for name, chart in knob_figures(run).items()}
    assert {"norm", "optimizer", "optimizer.adam.lr", "crop", "label_smoothing"} <= set(figures)
    assert "epochs" not in figures
    assert figures["optimizer.adam.lr"].layout.xaxis.type == "log"
    assert "score highest in the median" in figures["norm"].layout.title.text
    assert "rank correlation" in figures["label_smoothing"].layout.title.text


def test_what_a_knob_s_chart_states_is_of_complete_trials_alone(run: Run) -> None:
    pruned_look_best = run.trials.assign(score=run.trials["score"] + (run.trials["state"] == "PRUNED"))
    pruned = run.trials[run.trials["state"] == "PRUNED"]
    said, same, few = (
        {name: chart["layout"]["title"]["text"] for name, chart in knob_figures(replace(run, trials=trials)).items()}
        for trials in (run.trials, pruned_look_best, pruned)
    )
    assert said == same
    assert few["norm"] == "Too few complete trials to compare by norm"


def test_of_very_many_trials_a_knob_s_chart_draws_some_says_so_and_boxes_all(run: Run) -> None:
    many = replace(run, trials=pd.concat([run.trials] * 100, ignore_index=True))
    figure = go.Figure(knob_figures(many)["norm"])
    complete = many.trials[many.trials["state"] == "COMPLETE"]
    points, boxes = figure.data[1], figure.data[2]
    assert len(points.y) == MOST_POINTS
    assert points.name == f"complete ({MOST_POINTS} of {len(complete):,} drawn, best to worst)"
    medians = complete.groupby(complete["recipe"].map(lambda recipe: knobs(recipe)["norm"]))["score"].median()
    assert dict(zip(boxes.x, boxes.median, strict=True)) == pytest.approx(medians.to_dict(), abs=1e-5)


def test_the_knob_that_decides_the_score_stands_first_and_chance_explains_nothing() -> None:
    shares = associated(table())
    assert list(shares.index) == ["rate", "coin"]
    assert shares["rate"] > 0.9
    assert abs(shares["coin"]) < 0.1


def test_a_knob_that_not_all_trials_have_has_no_axis() -> None:
    some = [None if i % 2 else 0.1 * i for i in range(60)]
    assert "momentum" not in associated(table(momentum=some))


def test_parallel_coordinates_end_in_the_score_and_say_which_knob_goes_along_with_it_most() -> None:
    figure = go.Figure(parallel(table()))
    names = [note.text for note in figure.layout.annotations if note.text.startswith("<b>")]
    assert names == ["<b>rate</b>", "<b>coin</b>", "<b>score</b>"]
    assert figure.layout.title.text.startswith("rate goes along with the score most: ")
    assert [trace.name for trace in figure.data] == ["the lower half", "the better half", "the best tenth"]
    for trace in figure.data:
        assert len(trace.x) == len(trace.y) == len(trace.text) == len(trace.customdata)
        assert list(trace.x[:4]) == [0, 1, 2, None]
        assert min(y for y in trace.y if y is not None) >= 0
        assert max(y for y in trace.y if y is not None) <= 1
    best = figure.data[-1]
    assert all(best.y[i + 2] == 1 for i in range(0, len(best.y), 4))
    assert best.text[:3] == ("rate 0.0178", "coin 2", "score 86.00 %")


def test_an_axis_is_a_logarithm_where_numbers_span_decades_and_keeps_values_apart() -> None:
    of = table()
    rate = axis(of["rate"], of["rate"])
    assert list(rate.ticks.values()) == ["0.0001", "0.001", "0.01", "0.0178"]
    assert rate.places[4] == pytest.approx(4 / 9, abs=1e-4)
    coin = axis(of["coin"], of["coin"])
    assert list(coin.ticks.values()) == ["0", "1", "2"]
    for value, low in (("0", 0), ("1", 1 / 3), ("2", 2 / 3)):
        places = [place for place, own in zip(coin.places, of["coin"], strict=True) if own == value]
        assert low < min(places) < max(places) < low + 1 / 3
    assert list(axis(of["score"], of["score"]).ticks.values()) == ["50.00 %", "68.00 %", "86.00 %"]


def test_parallel_coordinates_of_many_knobs_and_trials_draw_some_and_say_so() -> None:
    many = table(1000, **{f"k{i}": [(j * (i + 3)) % 7 / 7 for j in range(1000)] for i in range(10)})
    figure = go.Figure(parallel(many))
    assert sum(len(trace.x) for trace in figure.data) == MOST_LINES * (MOST_AXES + 2), "the score's axis, and a gap"
    assert f"({MOST_LINES} of 1,000 drawn, best to worst)" in figure.layout.title.text


def test_equal_scores_are_parted_as_the_leaderboard_ranks_them() -> None:
    same = table().assign(score=[1.0] * 40 + [0.5] * 20)
    figure = go.Figure(parallel(same))
    assert set(figure.data[2].customdata) == set(range(6)), "a tenth of 60"


def test_scores_that_are_all_equal_are_drawn_too() -> None:
    figure = go.Figure(parallel(table().assign(score=1.0)))
    assert figure.layout.title.text.startswith("No knob goes along")
    assert {note.text for note in figure.layout.annotations} >= {"100.00 %"}


def test_few_values_of_a_number_are_its_axis_ticks_and_a_long_name_shows_its_end() -> None:
    sizes = pd.Series([32, 64] * 30, name="batch_size")
    assert list(axis(sizes, sizes).ticks.values()) == ["32", "64"]
    long = table(**{"architecture.shufflenet.activation": [i % 10 / 10 for i in range(60)]})
    chart = parallel(long)
    assert chart is not None
    assert "<b>…ufflenet.activation</b>" in str(chart)


def test_where_no_knob_goes_along_with_the_score_the_title_says_so() -> None:
    of = table().drop(columns="rate")
    assert go.Figure(parallel(of)).layout.title.text == "No knob goes along with how 60 complete trials rank"


def test_too_few_trials_have_no_parallel_coordinates(run: Run) -> None:
    assert parallel(table(FEWEST - 1)) is None
    assert parallel(table()[["number", "state", "score"]]) is None
    assert parallel(run.knobs) is None, "of 30 trials 9 are complete"


def test_associations_have_a_bar_of_each_kind_and_say_what_leads(run: Run) -> None:
    figure = go.Figure(associations(run.associations))
    assert figure.layout.title.text == (
        "norm tells the best trials from all best (70 %), optimizer explains most of the scores (60 %)"
    )
    assert [(bars.name, bars.x) for bars in figure.data] == [("PED-ANOVA", (0.7, 0.3)), ("fANOVA", (0.4, 0.6))]
    one = go.Figure(associations(run.associations[:1]))
    assert one.layout.title.text == (
        "norm tells the best trials from all best (70 %), and explains most of the scores (40 %)"
    )
    assert associations(run.associations[:0]) is None


def test_what_is_an_association_stands_below_that_word(run: Run) -> None:
    page = render(run)
    label = page.index("Association in search data, not effect")
    assert label < page.index('id="chart-associations"')
    assert label < page.index('id="chart-knob"')
    assert "h3" not in page[label : page.index('id="chart-knob"')]


def test_values_of_knobs_are_text_in_charts() -> None:
    nasty = table(weights=[NASTY[i % 2 * 2] for i in range(60)])
    assert "<b>cat" not in str(parallel(nasty))
    assert "<script>" not in str(parallel(nasty))
    named = pd.DataFrame({"parameter": [NASTY[2]], "ped_anova": [1.0], "fanova": [1.0]})
    chart = associations(named)
    assert chart is not None
    assert "<b>" not in str([chart["data"], chart["layout"]["yaxis"]])
