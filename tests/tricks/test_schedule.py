import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, LRScheduler, MultiStepLR, OneCycleLR

from autocls.tricks.schedule import Cosine, CosineRestarts, Linear, OneCycle, Plateau, Schedule, Step


def trace(schedule: Schedule, steps: int) -> list[float]:
    return [schedule.factor(i / steps, []) for i in range(steps)]


def reference(steps: int, make: type[LRScheduler], **parameters: object) -> list[float]:
    """The rates of one of torch's own schedulers, of a base rate of 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler, rates = make(optimizer, **parameters), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_cosine_ends_at_nothing_with_half_the_rate_half_way():
    assert [Cosine().factor(p, []) for p in (0, 0.5, 1)] == pytest.approx([1, 0.5, 0])


@pytest.mark.parametrize("cycles", [2, 3, 4, 7])
@pytest.mark.parametrize("length", [1, 13, 50, 53])
def test_restarts_are_torch_s(cycles: int, length: int):
    steps = cycles * length
    expected = reference(steps, CosineAnnealingWarmRestarts, T_0=length)
    assert trace(CosineRestarts(cycles=cycles), steps) == pytest.approx(expected, abs=1e-6)
    assert CosineRestarts(cycles=cycles).factor(1.0, []) == pytest.approx(0)


@pytest.mark.parametrize("cuts", [1, 2, 3, 6])
@pytest.mark.parametrize("length", [1, 13, 50, 53])
def test_steps_are_torch_s(cuts: int, length: int):
    steps = (cuts + 1) * length
    milestones = [length * (i + 1) for i in range(cuts)]
    expected = reference(steps, MultiStepLR, milestones=milestones, gamma=0.3)
    assert trace(Step(cut=0.3, cuts=cuts), steps) == pytest.approx(expected)
    assert Step(cut=0.3, cuts=cuts).factor(1.0, []) == pytest.approx(0.3**cuts)


@pytest.mark.parametrize("rise", [0.1, 0.3, 0.5])
def test_one_cycle_is_torch_s_but_for_a_step(rise: float):
    expected = reference(2000, OneCycleLR, max_lr=1.0, total_steps=2001, pct_start=rise, cycle_momentum=False)
    found = trace(OneCycle(rise=rise), 2000)
    assert found == pytest.approx(expected, abs=0.01)
    assert found[0] == pytest.approx(1 / 25)
    assert max(found) == pytest.approx(1)
    assert OneCycle(rise=rise).factor(1.0, []) == pytest.approx(0)


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
