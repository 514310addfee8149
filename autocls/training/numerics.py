"""How a network computes: in which precision, and with its images laid out how.

Images lie channels last wherever the network takes that: measured on a CPU, a training step takes 0.55 to 0.87 of the
time in 7 networks of 7, LeNet to ResNet-18. That is a rule, so a seed repeats a run. Precision is a rule on a GPU. On a
CPU it is measured, since bf16 halves the time of some networks and adds half to others'; but only of networks that
compute much, where the two are so far apart that another measurement says the same; and what was chosen is told.
A network is compiled on a GPU alone, and for long trainings: every trial of a search is another network, and compiling
one takes a minute or so.
"""

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from autocls.models.count import multiply_adds
from autocls.models.sizes import REFUSALS

LARGE = 10_000_000
"""Multiply-adds an image; below, bf16 gains little or loses (LeNet has 0.7 million at 28 pixels)."""
REPAID_BY = 500
"""Planned steps that repay a measurement, which takes the time of about 8."""
COMPILED_FROM = 50_000
"""Planned steps that repay compiling."""
MARGIN = 1.2
"""So many times as fast must bf16 be: it costs digits, and near 1 chance would decide."""
_ROUNDS = 3


@dataclass(frozen=True)
class Numerics:
    """How a network computes. Its weights, its logits and what is kept of it are float32 all the same."""

    channels_last: bool = False
    bf16: bool = False
    """Convolutions and products in bfloat16 (by autocast), sums of many numbers in float32."""
    compiled: bool = False
    """Training steps by torch.compile; validation isn't, which would be compiled anew."""

    def trained(self, model: nn.Module) -> nn.Module:
        """What training calls for ``model``: itself, or what shares its weights and is compiled at the first call."""
        return cast(nn.Module, torch.compile(model)) if self.compiled else model

    def answer(self, model: nn.Module, images: torch.Tensor) -> torch.Tensor:
        """``model``'s B×K float32 logits of B×C×H×W floats."""
        if self.channels_last:
            images = _channels_last(images)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.bf16):
            logits: torch.Tensor = model(images)
        return logits.float()

    def __str__(self) -> str:
        said = ["bfloat16" if self.bf16 else "float32"]
        return ", ".join(said + ["channels last"] * self.channels_last + ["compiled"] * self.compiled)


_chosen: dict[tuple[str, torch.Size, str, int, bool], Numerics] = {}
"""By network, shape of a batch, device, threads and whether measuring pays: a warm worker chooses once."""


def choose(model: nn.Module, shape: torch.Size, device: torch.device, steps: int, one_size: bool = True) -> Numerics:
    """What ``model`` is trained with on batches of ``shape`` (B×C×H×W; smaller at first unless ``one_size``).

    It is for so many ``steps``. The model and torch's global generator are left as they were.
    """
    key = (str(model), shape, device.type, torch.get_num_threads(), steps >= REPAID_BY)
    if key not in _chosen:
        plain = Numerics(channels_last=takes_channels_last(model, shape, device))
        _chosen[key] = replace(plain, bf16=_bf16(model, shape, device, steps, plain))
    return replace(_chosen[key], compiled=device.type == "cuda" and one_size and steps >= COMPILED_FROM)


def _bf16(model: nn.Module, shape: torch.Size, device: torch.device, steps: int, plain: Numerics) -> bool:
    if device.type == "cuda":
        # fp16, for older GPUs, would need its losses scaled: they stay with float32
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if steps < REPAID_BY:
        return False
    with _probe(model) as probe:
        large = multiply_adds(probe.eval(), shape[1:]) >= LARGE
    return large and bf16_pays(model, shape, plain)


def bf16_pays(model: nn.Module, shape: torch.Size, plain: Numerics) -> bool:
    """Whether training steps on the CPU are faster in bf16 by the margin; the shortest of three each, in turns."""
    shortest = dict.fromkeys((plain, replace(plain, bf16=True)), float("inf"))
    with _probe(model) as probe:
        images = torch.rand(shape)
        for _ in range(1 + _ROUNDS):  # the first of each is slow, and never the shortest
            for numerics in shortest:
                started = time.perf_counter()
                _step(probe, images, numerics)
                shortest[numerics] = min(shortest[numerics], time.perf_counter() - started)
    of_plain, of_bf16 = shortest.values()
    return of_plain > MARGIN * of_bf16


def takes_channels_last(model: nn.Module, shape: torch.Size, device: torch.device) -> bool:
    """Whether ``model`` takes images that lie so; one that asks for a view of their order in memory doesn't.

    Two images are tried, since the meta device, on which it would cost nothing, lays maps out in another way.
    """
    with _probe(model) as probe:
        try:
            _step(probe, torch.zeros(2, *shape[1:], device=device), Numerics(channels_last=True))
        except REFUSALS:
            return False
    return True


@contextmanager
def _probe(model: nn.Module) -> Iterator[nn.Module]:
    """A copy of ``model`` to train; what is drawn meanwhile isn't drawn from torch's global generators."""
    device = next(model.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield copy.deepcopy(model).train()


def _step(model: nn.Module, images: torch.Tensor, numerics: Numerics) -> None:
    logits = numerics.answer(model, images)
    torch.autograd.backward(F.cross_entropy(logits, torch.zeros_like(logits).softmax(1)))
    model.zero_grad(set_to_none=True)


def _channels_last(images: torch.Tensor) -> torch.Tensor:
    """The images with the channels of each pixel side by side.

    ``contiguous`` would leave grey images as they are, and with them all that a network makes of them.
    """
    return torch.empty_like(images, memory_format=torch.channels_last).copy_(images)
