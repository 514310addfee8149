"""Weights that were trained before: read from files, and fitted to a network."""

import difflib
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from autocls import grammar
from autocls.errors import BadInput, TrialFailed, unknown
from autocls.grammar import Problem, Problems, each
from autocls.models.stems import first_conv

Tensors = dict[str, torch.Tensor]

_WRAPPED = ("state_dict", "model", "state_dict_ema")
"""Under which training scripts keep the weights in a checkpoint."""

_WRAPPERS = ("_orig_mod.", "module.", "model.")
"""What torch.compile, DataParallel and Lightning put before every name."""


@dataclass(frozen=True)
class Fit:
    """How weights fitted a network, by the names of tensors."""

    loaded: tuple[str, ...]
    misfit: tuple[str, ...]
    """In both, of another shape: these start at random."""
    missing: tuple[str, ...]
    """In the network alone: these start at random."""
    unexpected: tuple[str, ...]
    """Among the weights alone."""

    @property
    def partial(self) -> bool:
        """Whether anything was left over, here or there."""
        return bool(self.misfit or self.missing or self.unexpected)

    def __str__(self) -> str:
        total = len(self.loaded) + len(self.misfit) + len(self.missing)
        lists = {
            "of another shape": self.misfit,
            "missing": self.missing,
            "not in the network": self.unexpected,
        }
        said = [f"{what}: {_few(names)}" for what, names in lists.items() if names]
        return "; ".join([f"{len(self.loaded)} of {total} tensors fit", *said])


def read(path: Path, key_map: Path | None = None) -> Tensors:
    """The tensors of a checkpoint, renamed by a YAML file of {name there: name in the network}. Raises BadInput."""
    tensors = _read(path)
    return tensors if key_map is None else grammar.read(key_map).read_as(partial(_renamed, tensors, path))


def _read(path: Path) -> Tensors:
    try:
        found: object = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # whatever the parsers stumble on
        # torch's own words advise to turn the protection off, so they are not passed on.
        foreign = re.search(r"GLOBAL (\S+)", str(error))
        reason = (
            f"holds more than weights ({foreign[1]}), and code in a file of weights is never run"
            if foreign
            else "not a file of weights as torch.save or safetensors write them"
        )
        raise BadInput(f"{path}: {reason}") from None
    for key in _WRAPPED:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not all(isinstance(tensor, torch.Tensor) for tensor in found.values()):
        raise BadInput(f"{path}: holds no weights by name")
    return _bare({str(name): tensor for name, tensor in found.items()})


def _unpickled(path: Path) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd about the file is said once, in the error
        return torch.load(path, map_location="cpu", weights_only=True)


def _bare(tensors: Tensors) -> Tensors:
    """The tensors without the prefix that a wrapper around the network gave to all of them."""
    for prefix in _WRAPPERS:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _renamed(tensors: Tensors, path: Path, names: Mapping[str, object]) -> Tensors:
    """The tensors under new names; those that ``names`` doesn't mention keep theirs. Raises Problems."""

    def new(old: str, name: object) -> str:
        if old not in tensors:
            near = difflib.get_close_matches(old, tensors, n=3)
            raise Problems([Problem((), f"{path}: {unknown('tensor', old, near)}")])
        if not isinstance(name, str):
            raise Problems([Problem((), f"the name of one tensor was expected, not {name}")])
        return name

    renamed = {old: old for old in tensors} | each(names, new)
    uses = Counter(renamed.values())
    twice = [old for old in names if uses[renamed[old]] > 1]
    if twice:
        raise Problems([Problem((old,), f"{path}: another tensor is called {renamed[old]}, too") for old in twice])
    return {name: tensors[old] for old, name in renamed.items()}


def load(model: nn.Module, tensors: Mapping[str, torch.Tensor]) -> Fit:
    """Load what fits into ``model``, in place; the rest keeps its random start.

    The first convolution is fitted to another number of channels as timm does it. Raises TrialFailed when less than
    half of the network fits.
    """
    own = model.state_dict()
    given = _for_channels(model, tensors)
    fit = Fit(
        loaded=tuple(name for name in own if name in given and given[name].shape == own[name].shape),
        misfit=tuple(name for name in own if name in given and given[name].shape != own[name].shape),
        missing=tuple(name for name in own if name not in given),
        unexpected=tuple(name for name in given if name not in own),
    )
    if 2 * len(fit.loaded) < len(own):
        raise TrialFailed(f"weights: not those of {type(model).__name__}: {fit}")
    model.load_state_dict({name: given[name] for name in fit.loaded}, strict=False)
    return fit


def _for_channels(model: nn.Module, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """The tensors, those of the first convolution for as many channels as ``model`` has where they are for colour."""
    from timm.models import adapt_input_conv

    given = dict(tensors)
    with suppress(ValueError):  # a network without a convolution has nothing to adapt
        path, conv = first_conv(model)
        weight = given.get(f"{path}.weight")
        if weight is not None and weight.ndim == 4 and weight.shape[1] == 3 != conv.in_channels:
            given[f"{path}.weight"] = adapt_input_conv(conv.in_channels, weight)
    return given


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
