import pytest

from autocls.tricks.schedule import Cosine, Linear, Plateau


def test_cosine_ends_at_nothing_with_half_the_rate_half_way():
    assert [Cosine().factor(p, []) for p in (0, 0.5, 1)] == pytest.approx([1, 0.5, 0])


@pytest.mark.parametrize(
    ("scores", "factor"),
    [
        ([0.5, 0.5], 1),
        ([0.5, 0.5, 0.5], 0.1),
        ([0.5, 0.4, 0.6, 0.5], 1),
        ([0.5, 0.4, 0.4, 0.4], 0.1),
        ([0.5, 0.4, 0.4, 0.4, 0.4], 0.01),
    ],
)
def test_plateau_cuts_after_every_two_epochs_without_a_new_best(scores: list[float], factor: float):
    assert Plateau(cut=0.1, patience=2).factor(0.5, scores) == pytest.approx(factor)


def test_linear_scaling_is_relative_to_the_batch_that_the_rate_is_meant_for():
    assert [Linear(base=64).factor(size) for size in (32, 64, 128)] == [0.5, 1, 2]
