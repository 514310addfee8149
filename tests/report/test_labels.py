"""How well each of many labels is told."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as reference

from autocls.report import label_evaluation, labels
from autocls.report.data import data, label_charts
from autocls.report.label_evaluation import LabelEvaluation
from autocls.report.labels import LabelAnswers
from autocls.report.run import read
from tests.report.runs import NASTY, write


def answered(images: int = 300, rare: bool = True) -> LabelAnswers:
    """Answers to images with the labels ``NASTY``, of which the last has no image unless it is not rare."""
    random = np.random.default_rng(0)
    share = np.array([0.5, 0.3, 0.0 if rare else 0.2])
    there = random.random((images, 3)) < share
    probability = np.clip(there * 0.5 + random.uniform(0, 0.6, there.shape), 0, 1)
    names = tuple(f"{NASTY[0]}/{row}.png" for row in range(images))
    return LabelAnswers(tuple(NASTY), names, there, probability, np.array([0.4, 0.6, 0.9]))


def test_each_label_s_scores_are_scikit_learn_s() -> None:
    said = answered(rare=False)
    scores = {score.name: score for score in labels.label_scores(said)}
    precision, recall, f1, support = reference.precision_recall_fscore_support(said.there, said.given)
    for k, name in enumerate(said.classes):
        score = scores[name]
        assert (score.precision, score.recall, score.f1) == pytest.approx((precision[k], recall[k], f1[k]))
        assert score.support == support[k]
        assert score.low <= score.recall <= score.high
        assert score.threshold == said.threshold[k]
        expected = reference.average_precision_score(said.there[:, k], said.probability[:, k])
        assert score.average_precision == pytest.approx(expected)
    overall = labels.overall(said, list(scores.values()))
    assert overall.mean_average_precision == pytest.approx(
        reference.average_precision_score(said.there, said.probability, average="macro")
    )
    assert overall.macro_f1 == pytest.approx(reference.f1_score(said.there, said.given, average="macro"))
    assert overall.exact == pytest.approx(reference.accuracy_score(said.there, said.given))


def test_the_worst_told_label_comes_first_and_one_without_images_last() -> None:
    scores = labels.label_scores(answered())
    assert scores[0].average_precision < scores[1].average_precision
    assert (scores[2].name, scores[2].support) == (NASTY[2], 0)
    assert np.isnan([scores[2].average_precision, scores[2].recall, scores[2].low]).all()
    assert labels.hardest(scores).startswith(f"“{scores[0].name}” is told worst: average precision ")
    assert labels.hardest(scores[2:]) == "No label has an image here"
    assert not np.isnan(labels.overall(answered(), scores).mean_average_precision)


def test_calibration_is_over_all_pairs_of_image_and_label() -> None:
    said = answered()
    found = labels.calibration(said)
    assert found is not None
    assert found.n == said.there.size
    assert (found.confidence, found.right) == pytest.approx((said.probability.mean(), said.there.mean()))
    assert label_charts(said)["calibration"]["layout"]["title"]["text"] == found.finding
    assert "Labels are made" in found.finding


def test_a_run_of_images_with_one_class_each_has_no_answers_of_labels(tmp_path: Path) -> None:
    run = read(write(tmp_path))
    assert len(LabelAnswers.of(run)) == 0
    assert data(run).label_scores == []
    assert data(run).scores


@pytest.fixture(scope="module")
def evaluated() -> LabelEvaluation:
    return LabelEvaluation("model", "photos/", answered(), (f"1 image in {NASTY[0]} left out",))


def test_the_measures_have_intervals_around_them(evaluated: LabelEvaluation) -> None:
    measures = {measure.name: measure for measure in evaluated.measures}
    assert list(measures) == ["mAP", "macro-F1", "micro-F1", "all labels right", "calibration error"]
    for measure in measures.values():
        assert 0 <= measure.low < measure.value < measure.high <= 1, measure.name
    said = evaluated.said
    assert measures["micro-F1"].value == pytest.approx(reference.f1_score(said.there, said.given, average="micro"))


def test_resampled_numbers_are_those_of_the_images_that_were_drawn(evaluated: LabelEvaluation) -> None:
    said, times = evaluated.said, np.random.default_rng(1).integers(0, 3, len(evaluated.said))
    drawn = np.repeat(np.arange(len(said)), times)
    there, given, probability = (of[drawn] for of in (said.there, said.given, said.probability))
    table = label_evaluation._Table(said)
    expected = reference.average_precision_score(there[:, :2], probability[:, :2], average="macro")
    assert table.mean_average_precision(times.astype(float)) == pytest.approx(expected)
    assert table.micro_f1(times) == pytest.approx(reference.f1_score(there, given, average="micro"))
    assert table.macro_f1(times) == pytest.approx(reference.f1_score(there[:, :2], given[:, :2], average="macro"))
    found = labels.calibration(LabelAnswers(said.classes, (), there, probability, said.threshold))
    assert found is not None
    assert table.calibration_error(times.astype(float)) == pytest.approx(found.error)


def test_an_evaluation_reads_as_text_as_json_and_as_a_page(evaluated: LabelEvaluation) -> None:
    text = label_evaluation.text(evaluated)
    assert text.startswith("photos/: 300 images with 2 of the 3 labels, 0.73 an image\n")
    assert text.count("\n") > 12
    plain = json.loads(label_evaluation.as_json(evaluated), parse_constant=pytest.fail)
    assert plain["measures"]["mAP"]["value"] == evaluated.measures[0].value
    assert plain["labels"][2]["average_precision"] is None
    page = label_evaluation.html(evaluated)
    assert "mean average precision on 300 images" in page
    assert "chart-calibration" in page
    assert f'<td class="n">{0.6:.3f}</td>' in page
    assert "<b>" not in page.partition("<main>")[2].partition("<script")[0], "names are escaped"


@pytest.mark.filterwarnings("error")
def test_intervals_stay_where_few_images_have_a_label() -> None:
    said = answered(images=30)
    few = np.zeros_like(said.there)
    few[:2, 0] = True
    of = LabelEvaluation("model", "data", LabelAnswers(said.classes, said.names, few, said.probability, said.threshold))
    for measure in of.measures:
        assert measure.low <= measure.value <= measure.high, measure
