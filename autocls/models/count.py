"""How large a network is and how much it computes, counted on the meta device."""

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
        model = build(classes, channels, image_size).eval()
    return Cost(
        parameters=sum(p.numel() for p in model.parameters()),
        multiply_adds=multiply_adds(model, (channels, image_size, image_size)),
    )


def multiply_adds(model: nn.Module, shape: Sequence[int]) -> int:
    """How many ``model``, in evaluation mode, takes to answer one image of ``shape`` (C×H×W), which it is asked to."""
    image = torch.zeros(1, *shape, device=next(model.parameters()).device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(image)
    return int(counter.get_total_flops()) // 2  # it counts a multiplication and an addition as two
