import pytest
import torch
import torch.nn.functional as F

from autocls.tricks.loss import Bce, CrossEntropy, Focal, Loss, Mse

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


def test_bce_asks_each_class_by_itself_also_for_soft_targets():
    p = LOGITS.sigmoid()
    expected = -(TARGETS * p.log() + (1 - TARGETS) * (1 - p).log()).sum(1).mean()
    torch.testing.assert_close(Bce().compute(LOGITS, TARGETS), expected)


def test_bce_reads_each_class_s_probability_over_their_sum():
    p = LOGITS.sigmoid()
    torch.testing.assert_close(Bce().probabilities(LOGITS), p / p.sum(1, keepdim=True))


@pytest.mark.parametrize("gamma", [0.5, 2.0, 4.0])
def test_focal_weighs_each_class_by_how_wrong_it_is_also_for_soft_targets(gamma: float):
    p = LOGITS.softmax(1)
    expected = -(TARGETS * (1 - p) ** gamma * p.log()).sum(1).mean()
    torch.testing.assert_close(Focal(gamma=gamma).compute(LOGITS, TARGETS), expected)


def test_focal_without_gamma_is_cross_entropy():
    torch.testing.assert_close(
        Focal(gamma=1e-6).compute(LOGITS, TARGETS), CrossEntropy().compute(LOGITS, TARGETS), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("loss", [CrossEntropy(), Mse(), Bce(), Focal(gamma=0.5), Focal()], ids=str)
@pytest.mark.parametrize("size", [1e3, -1e3])
def test_a_sure_network_has_finite_losses_gradients_and_probabilities(loss: Loss, size: float):
    logits = torch.tensor([[size, 0.0, 0.0], [size, size, size]], requires_grad=True)
    value = loss.compute(logits, F.one_hot(torch.tensor([0, 1]), 3).float())
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()
    torch.testing.assert_close(loss.probabilities(logits.detach()).sum(1), torch.ones(2))
