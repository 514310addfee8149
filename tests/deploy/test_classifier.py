from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autocls.data import ImageData
from autocls.deploy import Classifier
from autocls.deploy.classifier import Prediction, percent
from autocls.errors import BadInput
from autocls.training.artifact import load


@pytest.fixture(scope="module")
def classifier(digits_model: Path) -> Classifier:
    return Classifier.load(digits_model)


@pytest.fixture
def pictures(digits: ImageData) -> list[np.ndarray]:
    return [digits.images[row, 0] for row in digits.split.test[:5]]


def test_arrays_pil_images_and_files_are_one_and_the_same(
    classifier: Classifier, pictures: list[np.ndarray], tmp_path: Path
):
    images = [Image.fromarray(picture) for picture in pictures]
    paths = [tmp_path / f"{i}.png" for i in range(len(images))]
    for image, path in zip(images, paths, strict=True):
        image.save(path)
    expected = classifier.predict_proba(pictures)
    assert expected.shape == (5, 10)
    np.testing.assert_allclose(expected.sum(1), 1, rtol=1e-5)
    for others in (images, paths, map(str, paths), [image.convert("RGB") for image in images]):
        np.testing.assert_allclose(classifier.predict_proba(others), expected, atol=1e-5)


def test_it_is_as_good_as_its_card_says(classifier: Classifier, digits: ImageData):
    test = digits.split.test
    guessed = classifier.predict_proba(digits.images[test, 0]).argmax(1)
    assert (guessed == digits.labels[test]).mean() == pytest.approx(classifier.card.test_score)
    assert classifier.card.test_score > 0.8


def test_its_temperature_makes_the_validation_labels_likelier(
    classifier: Classifier, digits_model: Path, digits: ImageData
):
    val = digits.split.val
    plain = Classifier(*load(digits_model)[:2], replace(classifier.card, temperature=1.0))
    said = {name: who.predict_proba(digits.images[val, 0]) for name, who in (("fitted", classifier), ("plain", plain))}
    surprise = {name: -np.log(p[np.arange(len(val)), digits.labels[val]]).mean() for name, p in said.items()}
    assert classifier.card.temperature != 1
    assert surprise["fitted"] < surprise["plain"]


def test_the_likeliest_labels_come_first(classifier: Classifier, pictures: list[np.ndarray]):
    rows = classifier.predict_proba(pictures)
    for prediction, row in zip(classifier.predict(pictures, top=4), rows, strict=True):
        assert [p for _, p in prediction.ranked] == pytest.approx(sorted(row, reverse=True)[:4])
        assert prediction.label == prediction.ranked[0][0] == classifier.labels[row.argmax()]


def test_top_takes_what_there_is(classifier: Classifier, pictures: list[np.ndarray]):
    assert len(classifier.predict(pictures[:1])[0].ranked) == 3
    assert len(classifier.predict(pictures[:1], top=99)[0].ranked) == 10
    with pytest.raises(BadInput, match="top must be at least 1, not 0"):
        classifier.predict(pictures, top=0)


