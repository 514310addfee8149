"""How large a network is and how much it computes, counted on the meta device."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """What one image of one size costs."""

    parameters: int
    multiply_adds: int


def cost(build: Callable[[int, int, int], nn.Module], classes: int, channels: int, image_size: int) -> Cost:
    """The cost of the network that ``build`` makes of classes, channels and image size; nothing is computed."""
    with torch.device("meta"):
        model = build(classes, channels, image_size)
    return Cost(
        parameters=sum(p.numel() for p in model.parameters()),
        multiply_adds=multiply_adds(model, (channels, image_size, image_size)),
    )


def multiply_adds(model: nn.Module, shape: Sequence[int]) -> int:
    """How many ``model`` takes to answer one image of ``shape`` (C×H×W); nothing is computed."""
    counted = copy.deepcopy(model).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        counted(torch.empty(1, *shape, device="meta"))
    return int(counter.get_total_flops()) // 2  # it counts a multiplication and an addition as two
