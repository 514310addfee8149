import pytest
import torch

from autocls.tricks.loss import CrossEntropy, Mse

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.2, 0.3, 0.5]])
TARGETS = torch.tensor([[1.0, 0.0, 0.0], [0.1, 0.1, 0.8]])


def test_cross_entropy_is_the_mean_surprise():
    expected = -(TARGETS * LOGITS.softmax(1).log()).sum(1).mean()
    torch.testing.assert_close(CrossEntropy().compute(LOGITS, TARGETS), expected)


def test_mse_is_summed_over_classes_so_that_its_size_does_not_fall_with_their_number():
    assert Mse().compute(LOGITS, TARGETS) == pytest.approx(((1 + 0 + 1) + (0.01 + 0.04 + 0.09)) / 2)


def test_mse_reads_logits_as_the_probabilities_that_they_were_trained_to_be():
    torch.testing.assert_close(Mse().probabilities(LOGITS[1:]), LOGITS[1:])
    torch.testing.assert_close(Mse().probabilities(LOGITS[:1]), torch.tensor([[1.0, 0.0, 0.0]]), atol=1e-5, rtol=0)