def test_predictions_are_a_sequence_with_the_numbers_behind_it(classifier: Classifier, pictures: list[np.ndarray]):
    said = classifier.predict(pictures, top=2)
    assert [prediction.label for prediction in said] == list(said.labels)
    np.testing.assert_array_equal(said.probabilities, classifier.predict_proba(pictures))
    assert len(said[1:3]) == 2
    assert said[1:3].labels == said.labels[1:3]
    assert said[-1].ranked == list(said)[-1].ranked


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_answers_do_not_depend_on_the_batch(classifier: Classifier, pictures: list[np.ndarray], batch_size: int):
    expected = classifier.predict_proba(pictures)
    np.testing.assert_allclose(classifier.predict_proba(pictures, batch_size), expected, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_a_stream_keeps_the_order_and_says_what_cant_be_read(
    classifier: Classifier, pictures: list[np.ndarray], tmp_path: Path, batch_size: int
):
    paths = [tmp_path / f"{i}.png" for i in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    paths.insert(1, tmp_path / "gone.png")
    said = list(classifier.stream(iter(paths), batch_size=batch_size))
    assert [path for path, _ in said] == paths
    (broken,) = [answer for _, answer in said if isinstance(answer, BadInput)]
    assert "gone.png: No such file" in str(broken)
    labels = [answer.label for _, answer in said if not isinstance(answer, BadInput)]
    assert labels == list(classifier.predict(pictures).labels)


def test_a_stream_holds_two_batches_however_many_files_there_are(classifier: Classifier, tmp_path: Path):
    asked = 0

    def paths() -> Iterator[Path]:
        nonlocal asked
        for i in range(100):
            asked += 1
            yield tmp_path / f"{i}.png"

    next(classifier.stream(paths(), batch_size=5))
    assert asked == 10


def test_labels_below_a_threshold_are_left_out():
    prediction = Prediction((("eagle", 0.7), ("cat", 0.2)))
    assert str(prediction.above(0.5)) == "eagle 70 %"
    assert not prediction.above(0.9)


def test_no_pictures_give_no_predictions(classifier: Classifier):
    assert list(classifier.predict([])) == []
    assert classifier.predict_proba([]).shape == (0, 10)


def test_pictures_of_any_size_are_taken(classifier: Classifier):
    sizes = [(10, 40), (64, 64), (40, 10, 3), (28, 28, 4)]
    assert classifier.predict_proba([np.zeros(size, np.uint8) for size in sizes]).shape == (4, 10)


def test_an_array_with_one_channel_is_a_grey_picture(classifier: Classifier, pictures: list[np.ndarray]):
    expected = classifier.predict_proba(pictures)
    np.testing.assert_array_equal(classifier.predict_proba(picture[..., None] for picture in pictures), expected)


@pytest.mark.parametrize(
    "array",
    [np.zeros((8, 8)), np.zeros((8, 8, 3, 2), np.uint8), np.zeros((0, 8), np.uint8)],
    ids=["float", "4-D", "empty"],
)
def test_an_array_that_is_no_picture_is_bad_input(classifier: Classifier, array: np.ndarray):
    with pytest.raises(BadInput):
        classifier.predict_proba([array])


def test_a_file_that_is_no_picture_is_bad_input(classifier: Classifier, tmp_path: Path):
    (tmp_path / "text.png").write_text("no picture")
    for name in ("text.png", "missing.png"):
        with pytest.raises(BadInput, match=name):
            classifier.predict([tmp_path / name])


def test_a_prediction_reads_well():
    prediction = Prediction((("eagle", 0.952), ("cat", 0.041), ("dog", 0.001)))
    assert str(prediction) == "eagle 95 %, cat 4 %, dog <1 %"
    assert prediction.label == "eagle"


@pytest.mark.parametrize(
    ("probability", "text"), [(1, "100 %"), (0.5, "50 %"), (0.006, "1 %"), (0.004, "<1 %"), (0, "0 %")]
)
def test_percent_never_rounds_to_a_nothing_that_it_is_not(probability: float, text: str):
    assert percent(probability) == text


def test_a_picture_in_memory_is_taken_as_its_file_is(
    classifier: Classifier, pictures: list[np.ndarray], tmp_path: Path
):
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(pictures[0]).save(tmp_path / "turned.png", exif=turned)
    with Image.open(tmp_path / "turned.png") as image:
        both = classifier.predict_proba([image, tmp_path / "turned.png"])
    np.testing.assert_allclose(both[0], both[1], atol=1e-5)
    with pytest.raises(BadInput, match="its pixels are floats"):
        classifier.predict([Image.new("F", (8, 8))])
    (tmp_path / "cut.png").write_bytes((tmp_path / "turned.png").read_bytes()[:-40])
    with Image.open(tmp_path / "cut.png") as image, pytest.raises(BadInput):
        classifier.predict([image])


def test_no_batch_is_empty(classifier: Classifier, pictures: list[np.ndarray]):
    with pytest.raises(BadInput, match="batch_size must be at least 1, not 0"):
        classifier.predict(pictures, batch_size=0)
