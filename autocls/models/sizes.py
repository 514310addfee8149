"""Which image sizes a network takes, found without computing, and the enlarging of images that are too small."""

import copy
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from autocls.errors import NotApplicable

USUAL = (64, 75, 96, 128, 160, 192, 224, 240, 256, 299, 331, 384, 448, 512)
"""The sizes tried for a network that refuses the one asked: those that published networks are made for."""

REFUSALS = (RuntimeError, ValueError, AssertionError, IndexError, ZeroDivisionError)
"""What networks raise when an image doesn't suit them."""


@dataclass(frozen=True)
class Enlarge:
    """Before the network runs: its images made ``size`` pixels a side, bilinearly.

    A hook, so that no parameter changes its name and published weights keep fitting.
    """

    size: int

    def __call__(self, network: nn.Module, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return F.interpolate(inputs[0], size=(self.size, self.size), mode="bilinear", align_corners=False)


def enlarging(model: nn.Module, size: int) -> nn.Module:
    """``model``, which from now on sees every image ``size`` pixels a side."""
    model.register_forward_pre_hook(Enlarge(size))
    return model


def output_shape(model: nn.Module, *shape: int) -> torch.Size:
    """The shape that ``model`` makes of a tensor of this shape, found on the meta device."""
    with torch.no_grad():
        output: torch.Tensor = _without_weights(model).eval()(torch.empty(shape, device="meta"))
    return output.shape


def _without_weights(model: nn.Module) -> nn.Module:
    """A copy of ``model`` on the meta device, made without copying its weights first."""
    tensors = itertools.chain(model.parameters(), model.buffers())
    return copy.deepcopy(model, {id(tensor): tensor.detach().to("meta") for tensor in tensors})


def takes(model: nn.Module, channels: int, size: int) -> bool:
    """Whether ``model`` takes images of this size."""
    try:
        output_shape(model, 2, channels, size, size)
    except REFUSALS:
        return False
    return True


def first_that_takes(
    build: Callable[[int], nn.Module], channels: int, size: int, what: str, larger: Iterable[int] = USUAL
) -> nn.Module:
    """The network that ``build`` makes for ``size`` or, with enlarged images, for the first ``larger`` size that works.

    Raises NotApplicable when none works.
    """
    for candidate in (size, *(s for s in larger if s > size)):
        try:
            model = build(candidate)
        except REFUSALS:
            continue
        if takes(model, channels, candidate):
            return model if candidate == size else enlarging(model, candidate)
    raise NotApplicable(
        f"{what}: not applicable: it takes images neither of {size} pixels nor of any usual larger size"
    )
