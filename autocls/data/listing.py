"""What a source offers: one item per image, nothing decoded yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autocls.data.images import Content


@dataclass(frozen=True)
class Item:
    """One labelled image of a source."""

    name: str  # how a message calls it
    labels: tuple[str, ...]  # its class; of a multi-label source any number of them
    part: str  # "train", "val" or "test"; "train" where the source has no parts
    load: Callable[[], Content]  # may raise OSError


@dataclass(frozen=True)
class Listing:
    """All the images of a source, in any order."""

    name: str
    items: Sequence[Item]
    notes: tuple[str, ...] = ()
    multilabel: bool = False  # whether an image may have any number of labels, instead of one class


def few(names: Sequence[str]) -> str:
    """``a, b, c, d, e and 7 more``: at most five names."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
