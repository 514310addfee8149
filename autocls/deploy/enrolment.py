"""Labelled pictures of a data set as a network sees them: what is enrolled, and what recognition is evaluated on."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from autocls.data.cache import cache_root
from autocls.data.images import decode
from autocls.data.listing import Item, few
from autocls.data.sources import list_source, locate
from autocls.deploy.nearest import Floats
from autocls.deploy.recognizer import Embedder
from autocls.errors import BadInput


@dataclass(frozen=True, eq=False)
class Embedded:
    """N pictures of people or things whose names are known."""

    embeddings: Floats
    """N×D, of length 1."""
    names: tuple[str, ...]
    """Of each row."""
    notes: tuple[str, ...]
    """Files that were left out by their names."""
    skipped: tuple[str, ...]
    """Pictures that were left out, and why each."""

    @property
    def people(self) -> tuple[str, ...]:
        """The names, once each, sorted."""
        return tuple(sorted(set(self.names)))


def read(embedder: Embedder, source: str | Path) -> Embedded:
    """Every picture of a data set, of all its parts: a folder with a folder for each name, or what else a search takes.

    Raises BadInput if there is none, if they have several labels each, and for a name that has no usable picture.
    """
    listing = list_source(locate(source), cache_root() / "torchvision")
    if listing.multilabel:
        raise BadInput(f"{source}: its images have any number of labels each; one name each is needed")
    rows, names = list[Floats](), list[str]()
    bad = defaultdict[str, list[str]](list)
    for item, found in embedder.stream(listing.items, _picture):
        (label,) = item.labels
        if isinstance(found, BadInput):
            bad[label].append(f"{item.name}: {found}")
        elif not found.any():
            bad[label].append(f"{item.name}: the network finds nothing in it")
        else:
            rows.append(found)
            names.append(label)
    if nothing := sorted(bad.keys() - set(names)):
        first = nothing[0]
        raise BadInput(f"{source}: no usable picture of {few(nothing)}: {few(bad[first])}")
    skipped = tuple(reason for reasons in bad.values() for reason in reasons)
    return Embedded(np.stack(rows), tuple(names), listing.notes, skipped)


def _picture(item: Item) -> Image.Image:
    try:
        return decode(item.load())
    except OSError as error:
        raise BadInput(error.strerror or str(error)) from None
