from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autocls.data import ImageData, Prepared
from autocls.deploy import Classifier
from autocls.deploy.labelled import answers
from autocls.errors import BadInput


@pytest.fixture(scope="module")
def classifier(digits_model: Path) -> Classifier:
    return Classifier.load(digits_model)


@pytest.fixture
def photos(digits: ImageData, tmp_path: Path) -> Path:
    """Digits of three classes as files that the classifier has not seen in this form."""
    for label in (3, 5, 7):
        (tmp_path / "photos" / str(label)).mkdir(parents=True)
        for row in np.flatnonzero(digits.labels == label)[:6]:
            Image.fromarray(digits.images[row, 0]).resize((40, 40)).save(
                tmp_path / "photos" / str(label) / f"{row}.png"
            )
    return tmp_path / "photos"


def test_of_its_own_images_the_test_part_is_taken_in_the_split_of_its_training(
    classifier: Classifier, digits: ImageData, monkeypatch: pytest.MonkeyPatch, prepared_digits: Prepared
) -> None:
    monkeypatch.setenv("AUTOCLS_CACHE", str(prepared_digits.cache))
    said = answers(classifier, "digits")
    assert said.part == "test"
    np.testing.assert_array_equal(said.labels, digits.labels[digits.split.test])
    assert (said.probabilities.argmax(1) == said.labels).mean() == pytest.approx(classifier.card.test_score)
    assert any("learnt" in note for note in answers(classifier, "digits", "train").notes)
    assert "learnt from some" in answers(classifier, "digits", "all").notes[0]


def test_of_other_images_all_are_taken_though_not_all_classes_are_there(classifier: Classifier, photos: Path) -> None:
    said = answers(classifier, photos, batch_size=4)
    assert (said.part, len(said.names), set(said.labels.tolist())) == ("all", 18, {3, 5, 7})
    for name, label, row in zip(said.names, said.labels, said.probabilities, strict=True):
        assert name.startswith(f"{label}/")
        np.testing.assert_allclose(row, classifier.predict_proba([photos / name])[0], atol=1e-5)


def test_what_cant_be_read_is_named_and_left_out(classifier: Classifier, photos: Path) -> None:
    (photos / "3" / "broken.png").write_bytes(b"")
    said = answers(classifier, photos)
    assert len(said.names) == 18
    assert said.notes == ("1 of 19 images left out, unreadable: 3/broken.png (the file is empty)",)


def test_where_nothing_can_be_read_there_is_no_answer(classifier: Classifier, tmp_path: Path) -> None:
    (tmp_path / "x" / "3").mkdir(parents=True)
    (tmp_path / "x" / "3" / "broken.png").write_bytes(b"")
    with pytest.raises(BadInput, match=r"none of its 1 images can be read: 3/broken.png \(the file is empty\)"):
        answers(classifier, tmp_path / "x")


def test_a_label_that_the_model_does_not_know_is_bad_input(classifier: Classifier, photos: Path) -> None:
    (photos / "3").rename(photos / "thre3")
    with pytest.raises(BadInput, match=r"the model can't tell this: no such label 'thre3'; .*known: 0, 1, 2"):
        answers(classifier, photos)


def test_a_part_that_is_not_there_is_bad_input(classifier: Classifier, photos: Path) -> None:
    with pytest.raises(BadInput, match="has no val part"):
        answers(classifier, photos, "val")
    with pytest.raises(BadInput, match="no such part 'tset'; did you mean 'test'"):
        answers(classifier, photos, "tset")
