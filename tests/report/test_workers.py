"""What ran where."""

from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest

from autocls.report.page import render
from autocls.report.run import read
from autocls.report.workers import LABELLED, MOST_BARS, timeline, worker_chart
from tests.report.runs import NASTY, write


def trials(*spans: tuple[str, float, float], **columns: list[str]) -> pd.DataFrame:
    """Trials of workers from a time to a time."""
    worker, begun, finished = zip(*spans, strict=True)
    table = pd.DataFrame({"number": range(len(spans)), "worker": worker, "begun": begun, "finished": finished})
    return table.assign(**{"state": "COMPLETE", "phase": "search", **columns})


def test_busy_time_is_counted_once_and_idle_time_is_what_is_left() -> None:
    found = timeline(trials(("a", 0, 4), ("a", 3, 5), ("b", 0, 2), ("a", 6, 10)))
    assert found is not None
    assert [(lane.worker, lane.busy) for lane in found.lanes] == [("a", 9.0), ("b", 2.0)]
    assert found.busy == 11 / 20
    figure = go.Figure(worker_chart(found))
    assert figure.layout.title.text == "2 workers were busy 55 % of the time"
    assert [note.text for note in figure.layout.annotations] == ["a – busy 90 %", "b – busy 20 %"]


def test_a_trial_has_the_colour_of_its_phase_or_of_its_end() -> None:
    spans = [("a", float(i), i + 1.0) for i in range(6)]
    found = timeline(
        trials(
            *spans,
            state=["COMPLETE", "PRUNED", "FAIL", "COMPLETE", "FAIL", "COMPLETE"],
            phase=["search", "search", "search", "screen", "confirm", "attribute"],
        )
    )
    assert found is not None
    kinds = [bar.kind for bar in found.lanes[0].bars]
    assert kinds == ["complete", "stopped early", "failed", "screening", "failed", "attributing"]
    colours = [trace.marker.color for trace in go.Figure(worker_chart(found)).data]
    assert len(set(colours)) == len(colours) == 6, "idle time is one of them"
    assert "The worker was busy 100 % of the time" in str(worker_chart(found)["layout"]["title"])


def test_of_very_many_trials_close_ones_share_a_bar_and_no_idle_time_that_could_be_seen_is_lost() -> None:
    spans = [(f"w{i % 2}", float(i // 2), i // 2 + 0.9) for i in range(10_000)]
    gap = [(worker, begun + 2000 * (begun >= 2500), end + 2000 * (begun >= 2500)) for worker, begun, end in spans]
    found = timeline(trials(*gap))
    assert found is not None
    assert found.trials == 10_000
    bars = [bar for lane in found.lanes for bar in lane.bars]
    assert len(bars) <= MOST_BARS
    assert not any(bar.start < 2600 and bar.end > 4400 for bar in bars)
    assert found.busy == pytest.approx(0.9 * 5000 / 6999.9, abs=1e-3)
    drawn = go.Figure(worker_chart(found))
    assert "trials, mostly complete" in drawn.data[1].customdata[0]


def test_very_many_workers_have_no_names_beside_their_lanes() -> None:
    found = timeline(trials(*((f"w{i:02}", 0.0, 1.0) for i in range(LABELLED + 1))))
    assert found is not None
    assert not go.Figure(worker_chart(found)).layout.annotations


def test_hosts_are_text() -> None:
    found = timeline(trials((NASTY[2], 0, 1)))
    assert found is not None
    assert "<b>" not in str(worker_chart(found))


def test_folders_that_do_not_know_their_workers_have_no_lanes_but_say_so(tmp_path: Path) -> None:
    run = read(write(tmp_path))
    old = run.trials.drop(columns=["worker", "begun"])
    assert timeline(old) is None
    assert timeline(run.trials.assign(begun=float("nan"))) is None
    assert timeline(run.trials.assign(worker="")) is None
    assert "doesn't say which worker" in render(type(run)(old, run.summary, {}, None, None, []))
