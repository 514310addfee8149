"""All charts of a page."""

import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from autocls.report.charts import charts
from autocls.report.page import render
from autocls.report.run import Run, read
from tests.report.runs import judge, write


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return read(judge(write(tmp_path_factory.mktemp("charts"), 60)))


def test_every_chart_is_one_that_plotly_draws_states_something_and_has_a_place(run: Run) -> None:
    page = render(run)
    found = charts(run)
    assert set(found) == {
        "effects", "path", "progress", "progress-by-epochs", "curves", "rungs", "workers", "parallel", "associations",
        "cost-parameters", "cost-latency", "cost-seconds", "confusion", "calibration",
    }  # fmt: skip
    for name, chart in found.items():
        assert len(go.Figure(chart).layout.title.text.split()) > 3, name
        assert page.count(f'id="chart-{name}"') == 1, name


def test_a_search_without_a_trial_has_no_chart(run: Run) -> None:
    empty = Run(run.trials.iloc[:0], {}, {}, None, None, [])
    assert charts(empty) == {}
    page = render(empty)
    assert [name for name in re.findall('id="chart-([^"]+)', page) if name != "compared"] == []


def test_old_folders_have_the_charts_that_they_know_enough_for(tmp_path: Path) -> None:
    folder = write(tmp_path, 60)
    for name in ("test.parquet", "pictures.npz", "associations.json"):
        (folder / name).unlink()
    run = read(folder)
    new = ["multiply_adds", "latency", "latency_64", "worker", "begun", "traceback"]
    old = Run(run.trials.drop(columns=new), run.summary, run.environment, run.best_recipe, run.space, run.cards)
    assert set(charts(old)) == {
        "progress", "progress-by-epochs", "curves", "rungs", "parallel", "cost-parameters", "cost-seconds",
    }  # fmt: skip
    render(old)


def test_a_page_of_1000_trials_is_small_and_has_plotly_once(tmp_path: Path) -> None:
    page = render(read(judge(write(tmp_path, 1000))))
    assert len(page.encode()) < 8 * 10**6
    assert page.count("plotly.js v") == 1
