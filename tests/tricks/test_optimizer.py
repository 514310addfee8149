import pytest
import torch

from autocls.tricks.optimizer import Adabound, Adam, Sgd

GROUPS = [{"params": [torch.zeros(1, requires_grad=True)], "weight_decay": 0.0}]


def test_parameters_reach_the_optimizer():
    sgd = Sgd(lr=0.2, momentum=0.8, nesterov=False).build(GROUPS)
    assert isinstance(sgd, torch.optim.SGD)
    assert (sgd.defaults["lr"], sgd.defaults["momentum"], sgd.defaults["nesterov"]) == (0.2, 0.8, False)
    assert isinstance(Adam(lr=0.002).build(GROUPS), torch.optim.Adam)
    adabound = Adabound(lr=0.002, final_lr=0.5).build(GROUPS)
    assert adabound.param_groups[0]["final_lr"] == 0.5


@pytest.mark.parametrize("trick", [Sgd(), Adam(), Adabound()], ids=lambda t: t.name)
def test_twice_the_rate_is_twice_the_first_step(trick: Sgd):
    def first_step(lr: float) -> float:
        weight = torch.zeros(1, requires_grad=True)
        optimizer = trick.model_copy(update={"lr": lr}).build([{"params": [weight], "weight_decay": 0.0}])
        weight.grad = torch.ones(1)
        optimizer.step()
        return weight.item()

    assert first_step(0.002) == pytest.approx(2 * first_step(0.001), rel=1e-4)
    assert first_step(0.002) < 0
