import pytest
import torch
import torch.nn.functional as F

from autocls.tricks.loss import Asymmetric, Bce, CrossEntropy, Focal, Loss, Mse

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


@pytest.mark.parametrize(("pos", "neg", "margin"), [(0.0, 4.0, 0.05), (1.0, 2.5, 0.1), (0.5, 0.5, 0.0)])
def test_asymmetric_is_the_paper_s(pos: float, neg: float, margin: float):
    p = LOGITS.sigmoid()
    shifted = (p - margin).clamp(min=0)
    yes, no = (1 - p) ** pos * p.log(), shifted**neg * (1 - shifted).log()
    expected = -(TARGETS * yes + (1 - TARGETS) * no).sum(1).mean()
    torch.testing.assert_close(
        Asymmetric(gamma_pos=pos, gamma_neg=neg, margin=margin).compute(LOGITS, TARGETS), expected
    )


def test_asymmetric_without_its_parameters_is_bce():
    same = Asymmetric(gamma_pos=0, gamma_neg=0, margin=0)
    torch.testing.assert_close(same.compute(LOGITS, TARGETS), Bce().compute(LOGITS, TARGETS))


def test_asymmetric_is_not_moved_by_a_no_below_its_margin():
    logits = torch.tensor([[-4.0, 1.0]], requires_grad=True)
    Asymmetric(margin=0.05).compute(logits, torch.zeros(1, 2)).backward()
    assert logits.grad[0, 0] == 0 < logits.grad[0, 1]


@pytest.mark.parametrize(
    "loss",
    [
        CrossEntropy(),
        Mse(),
        Bce(),
        Focal(gamma=0.5),
        Focal(),
        Asymmetric(),
        Asymmetric(gamma_neg=0.5, margin=0),
        Asymmetric(gamma_pos=0.5, margin=1e-9),
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [1e3, -1e3])
def test_a_sure_network_has_finite_losses_gradients_and_probabilities(loss: Loss, size: float):
    logits = torch.tensor([[size, 0.0, 0.0], [size, size, size]], requires_grad=True)
    value = loss.compute(logits, F.one_hot(torch.tensor([0, 1]), 3).float())
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()
    torch.testing.assert_close(loss.probabilities(logits.detach()).sum(1), torch.ones(2))
