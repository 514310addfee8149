"""What the data is, and what the winner makes of it."""

import base64
import io
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from PIL import Image

from autocls.report import answers, pictures
from autocls.report.answers import Answers
from autocls.report.data import (
    FEW_CLASSES,
    balance,
    calibration_chart,
    charts,
    class_chart,
    confusion_chart,
    data,
    sizes,
)
from autocls.report.page import render
from autocls.report.run import Run, read
from tests.report.runs import NASTY, write


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return read(write(tmp_path_factory.mktemp("data")))


def answered(run: Run, label: list[int], given: list[int], sure: float = 0.9, classes: str = "abc") -> Run:
    """The run with these answers of its winner."""
    table = pd.DataFrame({"label": label, "winner": given, "confidence": sure, "name": "x.png"})
    return replace(run, answers=table, summary={**run.summary, "classes": list(classes)})


def found(run: Run) -> answers.Confusion:
    confusion = answers.confusion(Answers.of(run))
    assert confusion is not None
    return confusion


def test_the_confusion_counts_true_classes_by_given_ones(run: Run) -> None:
    confusion = found(answered(run, [0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 0, 2]))
    assert confusion.counts.tolist() == [[1, 2, 0], [1, 1, 0], [0, 0, 1]]
    assert confusion.finding == "2 of 3 mistakes are “a” taken for “b”"
    figure = go.Figure(confusion_chart(confusion))
    right, wrong = figure.data
    assert tuple(right.z[0]) == (0.3333, None, None)
    assert tuple(wrong.z[0]) == (None, 0.6667, None)
    assert tuple(wrong.text[0]) == ("1", "2", "")
    assert wrong.customdata[0][1] == "2 of 3 of “a” are taken for “b” (66.67 %)"


@pytest.mark.parametrize(
    "given, said",
    [
        ([0, 1, 2], "No mistake on 3 images"),
        ([1, 0, 2], "No class is taken for the same other one twice in 2 mistakes on 3 images"),
    ],
)
def test_a_title_claims_no_pattern_where_there_is_none(run: Run, given: list[int], said: str) -> None:
    assert found(answered(run, [0, 1, 2], given)).finding == said


def test_of_very_many_classes_the_most_confused_are_drawn_and_the_title_says_so(run: Run) -> None:
    label = list(range(50)) * 2
    given = [49 if i == 7 else i for i in range(50)] * 2
    confusion = found(answered(run, label, given, classes="".join(map(chr, range(100, 150)))))
    part = confusion.most_confused()
    assert len(part.names) == answers.MOST_CONFUSED
    assert {chr(107), chr(149)} <= set(part.names)
    title = confusion_chart(confusion)["layout"]["title"]["text"]
    assert title == "2 of 2 mistakes are “k” taken for “\x95”; the 20 of 50 classes with the most mistakes"


def test_shares_are_of_all_images_of_a_class_though_not_all_classes_are_drawn(run: Run) -> None:
    label = [*range(50), 0, 0]
    given = [*range(50), 1, 1]
    confusion = found(answered(run, label, given, classes="".join(map(chr, range(100, 150)))))
    part = replace(confusion.most_confused(), counts=np.zeros((20, 20), int))
    assert part.images[0] == 3


def test_each_class_has_its_scores_the_least_recognised_first(run: Run) -> None:
    scores = answers.class_scores(Answers.of(answered(run, [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0])))
    assert [score.name for score in scores] == ["b", "a", "c"]
    b, a, c = scores
    assert (b.recall, b.precision, b.f1, b.support) == (0.5, 0.5, 0.5, 2)
    assert (a.recall, a.precision) == (0.75, 0.75)
    assert 0 < a.low < a.recall < a.high < 1
    assert math.isnan(c.recall)
    assert math.isnan(c.precision)
    assert answers.hardest(scores) == "“b” is recognised least often: in 50.00 % of 2 images (95 % 9 to 91 %)"
    assert (
        answers.hardest(answers.class_scores(Answers.of(answered(run, [0], [0]))))
        == "Every class is recognised every time"
    )


def test_the_expected_calibration_error_is_the_gap_weighted_by_images(run: Run) -> None:
    sure = [0.95] * 100 + [0.55] * 100
    right = [i % 100 < (80 if i < 100 else 55) for i in range(200)]
    given = [0 if ok else 1 for ok in right]
    of = replace(run, answers=pd.DataFrame({"label": 0, "winner": given, "confidence": sure}))
    calibration = answers.calibration(Answers.of(of))
    assert calibration is not None
    assert [(b.n, b.right) for b in calibration.bins] == [(100, 0.55), (100, 0.8)]
    assert calibration.error == pytest.approx(0.075)
    assert calibration.finding == (
        "Over-confident: says 75.00 %, is right in 67.50 % (expected calibration error 7.5 points)"
    )
    figure = go.Figure(calibration_chart(calibration))
    assert list(figure.data[2].y) == [100, 100]
    assert figure.data[1].y == (0.55, 0.8)


@pytest.mark.parametrize(
    "sure, said",
    [(0.34, "Under-confident"), (0.5, "Can't be told from well calibrated"), (0.9, "Over-confident")],
)
def test_confidence_is_only_called_wrong_where_the_images_are_enough_to_tell(run: Run, sure: float, said: str) -> None:
    half = answers.calibration(Answers.of(answered(run, [0] * 100, [i % 2 for i in range(100)], sure)))
    assert half is not None
    assert half.finding.startswith(said)
    few = answers.calibration(Answers.of(answered(run, [0] * 2, [0, 1], sure)))
    assert few is not None
    assert "Can't be told" in few.finding


