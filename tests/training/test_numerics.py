"""How a network computes, and how that is chosen."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import nn

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training import numerics, train
from autocls.training.inference import PLAIN
from autocls.training.network import build
from autocls.training.numerics import Numerics, choose, takes_channels_last

CPU = torch.device("cpu")
SHAPE = torch.Size((4, 3, 32, 32))
BF16 = Numerics(channels_last=True, bf16=True)


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numerics, "_chosen", {})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[torch.Size]]:
    """The shapes for which bf16 is measured; it always pays."""
    shapes: list[torch.Size] = []
    monkeypatch.setattr(numerics, "bf16_pays", lambda model, shape, plain: not shapes.append(shape))
    return shapes


class Viewed(nn.Module):
    """A network that asks for a view of a map's order in memory, as some do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4 * 32 * 32, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv(images).view(len(images), -1))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_order_in_memory_changes_no_more_than_rounding(channels: int):
    model, images = build(Recipe(norm="batch"), 3, channels), torch.rand(4, channels, 32, 32)
    answers = [made.answer(model, images) for made in (PLAIN, Numerics(channels_last=True))]
    torch.testing.assert_close(*answers)
    maps = []
    model.features[0].register_forward_hook(lambda module, given, made: maps.append(made))
    Numerics(channels_last=True).answer(model, images)
    assert maps[0].is_contiguous(memory_format=torch.channels_last), "grey images, too, take the network with them"


def test_bf16_gives_float_logits_and_gradients_near_the_others():
    model, images = build(Recipe(norm="batch"), 3, 3), torch.rand(4, 3, 32, 32)
    plain, rough = (made.answer(model, images) for made in (PLAIN, BF16))
    assert rough.dtype == torch.float32
    assert not torch.equal(plain, rough)
    torch.testing.assert_close(plain, rough, atol=0.1, rtol=0.05)
    rough.sum().backward()
    assert {p.grad.dtype for p in model.parameters()} == {torch.float32}


def test_a_network_that_takes_no_other_order_is_left_its_own():
    assert takes_channels_last(build(Recipe(), 3, 3), SHAPE, CPU)
    assert not takes_channels_last(Viewed(), SHAPE, CPU)
    assert choose(Viewed(), SHAPE, CPU, steps=1) == PLAIN


def test_small_networks_and_short_trainings_are_not_measured(asked: list[torch.Size]):
    small, large = build(Recipe(), 3, 3), build(Recipe(architecture="cifar_resnet"), 3, 3)
    assert choose(small, SHAPE, CPU, steps=10**6) == choose(large, SHAPE, CPU, steps=10) == Numerics(channels_last=True)
    assert not asked


def test_a_large_network_is_measured_once(asked: list[torch.Size]):
    recipe = Recipe(architecture="cifar_resnet")
    assert [choose(build(recipe, 3, 3), SHAPE, CPU, steps=10**6) for _ in range(2)] == [BF16, BF16]
    assert asked == [SHAPE]


def test_measuring_changes_nothing_of_the_training():
    model = build(Recipe(norm="batch", dropout={"head": 0.5}), 3, 3)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    before = torch.get_rng_state()
    assert numerics.bf16_pays(model, SHAPE, PLAIN) in (False, True)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_clear_gains_alone_count(monkeypatch: pytest.MonkeyPatch):
    model, seconds = build(Recipe(), 3, 3), iter([])
    monkeypatch.setattr(numerics.time, "perf_counter", lambda: next(seconds))
    for of_bf16, pays in ((0.5, True), (0.9, False), (1.5, False)):
        starts = [t for _ in range(4) for t in (0.0, 1.0, 0.0, of_bf16)]
        seconds = iter(starts)
        assert numerics.bf16_pays(model, SHAPE, PLAIN) is pays


@pytest.mark.parametrize("given", [PLAIN, BF16])
def test_what_is_given_is_what_trains_and_is_told(noise: ImageData, given: Numerics):
    recipe = Recipe(batch_size=8, epochs=2, norm="batch", averaging="ema", mix="mixup", clip="norm")
    first, again = (list(train(recipe, noise, numerics=given)) for _ in range(2))
    assert [result.loss for result in first] == [result.loss for result in again]
    assert {result.numerics for result in first} == {str(given)}
    assert all(w.dtype in (torch.float32, torch.int64) for w in first[-1].weights().values())


def test_long_trainings_at_one_size_on_a_gpu_alone_are_compiled(monkeypatch: pytest.MonkeyPatch):
    gpu, model = torch.device("cuda"), build(Recipe(), 3, 3)
    monkeypatch.setattr(numerics, "takes_channels_last", lambda model, shape, device: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert choose(model, SHAPE, gpu, steps=10**6) == replace(BF16, compiled=True)
    assert choose(model, SHAPE, gpu, steps=1000) == choose(model, SHAPE, gpu, 10**6, one_size=False) == BF16
    assert not choose(model, SHAPE, CPU, steps=10**6).compiled


def test_what_is_compiled_trains_the_network_itself(noise: ImageData, monkeypatch: pytest.MonkeyPatch):
    compiled = torch.compile
    monkeypatch.setattr(torch, "compile", lambda model: compiled(model, backend="eager"))
    recipe = Recipe(batch_size=9, epochs=2, norm="batch", averaging="ema")
    outcomes = [list(train(recipe, noise, numerics=Numerics(compiled=which))) for which in (False, True)]
    losses = [[result.loss for result in results] for results in outcomes]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert outcomes[0][-1].weights().keys() == outcomes[1][-1].weights().keys()


def test_numerics_are_named():
    names = [str(made) for made in (PLAIN, BF16, replace(BF16, compiled=True))]
    assert names == ["float32", "bfloat16, channels last", "bfloat16, channels last, compiled"]
