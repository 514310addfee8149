"""Surgery over any network: one dummy forward lists the sites, then a trick replaces some of them.

It sees modules only: a network that calls ``F.relu`` has no activation site there, and a trick that finds no site
is NotApplicable.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn

from autocls.errors import NotApplicable

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Site:
    """A module that the network ran: where it hangs, and the shapes (without the batch) that went in and came out."""

    path: str
    module: nn.Module
    in_shape: Shape
    out_shape: Shape


def sites(model: nn.Module, sample: torch.Tensor) -> list[Site]:
    """The modules of ``model`` in the order in which a forward pass over ``sample`` first calls them.

    Containers are listed too (timm's BatchNormAct2d is one module with an activation inside); a module that hangs at
    two paths is listed at both. Only calls of one tensor to one tensor count.
    """
    paths: dict[nn.Module, list[str]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        if path:
            paths.setdefault(module, []).append(path)
    found: dict[str, Site] = {}

    def note(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        if inputs and isinstance(inputs[0], torch.Tensor) and isinstance(output, torch.Tensor):
            for path in paths[module]:
                found.setdefault(path, Site(path, module, tuple(inputs[0].shape[1:]), tuple(output.shape[1:])))

    handles = [module.register_forward_hook(note) for module in paths]
    training = model.training
    try:
        model.eval()
        with torch.no_grad():
            model(sample)
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return list(found.values())


def operate(
    model: nn.Module,
    sample: torch.Tensor,
    select: Callable[[list[Site]], Iterable[Site]],
    replace: Callable[[Site], nn.Module | None],
    what: str,
) -> int:
    """Replace, in place, the selected sites of ``model``; returns how many. Raises NotApplicable when none was."""
    done = 0
    for site in select(sites(model, sample)):
        new = replace(site)
        if new is not None:
            model.set_submodule(site.path, new.to(sample.device))
            done += 1
    if not done:
        raise NotApplicable(f"{what}: not applicable: {type(model).__name__} has no place for it")
    return done