def test_the_least_and_the_most_confident_answers_have_a_bin_too(run: Run) -> None:
    ends = replace(run, answers=pd.DataFrame({"label": 0, "winner": 0, "confidence": [0.0, 1.0]}))
    calibration = answers.calibration(Answers.of(ends))
    assert calibration is not None
    assert [(b.start, b.end) for b in calibration.bins] == [(0, 1 / 15), (14 / 15, 1)]


def test_sizes_and_balance_are_said_in_words() -> None:
    classes = [("cat", 60, 20, 20), ("dog", 30, 10, 10)]
    assert (
        sizes([90, 30, 30])
        == "Of 150 images 90 (60 %) train, 30 (20 %) validate and 30 (20 %) are the sealed test part"
    )
    assert balance(classes) == "“cat” has 2.0 times the images of “dog”"
    assert balance([("cat", 60, 20, 20), ("dog", 58, 20, 20)]) == "2 classes of nearly the same size"
    assert balance([("cat", 60, 20, 20), ("dog", 0, 0, 0)]) == "“dog” has no image, “cat” 100"
    assert (sizes([0, 0, 0]), balance([])) == ("", "")


def test_many_classes_are_drawn_by_size() -> None:
    many = [(f"{NASTY[2]}{i}", 10 * i, i, i) for i in range(1, 100)]
    chart = class_chart(many)
    figure = go.Figure(chart)
    assert list(figure.data[0].y) == [10 * i for i in range(99, 0, -1)]
    assert "times the images" in figure.layout.title.text
    assert "<b>" not in str(figure.data[0].customdata)
    assert class_chart(many[:FEW_CLASSES]) is None


def image(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_a_sheet_has_a_row_of_pictures_for_each_class(run: Run) -> None:
    sheet = pictures.sheet(run, "samples")
    assert sheet is not None
    assert sheet.classes == tuple(NASTY)
    drawn = image(sheet.picture.uri)
    assert (
        drawn.size
        == (4 * 56 + 3 * pictures.GAP, 3 * 56 + 2 * pictures.GAP)
        == (sheet.picture.width, sheet.picture.height)
    )
    first = np.asarray(drawn)[:56:2, :56:2]
    assert (first[..., 0] == run.pictures["samples"][0, ..., 0]).all(), "a pixel of a tiny picture is a square"
    assert np.asarray(drawn)[5, 57, 1] == 0, "between them one sees the page"
    assert sheet.picture.tiny
    assert "a row for each class" in sheet.picture.alt
    augmented = pictures.sheet(run, "augmented")
    assert augmented is not None
    assert augmented.picture.uri != sheet.picture.uri


def test_large_pictures_of_many_classes_stay_small(run: Run) -> None:
    ramp = np.linspace(0, 255, 96, dtype=np.uint8)
    photo = np.stack([np.add.outer(ramp // 2, ramp // 2), np.tile(ramp, (96, 1)), np.tile(ramp[:, None], 96)], axis=-1)
    many = {"samples": np.repeat(photo[None], 300, axis=0), "labels": np.repeat(np.arange(30), 10)}
    sheet = pictures.sheet(replace(run, pictures=many), "samples")
    assert sheet is not None
    assert (len(sheet.classes), sheet.left) == (pictures.MOST_ROWS, 18)
    assert len(sheet.picture.uri) < 300_000
    assert not sheet.picture.tiny
    assert sheet.picture.width < 8 * 60


def test_a_mistake_says_what_it_is_what_it_was_taken_for_and_how_surely(run: Run) -> None:
    first, *_ = mistakes = pictures.mistakes(run)
    assert len(mistakes) == 5
    row = run.answers.iloc[0]
    assert (first.name, first.true, first.given) == (row["name"], NASTY[row["label"]], NASTY[row["winner"]])
    assert first.confidence == row["confidence"]
    assert image(first.picture.uri).size == (4 * 28, 4 * 28)
    assert first.picture.alt.startswith(row["name"])


def test_names_of_classes_and_files_are_text_everywhere(run: Run) -> None:
    drawn = [chart for chart in charts(run).values() if chart]
    assert len(drawn) == 2
    for chart in drawn:
        assert "<b>" not in str([chart["data"], chart["layout"]["xaxis"], chart["layout"]["yaxis"]])
    page = render(run)
    assert NASTY[0] not in page
    assert NASTY[2] not in page


def test_all_charts_are_what_plotly_draws(run: Run) -> None:
    for chart in charts(run).values():
        if chart:
            go.Figure(chart)


def test_a_folder_without_answers_or_pictures_says_what_to_do(run: Run) -> None:
    old = Run(run.trials, run.summary, {}, None, None, [])
    page = render(old)
    assert "has no answers on the test part" in page
    assert "What the winner was trained on" not in page
    said = data(old)
    assert (said.samples, said.mistakes, said.scores) == (None, [], [])
    unsure = replace(run, answers=run.answers.assign(confidence=math.nan))
    assert answers.calibration(Answers.of(unsure)) is None
    render(unsure)
