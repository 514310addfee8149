import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocls.deploy.nearest import Floats
from autocls.deploy.threshold import Share, fit, fit_to, others
from autocls.errors import BadInput


def impostors(pictures: int, names: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).uniform(-1, 1, (pictures, names)).astype(np.float32)


@given(st.integers(1, 40), st.integers(1, 6), st.floats(0.001, 0.999), st.booleans())
def test_it_accepts_as_many_as_the_rate_allows_and_no_more(pictures: int, names: int, far: float, tied: bool):
    similarities = impostors(pictures, names).round(1) if tied else impostors(pictures, names)
    found = fit_to(similarities, far)
    assert found.accepted == (similarities >= found.similarity).sum() <= far * found.pairs + 1e-6
    if not tied:  # the next lower threshold would accept one more
        assert found.accepted + 1 > far * found.pairs - 1e-6 or found.accepted == found.pairs - 1
    assert found.pairs == similarities.size
    assert found.is_supported == (far * similarities.size >= 1)
    assert found.admitted == (similarities.max(axis=1) >= found.similarity).sum()


def test_too_few_comparisons_are_said_to_be_too_few():
    found = fit_to(impostors(4, 2), 0.01)
    assert found.accepted == 0
    assert found.similarity > impostors(4, 2).max()
    assert "8 comparisons" in str(found)
    assert "too few to fit a false-accept rate of 1.00%, which takes 100" in str(found)
    assert "it may be up to 32%" in str(found)
    assert "too few" not in str(fit_to(impostors(100, 2), 0.01))


def test_it_holds_on_pictures_that_it_was_not_fitted_on():
    found = fit_to(impostors(2000, 10), 0.05)
    assert (impostors(2000, 10, seed=1) >= found.similarity).mean() == pytest.approx(0.05, abs=0.01)


def test_a_picture_is_compared_with_all_names_but_its_own():
    templates = np.eye(3, dtype=np.float16)
    found = fit(templates, np.arange(3), templates, 0.5)
    assert found is not None
    assert (found.pairs, found.strangers) == (6, 3)
    assert 0 < found.similarity < 1e-6  # the own name's 1 is not among them
    np.testing.assert_array_equal(
        others(np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 0])), [[0, 2], [4, 5]]
    )


def test_one_name_has_nothing_to_be_compared_with():
    assert fit(np.eye(2, dtype=np.float16), np.zeros(2, int), np.ones((1, 2), np.float16), 0.01) is None


@pytest.mark.parametrize("far", [0, 1, -0.1, float("nan")])
def test_what_is_no_rate_is_bad_input(far: float):
    with pytest.raises(BadInput, match="lies between 0 and 1"):
        fit(np.eye(2, dtype=np.float16), np.arange(2), np.eye(2, dtype=np.float16), far)


def test_a_share_has_wilsons_interval():
    low, high = Share(0, 100).interval
    assert (low, round(high, 4)) == (0, 0.0370)
    assert str(Share(5, 10)) == "50.00% (23.66% to 76.34%, 5 of 10)"
