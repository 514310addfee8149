"""Surgery over any network: one dummy forward lists the sites, then a trick replaces some of them.

It sees modules only: where a network calls ``F.relu`` there is no activation site.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

Shape = tuple[int, ...]

GATES = ("SqueezeExcite", "SqueezeExcitation", "SEModule", "EffectiveSEModule")
"""Types of squeeze-and-excitation in timm and torchvision."""

_WHOLE = (*GATES, "DeformableConv")
"""Types whose insides are their own affair: a gate's activation, or the offsets of a deformable convolution."""

_ADDS = ("add", "add_", "__add__", "__iadd__", "__radd__")


@dataclass(frozen=True)
class Site:
    """A module that the network ran: where it hangs, and the shapes (without the batch) that went in and came out."""

    path: str
    module: nn.Module
    in_shape: Shape
    out_shape: Shape
    residual: bool = False
    """Whether what came out was added to what had gone into the module around it: a shortcut's other branch."""


def sites(model: nn.Module, sample: torch.Tensor) -> list[Site]:
    """The modules of ``model`` in the order in which a forward pass over ``sample`` first calls them.

    Containers are listed too (timm's BatchNormAct2d is one module with an activation inside); a module that hangs at
    two paths is listed at both; what is inside a squeeze-and-excitation is not. Only calls of one tensor to one tensor
    count.
    """
    paths: dict[nn.Module, list[str]] = {}
    inside: tuple[str, ...] = ()
    for path, module in model.named_modules(remove_duplicate=False):
        if path and not path.startswith(inside or "\0"):
            paths.setdefault(module, []).append(path)
            if type(module).__name__ in _WHOLE:
                inside += (f"{path}.",)
    found: dict[str, Site] = {}
    with _Additions() as additions:

        def enter(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            additions.entered(inputs)

        def leave(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            additions.left(module, output)
            if inputs and isinstance(inputs[0], torch.Tensor) and isinstance(output, torch.Tensor):
                for path in paths.get(module, ()):
                    found.setdefault(path, Site(path, module, tuple(inputs[0].shape[1:]), tuple(output.shape[1:])))

        handles = [m.register_forward_pre_hook(enter) for m in (model, *paths)]
        handles += [m.register_forward_hook(leave) for m in (model, *paths)]
        training = model.training
        try:
            model.eval()
            with torch.no_grad():
                model(sample)
        finally:
            model.train(training)
            for handle in handles:
                handle.remove()
    return [replace(site, residual=site.module in additions.branches) for site in found.values()]


def replaced(found: Iterable[Site], planned: Mapping[str, nn.Module]) -> list[Site]:
    """The sites of a network after ``planned`` modules, by path, took the places of others of the same shapes.

    Only what is inside the new modules is run to be found: a whole forward pass for each trick would cost most of the
    time that it takes to build a network.
    """
    gone = tuple(f"{path}." for path in planned)
    after = list[Site]()
    for site in found:
        if site.path in planned:
            new = planned[site.path]
            after += _inside(site, new)
            after.append(replace(site, module=new))
        elif not site.path.startswith(gone):
            after.append(site)
    return after


def _inside(site: Site, new: nn.Module) -> list[Site]:
    """The sites inside the module that comes to stand at ``site``."""
    if not any(new.children()) or type(new).__name__ in _WHOLE:
        return []
    device = next((tensor.device for tensor in new.parameters()), torch.get_default_device())
    inner = sites(new, torch.zeros(2, *site.in_shape, device=device))
    return [replace(s, path=f"{site.path}.{s.path}") for s in inner]


class _Additions(TorchFunctionMode):
    """Watches a forward pass for additions of a module's output to the input of the module around it."""

    def __init__(self) -> None:
        super().__init__()
        self.branches: set[nn.Module] = set()
        self._inputs: list[tuple[Any, ...]] = []
        self._made: dict[int, tuple[torch.Tensor, nn.Module]] = {}  # holds the tensors, so that no id comes twice

    def entered(self, inputs: tuple[Any, ...]) -> None:
        self._inputs.append(inputs)

    def left(self, module: nn.Module, output: Any) -> None:
        self._inputs.pop()
        if isinstance(output, torch.Tensor):
            self._made[id(output)] = (output, module)

    def __torch_function__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in _ADDS and self._inputs and len(args) > 1:
            for one, other in (args[:2], args[1::-1]):
                if any(one is given for given in self._inputs[-1]) and id(other) in self._made:
                    self.branches.add(self._made[id(other)][1])
        return func(*args, **(kwargs or {}))
