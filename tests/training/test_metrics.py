import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from autocls.errors import BadInput
from autocls.training.metrics import METRICS, metric

TRUE = np.array([0, 0, 0, 0, 1, 1])
GUESSED = np.array([0, 0, 0, 0, 0, 1])


@pytest.mark.parametrize(
    ("name", "score"), [("accuracy", 5 / 6), ("balanced_accuracy", 3 / 4), ("macro_f1", (8 / 9 + 2 / 3) / 2)]
)
def test_scores(name: str, score: float):
    assert metric(name)(TRUE, GUESSED) == pytest.approx(score)


@pytest.mark.parametrize("name", METRICS)
def test_scores_run_from_nothing_to_one(name: str):
    assert [metric(name)(TRUE, guessed) for guessed in (TRUE, 1 - TRUE)] == [1, 0]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1))
def test_scores_are_those_of_scikit_learn(pairs: list[tuple[int, int]]):
    truth, said = np.array(pairs).T
    assert metric("accuracy")(truth, said) == pytest.approx(reference.accuracy_score(truth, said))
    assert metric("balanced_accuracy")(truth, said) == pytest.approx(reference.recall_score(
        truth, said, labels=np.unique(truth), average="macro", zero_division=0.0))  # fmt: skip
    f1 = reference.f1_score(truth, said, average="macro", zero_division=0.0)
    assert metric("macro_f1")(truth, said) == pytest.approx(f1)


def test_an_unknown_metric_is_bad_input():
    with pytest.raises(BadInput, match="--metric: no such metric 'f1'"):
        metric("f1")
