import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

from autocls.training.metrics import (
    accuracy,
    average_precision,
    balanced_accuracy,
    label_macro_f1,
    macro_f1,
    mean_average_precision,
)

TRUE = np.array([0, 0, 0, 0, 1, 1])
GUESSED = np.array([0, 0, 0, 0, 0, 1])


@pytest.mark.parametrize(
    ("metric", "score"), [(accuracy, 5 / 6), (balanced_accuracy, 3 / 4), (macro_f1, (8 / 9 + 2 / 3) / 2)]
)
def test_scores(metric, score: float):
    assert metric(TRUE, GUESSED) == pytest.approx(score)


@pytest.mark.parametrize("metric", [accuracy, balanced_accuracy, macro_f1])
def test_scores_run_from_nothing_to_one(metric):
    assert [metric(TRUE, guessed) for guessed in (TRUE, 1 - TRUE)] == [1, 0]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1))
def test_scores_are_those_of_scikit_learn(pairs: list[tuple[int, int]]):
    truth, said = np.array(pairs).T
    assert accuracy(truth, said) == pytest.approx(reference.accuracy_score(truth, said))
    assert balanced_accuracy(truth, said) == pytest.approx(reference.recall_score(
        truth, said, labels=np.unique(truth), average="macro", zero_division=0.0))  # fmt: skip
    f1 = reference.f1_score(truth, said, average="macro", zero_division=0.0)
    assert macro_f1(truth, said) == pytest.approx(f1)


truths = st.integers(1, 30).flatmap(lambda n: arrays(np.bool_, (n, 4)))


@given(truths, st.data())
def test_the_scores_of_labels_are_those_of_scikit_learn(truth: np.ndarray, data: st.DataObject):
    scores = data.draw(arrays(np.float64, truth.shape, elements=st.integers(-3, 3).map(float)))  # many of them alike
    there = truth.any(axis=0)
    if there.any():
        expected = reference.average_precision_score(truth[:, there], scores[:, there], average="macro")
        assert mean_average_precision(truth, scores) == pytest.approx(expected)
    said = scores >= 0
    if (there | said.any(axis=0)).any():
        expected = reference.f1_score(truth, said, average="macro", zero_division=np.nan)
        assert label_macro_f1(truth, said) == pytest.approx(expected)


def test_a_label_without_images_has_no_average_precision_and_doesnt_count():
    truth, scores = np.array([[True, False], [False, False]]), np.array([[1.0, 1.0], [2.0, 2.0]])
    assert np.isnan(average_precision(truth[:, 1], scores[:, 1]))
    assert mean_average_precision(truth, scores) == average_precision(truth[:, 0], scores[:, 0]) == 0.5


def test_nothing_there_and_nothing_said_scores_nothing():
    nothing = np.zeros((3, 2), np.bool_)
    assert mean_average_precision(nothing, np.zeros((3, 2))) == label_macro_f1(nothing, nothing) == 0
