import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score

from autocls.training.thresholds import fit_thresholds

truths = st.integers(1, 40).flatmap(lambda n: arrays(np.bool_, (n, 3)))


@given(truths, st.data())
def test_thresholds_lie_in_the_unit_interval_whatever_there_is(truth: np.ndarray, data: st.DataObject):
    said = data.draw(arrays(np.float32, truth.shape, elements=st.floats(0, 1, width=32)))
    thresholds = fit_thresholds(said, truth)
    assert len(thresholds) == 3
    assert all(0 <= threshold <= 1 for threshold in thresholds)


def test_a_label_with_many_images_gets_the_threshold_that_is_best_for_itself():
    random = np.random.default_rng(0)
    there = random.random((2000, 2)) < 0.3
    centre = np.array([0.2, 0.7])  # the two labels want quite different thresholds
    said = np.clip(centre + np.where(there, 0.15, -0.05) + random.normal(0, 0.05, there.shape), 0, 1)
    thresholds = np.array(fit_thresholds(said, there))
    np.testing.assert_allclose(thresholds, centre + 0.06, atol=0.03)
    assert f1_score(there, said >= thresholds, average="macro") > 0.95
    assert f1_score(there, said >= 0.5, average="macro") < 0.7


def test_a_label_with_two_images_is_not_cut_just_below_the_lower_of_them():
    random = np.random.default_rng(0)
    often = random.random(500) < 0.4
    rare = np.zeros(500, np.bool_)
    rare[:2] = True
    said = np.stack([np.clip(np.where(often, 0.7, 0.2) + random.normal(0, 0.1, 500), 0, 1), np.full(500, 0.05)], axis=1)
    said[:2, 1] = 0.96, 0.97
    said[2:60, 1] = random.uniform(0.05, 0.3, 58)
    frequent, tame = fit_thresholds(said, np.stack([often, rare], axis=1))
    assert tame < 0.9, "its own images alone would allow anything from 0.3 to 0.96"
    assert frequent == pytest.approx(0.45, abs=0.1)


def test_a_label_without_images_gets_what_is_best_for_all():
    said = np.stack([np.linspace(0, 1, 100), np.linspace(0, 1, 100)[::-1]], axis=1)
    truth = np.stack([np.arange(100) >= 60, np.zeros(100, np.bool_)], axis=1)
    _, without = fit_thresholds(said, truth)
    assert 0.5 <= without <= 0.7
