"""What a trained network costs whoever uses it: its size, its arithmetic, and its time on this device."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from autocls.errors import TrialFailed
from autocls.models.count import multiply_adds
from autocls.recipe import Recipe
from autocls.training.inference import predict, views
from autocls.training.network import build, count_parameters, only_network

ENOUGH = 0.02
"""Seconds that a latency is measured for, at the least."""
PLENTY = 0.1
"""Seconds after which two measurements are enough."""
FEWEST = 8
BATCH = 64


@dataclass(frozen=True)
class Footprint:
    """What answering takes, the views of test-time augmentation included."""

    parameters: int
    """Numbers that training can change."""
    multiply_adds: int
    """For one image."""
    latency: float
    """Seconds for one image; the shortest of several, as what disturbs a run only ever makes it longer."""
    latency_64: float
    """Seconds for 64 images at once, likewise."""


@dataclass(frozen=True)
class Limits:
    """What a winner may cost at the most; None is no limit."""

    parameters: int | None = None
    latency: float | None = None
    """Seconds for one image."""

    def excess(self, parameters: int, latency: float) -> dict[str, float]:
        """By which share each limit is exceeded; 0 or less where it is kept."""
        pairs = {"parameters": (parameters, self.parameters), "latency": (latency, self.latency)}
        return {name: its / most - 1 for name, (its, most) in pairs.items() if most is not None}

    def check(self, footprint: Footprint) -> None:
        """Raises OverLimit for a network that costs more."""
        over = [name for name, by in self.excess(footprint.parameters, footprint.latency).items() if by > 0]
        said = {
            "parameters": f"{footprint.parameters:,} parameters, and {self.parameters or 0:,} are allowed",
            "latency": f"{1000 * footprint.latency:.3g} ms an image, and {1000 * (self.latency or 0):.3g} are allowed",
        }
        if over:
            raise OverLimit(f"over the limit: {'; '.join(said[name] for name in over)}", footprint)


NO_LIMITS = Limits()


class OverLimit(TrialFailed):
    """A recipe's network costs more than is allowed."""

    def __init__(self, reason: str, footprint: Footprint) -> None:
        super().__init__(reason)
        self.footprint = footprint

    def __reduce__(self) -> tuple[type["OverLimit"], tuple[str, Footprint]]:
        return OverLimit, (str(self), self.footprint)


_known: dict[tuple[Recipe, int, torch.device, int], Footprint] = {}


def measure(recipe: Recipe, model: nn.Module, channels: int, device: torch.device) -> Footprint:
    """The footprint of the recipe's network, which lies on the device and is left in evaluation mode.

    A network of the same choices is measured once in a process, for each number of threads.
    """
    model.eval()
    key = only_network(recipe), channels, device, torch.get_num_threads()
    if key not in _known:
        _known[key] = _measure(recipe, model, channels, device)
    return _known[key]


def footprint(recipe: Recipe, classes: int, channels: int, device: torch.device) -> Footprint:
    """The footprint of the network that a recipe builds, random weights and all."""
    key = only_network(recipe), channels, device, torch.get_num_threads()
    if key in _known:
        return _known[key]
    return measure(recipe, build(recipe.without(["weights"]), classes, channels).to(device), channels, device)


def _measure(recipe: Recipe, model: nn.Module, channels: int, device: torch.device) -> Footprint:
    shape, shown = (channels, recipe.image_size, recipe.image_size), views(recipe)
    images = torch.zeros(BATCH, *shape, device=device)
    return Footprint(
        parameters=count_parameters(model),
        multiply_adds=len(shown(images[:1])) * multiply_adds(model, shape),
        latency=_shortest(lambda: predict(model, iter([images[:1]]), shown), device),
        latency_64=_shortest(lambda: predict(model, iter([images]), shown), device),
    )


def _shortest(act: Callable[[], object], device: torch.device) -> float:
    times: list[float] = []
    while len(times) < 2 or (sum(times) < PLENTY and (len(times) < FEWEST or sum(times) < ENOUGH)):
        _await(device)
        started = time.perf_counter()
        act()
        _await(device)
        times.append(time.perf_counter() - started)
    return min(times)


def _await(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
