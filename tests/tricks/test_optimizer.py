import re

import pytest
import torch
from torch import nn

from autocls.grammar import Problems
from autocls.recipe import Recipe
from autocls.training.optimisation import parameter_groups
from autocls.tricks.optimizer import (
    Adabound,
    Adam,
    AdamW,
    Adaptive,
    Lamb,
    Lion,
    Norm,
    Optimizer,
    Rmsprop,
    Sgd,
    timm_names,
)

GROUPS = [{"params": [torch.zeros(1, requires_grad=True)], "weight_decay": 0.0}]


def stepped(trick: Optimizer, weight: torch.Tensor, gradient: torch.Tensor, decay: float = 0.0) -> torch.Tensor:
    """The weight after the optimizer's first step."""
    parameter = nn.Parameter(weight.clone())
    optimizer = trick.build([{"params": [parameter], "weight_decay": decay}])
    parameter.grad = gradient.clone()
    optimizer.step()
    return parameter.detach()


def test_parameters_reach_the_optimizer():
    sgd = Sgd(lr=0.2, momentum=0.8, nesterov=False).build(GROUPS)
    assert isinstance(sgd, torch.optim.SGD)
    assert (sgd.defaults["lr"], sgd.defaults["momentum"], sgd.defaults["nesterov"]) == (0.2, 0.8, False)
    assert isinstance(Adam(lr=0.002).build(GROUPS), torch.optim.Adam)
    adabound = Adabound(lr=0.002, final_lr=0.5).build(GROUPS)
    assert adabound.param_groups[0]["final_lr"] == 0.5


@pytest.mark.parametrize("trick", [Sgd(), Adam(), Adabound(), AdamW(), Rmsprop(), Lamb(), Lion()], ids=lambda t: t.name)
def test_twice_the_rate_is_twice_the_first_step(trick: Optimizer):
    def first_step(lr: float) -> float:
        return stepped(trick.model_copy(update={"lr": lr}), torch.zeros(1), torch.ones(1)).item()

    assert first_step(0.002) == pytest.approx(2 * first_step(0.001), rel=1e-4)
    assert first_step(0.002) < 0


@pytest.mark.parametrize("trick", [AdamW(lr=0.1), Lion(lr=0.1), Lamb(lr=0.1), Adabound(lr=0.1)], ids=lambda t: t.name)
def test_decoupled_decay_shrinks_a_weight_without_gradient_by_rate_times_decay(trick: Optimizer):
    torch.testing.assert_close(stepped(trick, torch.tensor([2.0, -3.0]), torch.zeros(2), 0.01),
                               torch.tensor([2.0, -3.0]) * (1 - 0.1 * 0.01))  # fmt: skip


def test_the_decay_of_adam_is_scaled_like_a_gradient():
    found = stepped(Adam(lr=0.1), torch.tensor([2.0, -3.0]), torch.zeros(2), 0.01)
    torch.testing.assert_close(found, torch.tensor([1.9, -2.9]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("trick", [Sgd(lr=0.1, nesterov=False), Rmsprop(lr=0.1)], ids=lambda t: t.name)
def test_l2_decay_is_part_of_the_gradient(trick: Optimizer):
    weight, gradient = torch.tensor([2.0, -3.0]), torch.tensor([0.5, 0.5])
    torch.testing.assert_close(stepped(trick, weight, gradient, 0.01), stepped(trick, weight, gradient + 0.01 * weight))


def test_sgd_s_first_step_with_decay():
    found = stepped(Sgd(lr=0.1, nesterov=False), torch.tensor([2.0]), torch.tensor([0.5]), 0.01)
    torch.testing.assert_close(found, torch.tensor([2.0 - 0.1 * (0.5 + 0.01 * 2.0)]))


def test_lion_steps_by_the_sign():
    found = stepped(Lion(lr=0.1), torch.tensor([2.0, -3.0]), torch.tensor([0.5, -1e-4]), 0.01)
    torch.testing.assert_close(found, torch.tensor([2.0, -3.0]) * (1 - 0.001) - 0.1 * torch.tensor([1.0, -1.0]))


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_lamb_s_step_is_as_long_as_the_layer_s_weights(decay: float):
    weight, gradient = torch.tensor([[3.0, 4.0]]), torch.tensor([[50.0, -70.0]])
    shrunk = weight * (1 - 0.1 * decay)
    direction = gradient.sign()  # Adam's first step, its bias corrected
    expected = shrunk - 0.1 * direction * shrunk.norm() / direction.norm()
    torch.testing.assert_close(stepped(Lamb(lr=0.1), weight, gradient, decay), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("entry", timm_names())
def test_every_optimizer_of_timm_that_is_let_in_takes_steps_in_our_groups(entry: str):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = Recipe(optimizer={f"timm:{entry}": {"lr": 0.01}}).optimizer.build(parameter_groups(model, 0.01, 0.8))
    assert {group["lr"] for group in optimizer.param_groups} == {0.01}
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0, 0.01}
    for _ in range(3):
        optimizer.zero_grad()
        (model(torch.randn(8, 1, 8, 8)).square().mean() + model[0].bias.square().sum()).backward()
        optimizer.step()
    for old, new in zip(before, model.parameters(), strict=True):
        assert not torch.equal(old, new)
        assert new.isfinite().all()


def test_optimizers_of_timm_that_need_more_than_a_gradient_are_refused():
    with pytest.raises(Problems, match="no such timm optimizer 'adahessian'"):
        Recipe.from_yaml("optimizer: timm:adahessian")
    assert not [name for name in timm_names() if re.match("bnb|fused|adahessian|kron", name)]


def gradients(scale: float) -> list[nn.Parameter]:
    torch.manual_seed(0)
    parameters = [nn.Parameter(torch.randn(4, 3)), nn.Parameter(torch.randn(4)), nn.Parameter(torch.randn(2))]
    for parameter in parameters[:2]:
        parameter.grad = scale * torch.randn_like(parameter)
    return parameters


def flat(parameters: list[nn.Parameter]) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])


@pytest.mark.parametrize("scale", [10.0, 1e-3])
def test_the_common_norm_is_bounded_and_the_direction_kept(scale: float):
    parameters, before = gradients(scale), flat(gradients(scale))
    Norm(max=0.5).apply(iter(parameters))
    torch.testing.assert_close(flat(parameters), before * min(1.0, 0.5 / before.norm().item()), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("scale", [10.0, 1e-4])
def test_each_unit_s_gradient_is_bounded_by_its_weights(scale: float):
    parameters, before = gradients(scale), gradients(scale)
    Adaptive(factor=0.05).apply(iter(parameters))
    for unit, (weight, was) in enumerate(zip(before[0].detach(), before[0].grad, strict=True)):
        share = min(1.0, (0.05 * weight.norm() / was.norm()).item())
        torch.testing.assert_close(parameters[0].grad[unit], was * share)
    assert parameters[1].grad.norm() <= 0.05 * parameters[1].norm() + 1e-6
