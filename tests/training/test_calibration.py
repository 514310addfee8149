import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autocls.training.calibration import calibrated, fit_temperature


def _drawn(seed: int, images: int = 4000, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities, and labels that were drawn from them."""
    random = np.random.default_rng(seed)
    truth = random.dirichlet(np.ones(classes), images)
    return truth, np.array([random.choice(classes, p=row) for row in truth])


@pytest.mark.parametrize("wrong_by", [0.4, 1.0, 2.5])
def test_it_undoes_the_temperature_that_made_probabilities_too_sure_or_too_timid(wrong_by: float):
    truth, labels = _drawn(0)
    said = calibrated(torch.from_numpy(truth), wrong_by).numpy()
    found = fit_temperature(said, labels)
    assert found == pytest.approx(1 / wrong_by, rel=0.1)
    np.testing.assert_allclose(calibrated(torch.from_numpy(said), found).numpy(), truth, atol=0.05)


def test_of_a_softmax_it_divides_the_logits():
    logits = torch.randn(6, 4, dtype=torch.float64)
    expected = (logits / 1.7).softmax(1)
    torch.testing.assert_close(calibrated(logits.softmax(1), 1.7), expected)


def test_a_network_that_is_always_right_stays_finite():
    said = np.eye(3)[np.arange(30) % 3] * 0.9 + 0.1 / 3
    assert 0.1 < fit_temperature(said, np.arange(30) % 3) < 1


@given(st.floats(0.05, 20), st.integers(0, 100))
def test_the_order_of_the_classes_stays_and_rows_sum_to_1(temperature: float, seed: int):
    said = torch.from_numpy(np.random.default_rng(seed).dirichlet(np.ones(4), 8))
    changed = calibrated(said, temperature)
    torch.testing.assert_close(changed.sum(1), torch.ones(8, dtype=torch.float64))
    gain = torch.diff(torch.gather(changed, 1, said.argsort(dim=1)), dim=1)
    assert (gain >= 0).all()
