import pytest
import torch
from torch import nn

from autocls.tricks.averaging import Averaging, Ema, Swa


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def history(averaging: Averaging, steps: int) -> tuple[list[dict[str, torch.Tensor]], list[dict[str, torch.Tensor]]]:
    """The weights and buffers after each of some random steps, and the average's."""
    model = network().train()
    average = averaging.follow(model, steps)
    weights, averages = [], []
    for _ in range(steps):
        with torch.no_grad():
            model(torch.randn(8, 3))
            for p in model.parameters():
                p.add_(torch.randn_like(p))
        average.update(model)
        for kept, of in ((weights, model), (averages, average.module)):
            kept.append({name: t.clone() for name, t in of.state_dict().items()})
    return weights, averages


def mean(states: list[dict[str, torch.Tensor]], name: str) -> torch.Tensor:
    return torch.stack([state[name] for state in states]).double().mean(0).float()


@pytest.mark.parametrize("start", [0.0, 0.5, 0.75])
def test_swa_is_the_plain_mean_since_its_start_and_the_weights_before(start: float):
    weights, averages = history(Swa(start=start), 20)
    first = int(start * 20)
    for step in range(20):
        for name, found in averages[step].items():
            if name.endswith("num_batches_tracked"):
                assert found == step + 1
                continue
            expected = weights[step][name] if step < first else mean(weights[first : step + 1], name)
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_ema_keeps_its_rate_and_starts_as_the_weights():
    weights, averages = history(Ema(rate=0.5), 20)
    name = "1.running_mean"
    assert torch.equal(averages[0][name], weights[0][name]), "what the network was initialised with is forgotten"
    for step in range(3, 20):
        expected = 0.5 * averages[step - 1][name] + 0.5 * weights[step][name]
        torch.testing.assert_close(averages[step][name], expected)


def test_the_decay_rises_to_its_value():
    kept = [1 - Ema(rate=0.99).share(step, 10_000) for step in range(1, 2000)]
    assert kept == sorted(kept)
    assert (kept[0], kept[-1]) == (0, pytest.approx(0.99))


def test_the_average_is_apart_from_what_is_trained():
    model = network()
    average = Swa().follow(model, 4)
    assert not any(p.requires_grad for p in average.module.parameters())
    assert all(p.requires_grad for p in model.parameters())
    own = {p.data_ptr() for p in average.module.parameters()}
    assert own.isdisjoint(p.data_ptr() for p in model.parameters())
