"""The labelled data sets of torchvision, by the name of their class."""

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from autocls.data.listing import Item, Listing
from autocls.errors import BadInput, unknown

# What the classes that take `split=` call each part, first choice first.
_SPLIT_NAMES = {"train": ("train", "trainval"), "val": ("val", "valid"), "test": ("test",)}


def list_torchvision(name: str, root: Path) -> Listing:
    """The set `name`, such as CIFAR10, downloaded to `root` unless it is there.

    The parts that the class offers (``train=`` or ``split=``) are kept. Raises `BadInput` if there is no such set, it
    can't be had, or it doesn't have one label per image.
    """
    known = _known()
    proper = {each.lower(): each for each in known}.get(name.lower())
    if proper is None:
        raise BadInput(unknown("torchvision data set", name, known))
    try:
        sets = list(_parts(partial(known[proper], root), proper, root))
    except (OSError, RuntimeError, TypeError, ValueError, ImportError) as error:
        raise BadInput(
            f"torchvision:{proper} can't be read from or downloaded to {root} ({error}); put there what "
            f"torchvision.datasets.{proper}(root, download=True) leaves in its root on a machine with a network"
        ) from error
    if not sets:
        raise BadInput(f"torchvision:{proper} has no train part that is chosen by train=True or split='train'")
    return Listing(proper.lower(), [item for part, dataset in sets for item in _items(proper, part, dataset)])


def _known() -> dict[str, Any]:
    """The data sets that can be downloaded; those that can't have layouts of their own."""
    from torchvision import datasets  # slow to import, and few need it

    public = {name: getattr(datasets, name) for name in datasets.__all__}
    return {name: each for name, each in public.items() if isinstance(each, type) and "download" in _options(each)}


def _options(cls: Any) -> set[str]:
    """The arguments that a class takes, those that it hands on to its parents included."""
    names: set[str] = set()
    for each in cls.__mro__[:-1]:
        parameters = inspect.signature(each.__init__).parameters
        names |= parameters.keys()
        if "kwargs" not in parameters:
            break
    return names


def _parts(make: "partial[Any]", name: str, root: Path) -> Iterator[tuple[str, Any]]:
    root.mkdir(parents=True, exist_ok=True)
    options = _options(make.func)
    if "train" in options:
        yield "train", make(train=True, download=True)
        yield "test", make(train=False, download=True)
    elif "split" in options:
        for part, names in _SPLIT_NAMES.items():
            dataset = _first(names, partial(make, download=True))
            if dataset is not None:
                yield part, dataset
    else:
        yield "train", make(download=True)


def _first(names: tuple[str, ...], make: Callable[..., Any]) -> Any | None:
    for name in names:
        try:
            return make(split=name)
        except ValueError:  # how torchvision says that there is no such split
            continue
    return None


def _items(name: str, part: str, dataset: Any) -> Iterator[Item]:
    classes = getattr(dataset, "classes", None)
    for row, target in enumerate(_targets(name, dataset)):
        label = str(classes[target] if classes else target)
        yield Item(f"{part} {row}", (label,), part, partial(_image, dataset, row))


def _targets(name: str, dataset: Any) -> list[int]:
    # The label of one image comes only with the image decoded, so the list of them is looked for first.
    for attribute in ("targets", "labels", "_labels"):
        listed = np.asarray(getattr(dataset, attribute, ()))
        if listed.shape == (len(dataset),) and listed.dtype.kind in "iu":
            return [int(target) for target in listed]
    targets = [dataset[row][1] for row in range(len(dataset))]
    if not all(isinstance(target, int) for target in targets):
        raise BadInput(f"torchvision:{name} doesn't have one label per image")
    return targets


def _image(dataset: Any, row: int) -> Image.Image:
    image: Image.Image = dataset[row][0]
    return image
