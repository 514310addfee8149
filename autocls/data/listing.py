"""What a source offers: one item per image, nothing decoded yet."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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


def printable(path: Path) -> str:
    """The path as text that can be written anywhere: bytes of a file's name that are no UTF-8 become ``\\xe9``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def are_labels(labels: Sequence[object]) -> bool:
    """Whether these can be the labels of an image: different texts, none of them empty."""
    texts = {label for label in labels if isinstance(label, str) and label and _is_text(label)}
    return len(texts) == len(labels)


def _is_text(label: str) -> bool:
    """JSON can write half of a pair of surrogates, which nothing else can."""
    return not any("\ud800" <= character <= "\udfff" for character in label)


def few(names: Sequence[str]) -> str:
    """``a, b, c, d, e and 7 more``: at most five names."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
