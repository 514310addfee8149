"""The verbs that use a model, on one that gives images any number of labels."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import autocls
from autocls.cli import app
from autocls.data import prepare
from autocls.errors import BadInput
from autocls.recipe import Recipe
from tests.several import write


def said(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("several"), pictures=150, kinds=3)


@pytest.fixture(scope="module")
def model(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "digits"
    recipe = Recipe(image_size=16, norm="batch", loss="bce", optimizer={"adam": {"lr": 0.01}}, epochs=3)
    autocls.train(recipe, pictures, folder)
    return folder


def test_predict_lists_the_labels_that_reach_their_thresholds(model: Path, pictures: Path) -> None:
    files, classifier = pictures.parent / "pictures", autocls.load(model)
    lines = said("predict", model, files).stdout.splitlines()
    expected = classifier.predict(sorted(files.iterdir()))
    assert [line.rpartition(": ")[2] for line in lines] == [str(each) or "no label" for each in expected]
    rows = [json.loads(line) for line in said("predict", model, files, "--json").stdout.splitlines()]
    assert [len(row["labels"]) for row in rows] == [len(each.ranked) for each in expected]
    assert said("predict", model, files, "--csv").stdout.startswith("image,label,probability,label_2,probability_2,")
    certain = said("predict", model, files, "--threshold", 1).stdout.splitlines()
    assert all(line.endswith(": no label") for line in certain)


def test_evaluate_says_how_well_each_label_is_told(model: Path, pictures: Path, tmp_path: Path) -> None:
    shown = said("evaluate", model, pictures, "--page", tmp_path / "page.html").stdout
    images = prepare(pictures).images["test"]
    assert f"{pictures}, the test part: {images} images with 3 labels" in shown
    plain = json.loads(said("evaluate", model, pictures, "--json").stdout)
    assert plain["measures"]["mAP"]["value"] == pytest.approx(autocls.load(model).card.test_score, abs=1e-6)
    assert {label["name"] for label in plain["labels"]} == {"0", "1", "2"}
    assert f"mean average precision on {images} images" in (tmp_path / "page.html").read_text()


def test_evaluate_of_other_images_takes_all_of_them(model: Path, tmp_path: Path) -> None:
    others = write(tmp_path / "others", pictures=40, seed=1, kinds=2)
    (tmp_path / "others" / "pictures" / "0003.png").write_bytes(b"")
    shown = said("evaluate", model, others).stdout
    assert f"{others}: 39 images with 2 of the 3 labels" in shown
    assert "1 of 40 images left out, unreadable: pictures/0003.png (the file is empty)" in shown


def test_a_model_is_not_evaluated_on_images_of_the_other_kind(model: Path, digits_model: Path, pictures: Path) -> None:
    with pytest.raises(BadInput, match="digits: its images have one class each, and the model is multi-label"):
        said("evaluate", model, "digits")
    with pytest.raises(BadInput, match=r"its images have any number of labels each, and the model is single-label"):
        said("evaluate", digits_model, pictures)
