"""What a training goes on from: plain data that ``torch.save`` writes and ``torch.load(weights_only=True)`` reads."""

from typing import Any

import torch

from autocls.data import ImageData
from autocls.errors import BadInput
from autocls.recipe import Recipe

State = dict[str, Any]
"""Nested dicts and lists of tensors on the CPU, numbers and strings."""


def origin(recipe: Recipe, data: ImageData, seed: int) -> State:
    """Which training a state is of: its recipe, its seed, and the shape of what it learns from."""
    shape = [len(data.split.train), *data.images.shape[1:], len(data.classes)]
    return {"recipe": recipe.plain(), "seed": seed, "data": shape}


def check(state: State, recipe: Recipe, data: ImageData, seed: int) -> None:
    """Raises BadInput when ``state`` isn't one of this very training."""
    mine = origin(recipe, data, seed)
    if not mine.keys() <= state.keys():
        raise BadInput("not the state of a training")
    slots = [name for name, value in mine["recipe"].items() if state["recipe"].get(name) != value]
    if slots:
        raise BadInput(f"the state is of another recipe: it differs in {', '.join(slots)}")
    if state["seed"] != seed:
        raise BadInput(f"the state is of another seed: {state['seed']}, not {seed}")
    if state["data"] != mine["data"]:
        raise BadInput(
            f"the state is of other data: its images, channels, height, width and classes are {state['data']}, "
            f"not {mine['data']}"
        )


def copied(value: Any) -> Any:
    """A copy of nested dicts, lists and tuples, their tensors on the CPU."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: copied(its) for key, its in value.items()}
    return type(value)(map(copied, value)) if isinstance(value, list | tuple) else value


def chance(device: torch.device) -> State:
    """Where torch's global generators stand, from which dropout draws."""
    cuda = {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {}
    return {"cpu": torch.get_rng_state()} | cuda


def set_chance(state: State, device: torch.device) -> None:
    """Put torch's global generators where ``chance`` found them."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
