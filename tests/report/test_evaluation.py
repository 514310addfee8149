import json
from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics

from autocls.report.evaluation import Evaluation, as_json, html, text

CLASSES = tuple("abcdefg")


def made(seed: int = 0, images: int = 300, sure: float = 3.0, notes: tuple[str, ...] = ()) -> Evaluation:
    """A model that is right more often than not."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(CLASSES), images)
    logits = random.normal(size=(images, len(CLASSES))) + sure * np.eye(len(CLASSES))[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    names = tuple(f"{i}.png" for i in range(images))
    return Evaluation("model", "photos/, the test part", names, CLASSES, labels, probabilities.astype("f4"), notes)


EXPECTED: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": lambda y, p: metrics.accuracy_score(y, p.argmax(1)),
    "balanced accuracy": lambda y, p: metrics.balanced_accuracy_score(y, p.argmax(1)),
    "macro-F1": lambda y, p: metrics.f1_score(y, p.argmax(1), average="macro"),
    "top-5 accuracy": lambda y, p: metrics.top_k_accuracy_score(y, p, k=5),
    "log-loss": lambda y, p: metrics.log_loss(y, p, labels=range(len(CLASSES))),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_its_numbers_are_scikit_learns(name: str) -> None:
    for seed in range(3):
        of = made(seed)
        (measure,) = [measure for measure in of.measures if measure.name == name]
        assert measure.value == pytest.approx(EXPECTED[name](of.labels, of.probabilities.astype(float)), abs=1e-5)
        assert measure.low < measure.value < measure.high + 1e-9


def test_intervals_hold_what_many_other_images_give() -> None:
    whole = {m.name: m.value for m in made(images=20_000).measures}
    held = dict.fromkeys(whole, 0)
    for seed in range(1, 21):
        for m in made(seed).measures:
            held[m.name] += m.low <= whole[m.name] <= m.high
    assert min(count for name, count in held.items() if name != "calibration error") >= 16, held  # of 20; 19 expected


def test_the_calibration_errors_interval_holds_its_value() -> None:
    for seed in range(10):
        measure = made(seed, images=60).measures[-1]
        assert measure.name == "calibration error"
        assert 0 <= measure.low <= measure.value <= measure.high


def test_a_model_that_is_always_right_is_not_called_certain() -> None:
    accuracy = made(images=20, sure=50.0).measures[0]
    assert (accuracy.value, accuracy.high) == (1, 1)
    assert accuracy.low == pytest.approx(0.84, abs=0.01)


def test_the_text_names_classes_mistakes_and_notes() -> None:
    of = made(notes=("1 of 301 images left out, unreadable: x.png (the file is empty)",))
    said = text(of)
    assert "photos/, the test part: 300 images of 7 classes" in said
    assert "x.png (the file is empty)" in said
    assert f"{of.measures[0]}" in said
    assert of.scores[0].recall <= of.scores[-1].recall
    (line,) = [line for line in said.splitlines() if line.startswith("a ") and "to" in line]
    assert line.split()[0] == "a"
    last = said.splitlines()[-1].split()
    assert last[0] == "g"
    assert sum(map(int, last[1:])) == (of.labels == 6).sum()


def test_classes_that_are_neither_there_nor_given_have_no_row() -> None:
    probabilities = np.eye(3, dtype="f4")[[0, 0, 1]]
    of = Evaluation("m", "d", ("x", "y", "z"), ("a", "b", "c"), np.array([0, 0, 0]), probabilities)
    assert [score.name for score in of.scores] == ["a", "b"]
    assert of.heading == "d: 3 images of 1 of the 3 classes"


def test_json_has_the_same_numbers_and_no_nan() -> None:
    of = made()
    read = json.loads(as_json(of), parse_constant=pytest.fail)
    assert read["measures"]["accuracy"]["value"] == of.measures[0].value
    assert np.sum(read["confusion"]["counts"]) == read["images"] == 300
    assert {row["name"] for row in read["classes"]} == set(CLASSES)


def test_the_page_needs_no_network_and_escapes_names() -> None:
    names = ("<script>alert(1)</script>", "y.png")
    of = Evaluation("<b>", "d", names, ("<i>", "b"), np.array([0, 1]), np.array([[0.1, 0.9], [0.2, 0.8]], "f4"))
    page = html(of)
    assert "<script>alert(1)" not in page
    assert "<i>" not in page
    assert "src=" not in page.partition("<script type=")[0]
