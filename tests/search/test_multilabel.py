"""A search over pictures that show one to three digits, and what comes of it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import autocls
from autocls.data import prepare
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.report import labels
from autocls.report.data import charts
from autocls.report.labels import LabelAnswers
from autocls.report.run import Run, read
from autocls.search.more import reopen_test
from autocls.search.run import SearchResult
from autocls.space import Space
from autocls.training.artifact import load
from autocls.training.metrics import mean_average_precision
from tests.several import write

SPACE = {
    "architecture": {"lenet": {"width": 0.5}},
    "image_size": 16,
    "norm": ["none", "batch"],
    "mix": ["none", "mixup"],
    "sampling": ["none", "balanced"],
    "loss": ["cross_entropy", "asymmetric", "bce"],
    "label_smoothing": [0.0, 0.1],
    "distill": ["none", "best"],
    "optimizer": {"adam": {"lr": 0.01}},
    "epochs": 2,
    "suggestions": [{"norm": "batch", "sampling": "balanced", "loss": "cross_entropy"}],
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("several"), pictures=260, kinds=4)


@pytest.fixture(scope="module")
def result(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    return autocls.search(
        pictures, SPACE, trials=16, out=tmp_path_factory.mktemp("run"), confirm=1, screen=False, pruner="none",
        address="inline",
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(result: SearchResult) -> Run:
    return read(result.folder)


def test_what_makes_no_sense_is_left_out_of_the_space_and_said(result: SearchResult, run: Run) -> None:
    left = Space.load(result.folder / "space.yaml")
    assert [option.name for option in left.slots["loss"]] == ["asymmetric", "bce"]
    assert [option.name for option in left.slots["sampling"]] == ["none"]
    assert [option.name for option in left.slots["distill"]] == ["none"]
    assert left.baseline().loss.choice == "asymmetric"
    assert left.suggestions == (left.baseline().model_copy(update={"norm": left.suggestions[0].norm}),)
    notes = "\n".join(run.summary["notes"])
    assert "left out of the space: loss: cross_entropy, as the images have any number of labels" in notes
    assert "left out of the space: sampling: balanced" in notes
    assert run.summary["multilabel"]
    assert (run.trials["state"] != "FAIL").all()
    assert not run.trials["recipe"].str.contains("cross_entropy").any()


def test_its_metric_is_map_and_fresh_seeds_judge_it(result: SearchResult, run: Run) -> None:
    assert result.metric == run.summary["metric"] == "map"
    assert result.verdict is not None
    assert result.verdict.confirmed.n >= 5
    assert result.verdict.gain.n >= 5
    assert "% mAP on fresh seeds" in result.verdict.paragraph
    again = run.trials[run.trials["phase"] == "attribute"]
    assert again["seed"].nunique() >= 5


def test_the_models_card_has_a_threshold_for_each_label(result: SearchResult) -> None:
    _, recipe, card = load(result.folder / "model")
    assert (card.labels, card.metric, recipe) == (("0", "1", "2", "3"), "map", result.recipe)
    assert card.thresholds is not None
    assert all(0 < threshold < 1 for threshold in card.thresholds)
    assert len(set(card.thresholds)) > 1
    assert card.temperature != 1
    assert card.test_score == result.test_score


def test_the_sealed_parts_answers_are_kept_label_by_label(result: SearchResult, run: Run, pictures: Path) -> None:
    names, there = prepare(pictures).named("test")
    said = LabelAnswers.of(run)
    assert said.names == tuple(names)
    np.testing.assert_array_equal(said.there, there)
    assert mean_average_precision(said.there, said.probability) == pytest.approx(result.test_score)
    classifier = autocls.load(result.folder / "model")
    np.testing.assert_allclose(
        said.probability, classifier.predict_proba(pictures.parent / name for name in names), atol=1e-4
    )
    assert tuple(said.threshold) == classifier.card.thresholds
    assert run.label_answers["baseline"].between(0, 1).all()
    assert run.answers.empty


def test_pictures_are_of_each_label_and_of_wrong_ones(run: Run, pictures: Path) -> None:
    data = prepare(pictures).at(16)
    assert np.bincount(run.pictures["labels"]).tolist() == [15] * 4
    said = LabelAnswers.of(run)
    assert said.wrong[run.pictures["rows"]].any(axis=1).all()
    first = data.split.test[run.pictures["rows"][0]]
    np.testing.assert_array_equal(run.pictures["mistakes"][0], data.images[first].transpose(1, 2, 0))


def test_the_page_has_a_table_of_labels_and_no_confusion(result: SearchResult, run: Run) -> None:
    page = result.report.read_text()
    scores = labels.label_scores(LabelAnswers.of(run))
    assert str(labels.overall(LabelAnswers.of(run), scores)) in page
    assert "The 18 most confident of" in page
    for score in scores:
        assert f'<td class="n">{score.threshold:.3f}</td>' in page
    assert 'id="chart-calibration"' in page
    assert 'id="chart-confusion"' not in page
    assert "confusion" not in charts(run)
    assert "Of 260 images" in page


def test_its_predictions_are_the_labels_above_their_thresholds(result: SearchResult, pictures: Path) -> None:
    classifier = autocls.load(result.folder / "model")
    files = sorted((pictures.parent / "pictures").iterdir())[:40]
    probabilities = classifier.predict_proba(files)
    said = classifier.predict(files)
    for prediction, row in zip(said, probabilities, strict=True):
        above = {
            label for label, p, t in zip(classifier.labels, row, classifier.card.thresholds, strict=True) if p >= t
        }
        assert {label for label, _ in prediction.ranked} == above
        assert [p for _, p in prediction.ranked] == sorted((p for _, p in prediction.ranked), reverse=True)
    assert len({len(prediction.ranked) for prediction in said}) > 1
    assert all(len(prediction.ranked) <= 1 for prediction in classifier.predict(files, top=1))
    assert [p for _, p in classifier.stream(files)] == list(said)


def test_the_test_part_can_be_opened_again(result: SearchResult, run: Run) -> None:
    verdict = reopen_test(result.folder)
    assert verdict.test is not None
    assert verdict.test.times == 2
    pd.testing.assert_frame_equal(read(result.folder).label_answers, run.label_answers)


def test_a_metric_of_single_label_data_is_refused_before_the_first_trial(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no such metric 'accuracy'; known: map, macro_f1 \(multi-label data\)"):
        autocls.search(pictures, SPACE, trials=1, out=tmp_path / "run", metric="accuracy", address="inline")
    assert not (tmp_path / "run" / "journal.log").exists()
    with pytest.raises(BadInput, match=r"no such metric 'map'; .* \(single-label data\)"):
        autocls.train(Recipe(epochs=1), "digits", tmp_path / "model", metric="map")


def test_a_recipe_that_makes_no_sense_is_refused_with_what_does(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cross_entropy: not applicable: .*; loss can be bce or asymmetric"):
        autocls.train(Recipe(image_size=16, epochs=1), pictures, tmp_path / "model")


def test_train_goes_on_from_its_recipe_and_keeps_a_model_by_another_metric(
    result: SearchResult, pictures: Path, tmp_path: Path
) -> None:
    seen = []
    recipe = result.folder / "best_recipe.yaml"
    classifier = autocls.train(recipe, pictures, tmp_path / "model", metric="macro_f1", watch=seen.append)
    assert len(seen) == 2
    assert classifier.card.metric == "macro_f1"
    assert classifier.card.validation_score == max(epoch.score for epoch in seen)
    assert len(json.loads((tmp_path / "model" / "model.json").read_text())["thresholds"]) == 4
