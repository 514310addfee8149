"""One run as Markdown, as CSV, and its charts as pictures."""

import csv
import io
import struct
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autocls.errors import BadInput
from autocls.report import exports
from autocls.report.charts import charts
from autocls.report.markdown import escape
from autocls.report.run import Run, read
from autocls.report.still import still, write_figures
from tests.browser import CHROMIUM
from tests.report.runs import NASTY, judge, write


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return read(judge(write(tmp_path_factory.mktemp("run"))))


def test_markdown_has_the_results_and_the_verdict(run: Run) -> None:
    text = exports.markdown(run)
    assert text.startswith("**Trial 9 wins: 97.90 % macro f1 on the sealed test part** (pets &amp; co)")
    assert "| norm: &lt;/script>&lt;b>cat&lt;/b> | none | +1.42 | +0.81 to +2.03 | 8 | 0.003 | helps |" in text
    assert "| macro f1, confirmed (95 %) | 98.31 % (98.02 to 98.60), n = 8 | 96.10 % (95.39 to 96.81), n = 8 |" in text
    assert "| macro f1, sealed test | 97.90 % | 95.80 % |" in text
    assert "| from the baseline (95 %) | +2.21 points (+1.58 to +2.84), 8 pairs |" in text
    assert "<" not in text


def test_markdown_without_a_verdict_or_a_winner(tmp_path: Path) -> None:
    plain = exports.markdown(read(write(tmp_path / "plain")))
    assert "30 trials (8 complete, 18 stopped early, 4 failed), " in plain
    assert "confirmed" not in plain
    assert "Holm" not in plain
    assert exports.markdown(read(write(tmp_path / "none", 3, complete=False))).startswith("**No winner yet**")


@pytest.mark.parametrize(
    "text, shown", [("a|b", r"a\|b"), ("tail_lr _x_", r"tail_lr \_x\_"), ("<b>", "&lt;b>"), ("two\nlines", "two lines")]
)
def test_markdown_escapes(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_csv_has_every_trial_with_its_choices(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(exports.as_csv(run))))
    assert [int(row["number"]) for row in rows] == sorted(run.trials["number"])
    assert {row["phase"] for row in rows} == {"search", "screen", "confirm", "attribute"}
    fifth = next(row for row in rows if row["number"] == "5")
    assert (fifth["knob optimizer"], fifth["knob crop.shift.padding"]) == ("adam", "2.0")
    assert float(fifth["knob optimizer.adam.lr"]) > 0
    assert NASTY[0] in rows[6]["reason"]


def test_csv_of_an_old_folder_lacks_what_was_not_measured_then(tmp_path: Path) -> None:
    run = read(write(tmp_path))
    run.trials.drop(columns=["latency", "worker"], inplace=True)
    assert "latency," not in exports.as_csv(run).splitlines()[0]


def test_a_picture_has_its_title_as_text_on_white(run: Run) -> None:
    chart = charts(run)["effects"]
    picture = still(chart)["layout"]
    assert picture["title"]["text"].startswith("Of 4 tricks judged, 1 helps: norm: &lt;/script&gt;")
    assert picture["paper_bgcolor"] == "#ffffff"
    assert picture["height"] > chart["layout"]["height"]
    assert "paper_bgcolor" not in chart["layout"] or chart["layout"]["paper_bgcolor"] != "#ffffff", (
        "it is left as it was"
    )


def test_without_kaleido_it_is_said_what_to_install(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(BadInput, match=r"pip install 'autocls\[figures\]'"):
        write_figures(run, tmp_path, "svg")


def test_without_a_browser_it_is_said_what_to_install(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-browser"))
    with pytest.raises(BadInput, match="BROWSER_PATH"):
        write_figures(run, tmp_path, "svg")


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM}")
def test_charts_are_drawn_as_pictures(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", str(CHROMIUM))
    written = write_figures(run, tmp_path / "figures", "svg")
    assert {f"{name}.svg" for name in charts(run)} <= {path.name for path in written}
    text = "".join(ElementTree.parse(tmp_path / "figures/effects.svg").getroot().itertext())
    assert f"Of 4 tricks judged, 1 helps: norm: {NASTY[2]}" in text
    write_figures(run, tmp_path / "figures", "png")
    head = (tmp_path / "figures/effects.png").read_bytes()[:24]
    assert struct.unpack(">I", head[16:20]) == (1800,)
