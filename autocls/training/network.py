"""From a recipe to the network it describes."""

import copy
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import torch
from torch import nn

from autocls.errors import NotApplicable, TrialFailed
from autocls.models import pretrained
from autocls.recipe import Recipe, kind
from autocls.surgery import sites
from autocls.tricks.architecture import Architecture
from autocls.tricks.augmentation import Augmentation
from autocls.tricks.base import Trick
from autocls.tricks.dropout import Dropout, StochasticDepth
from autocls.tricks.initialisation import Init
from autocls.tricks.sampling import Progressive
from autocls.tricks.surgery import Surgery

log = logging.getLogger("autocls")

Weights = dict[str, torch.Tensor]


def build(recipe: Recipe, classes: int, channels: int) -> nn.Module:
    """The recipe's network, its weights drawn from torch's global generator or those that the recipe starts from.

    Takes B×channels×image_size×image_size floats, gives B×classes logits. The model tricks operate in the order of
    the recipe's fields. Raises NotApplicable when one of them finds no place in this architecture, and TrialFailed when
    weights don't fit it.
    """
    model = recipe.architecture.build(classes, channels, recipe.image_size)
    if recipe.weights is not None:
        fit = pretrained.load(model, recipe.weights.tensors(recipe.architecture))
        log.log(logging.INFO if fit.partial else logging.DEBUG, "weights: %s", fit)
    _operate(recipe, model, channels, _refuse)
    return model


def misfits(recipe: Recipe, classes: int, channels: int, images: Sequence[int] = ()) -> dict[str, str]:
    """The slots whose choice has no place in this recipe, and why; found without computing anything.

    ``images`` are the numbers of training images of each class, where they are known.
    """
    found = dict[str, str]()
    if recipe.weights is not None and (why := recipe.weights.misfit(recipe.architecture)):
        found["weights"] = f"{recipe.weights.choice}: not applicable: {why}"
    found |= recipe.without(found).conflicts() | dict(_misfits(recipe.without(_NOT_OF_THE_NETWORK), classes, channels))
    if recipe.class_weights is not None and images:
        try:
            recipe.class_weights.weights(torch.tensor(images))
        except NotApplicable as error:
            found["class_weights"] = str(error)
    image = torch.zeros(2, channels, 8, 8)
    for name in Recipe.model_fields:
        trick = getattr(recipe, name)
        if isinstance(trick, Augmentation):
            try:
                trick.apply(image, torch.Generator())
            except NotApplicable as error:
                found[name] = str(error)
    return found


@lru_cache(maxsize=4096)
def _misfits(recipe: Recipe, classes: int, channels: int) -> tuple[tuple[str, str], ...]:
    for device in ("meta", "cpu"):  # some networks of other libraries compute while they are made
        found = dict[str, str]()
        try:
            with torch.device(device):
                model = recipe.architecture.build(classes, channels, recipe.image_size)
                _operate(recipe, model, channels, lambda slot, error: found.update({slot: str(error)}))  # noqa: B023
        except TrialFailed:
            break
        except Exception:  # whatever a network raises, it is its trial that fails of it, and says why
            continue
        return tuple(found.items())
    return ()


def without_place(recipe: Recipe, tricks: Iterable[Trick], classes: int, channels: int) -> dict[Trick, str]:
    """The tricks that have no place in the recipe's network, each taken by itself, and why; computes nothing.

    What doesn't operate on networks has a place in all of them.
    """
    found = {}
    with torch.device("meta"):
        model = recipe.architecture.build(classes, channels, recipe.image_size)
        sample = torch.zeros(2, channels, recipe.image_size, recipe.image_size)
        there = sites(model, sample)
        for trick in tricks:
            try:
                if isinstance(trick, Surgery):
                    trick.operations(model, there)
                elif isinstance(trick, Progressive):
                    _takes(model, sample, trick)
            except NotApplicable as error:
                found[trick] = str(error)
    return found


OF_THE_NETWORK = (Architecture, Surgery, Init, Progressive)
_NOT_OF_THE_NETWORK = {
    name
    for name in Recipe.model_fields
    if name != "image_size" and ((tricks := kind(name)) is None or not issubclass(tricks, OF_THE_NETWORK))
}


def only_network(recipe: Recipe) -> Recipe:
    """The recipe with neutral choices wherever they don't change how a trained network comes to its answer."""
    return recipe.without(name for name in Recipe.model_fields if name not in _OF_THE_ANSWER)


_OF_THE_ANSWER = {"image_size", "tta"} | {
    name
    for name in Recipe.model_fields
    if (tricks := kind(name)) is not None
    and issubclass(tricks, Architecture | Surgery)
    and not issubclass(tricks, Dropout | StochasticDepth)
}


def _operate(recipe: Recipe, model: nn.Module, channels: int, refused: Callable[[str, NotApplicable], None]) -> None:
    """Do to a network that is built and has its weights what the recipe's slots say, in order.

    ``refused`` is told of each slot whose trick has no place there.
    """
    sample = torch.zeros(2, channels, recipe.image_size, recipe.image_size)
    tricks = {slot: getattr(recipe, slot) for slot in Recipe.model_fields}
    there = sites(model, sample) if any(isinstance(trick, Surgery) for trick in tricks.values()) else []
    for slot, trick in tricks.items():
        try:
            if isinstance(trick, Surgery):
                there = trick.operate(model, sample, there)
            elif isinstance(trick, Init):
                trick.apply(model)
            elif isinstance(trick, Progressive):
                _takes(model, sample, trick)
        except NotApplicable as error:
            refused(slot, error)


def _refuse(slot: str, error: NotApplicable) -> None:
    raise error


def _takes(model: nn.Module, sample: torch.Tensor, progressive: Progressive) -> None:
    """Raises NotApplicable when ``model`` doesn't take images as small as training would show it."""
    size = progressive.size(sample.shape[-1], 0.0)
    probe = copy.deepcopy(model).to("meta").train()  # some layers refuse maps in training that they take afterwards
    try:
        with torch.no_grad():
            probe(sample[..., :size, :size].to("meta"))
    except (RuntimeError, ValueError, AssertionError):
        raise NotApplicable(
            f"{progressive.choice}: not applicable: {type(model).__name__} takes no images of {size} pixels"
        ) from None


def head(model: nn.Module, classes: int) -> nn.Module:
    """The last layer: the last linear or convolutional one that makes ``classes`` numbers."""
    layers = [m for m in model.modules() if getattr(m, "out_features", getattr(m, "out_channels", 0)) == classes]
    return layers[-1]


def count_parameters(model: nn.Module) -> int:
    """How many numbers training can change."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
