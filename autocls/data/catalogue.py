"""The images of a source in an order, and under a fingerprint, that their content alone decides."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from os import cpu_count
from typing import TypeVar

from autocls.data.images import Content
from autocls.data.listing import Item, Listing
from autocls.data.split import PARTS

T = TypeVar("T")
R = TypeVar("R")

Counts = dict[str, dict[str, int]]
"""Part -> class -> number of images that have it, in the order of `PARTS` and of the classes."""

# Raise the number whenever decoding or `to_square` changes: what is cached under the old one is then left alone.
_FORMAT, _MULTILABEL = b"autocls images 1", b" multi-label"


@dataclass(frozen=True)
class Catalogue:
    """The images sorted by part, labels and content, so that equal content has equal rows wherever it lies."""

    name: str
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    fingerprint: str  # 32 hex digits
    notes: tuple[str, ...]
    multilabel: bool


def catalogue(listing: Listing) -> Catalogue:
    """Reads every image once, to fingerprint it; nothing is decoded."""
    classes = classes_of(listing)
    number = {label: row for row, label in enumerate(classes)}
    digests = in_threads(_digest, listing.items)
    keyed = [
        (PARTS.index(item.part), sorted(number[label] for label in item.labels), digest, item)
        for digest, item in zip(digests, listing.items, strict=True)
    ]
    keyed.sort(key=lambda entry: entry[:3])
    whole = blake2b(_FORMAT + _MULTILABEL * listing.multilabel, digest_size=16)
    for _, labels, digest, item in keyed:
        whole.update(f"\n{item.part}\0".encode() + b"".join(f"{classes[k]}\0".encode() for k in labels) + digest)
    items = tuple(item for *_, item in keyed)
    return Catalogue(listing.name, items, classes, whole.hexdigest(), listing.notes, listing.multilabel)


def classes_of(listing: Listing) -> tuple[str, ...]:
    """All the labels of a source, in the order of their numbers."""
    return tuple(sorted({label for item in listing.items for label in item.labels}, key=_natural))


def count(items: Sequence[Item], classes: tuple[str, ...]) -> Counts:
    """How many images of each class each part has; a part without any image is left out."""
    found = Counter((item.part, label) for item in items for label in item.labels)
    there = {item.part for item in items}
    return {part: {label: found[part, label] for label in classes} for part in PARTS if part in there}


def in_threads(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """``map(work, items)`` on all cores: reading, hashing and decoding all release the interpreter's lock."""
    with ThreadPoolExecutor(max(2, cpu_count() or 2)) as pool:
        yield from pool.map(work, items)


def _digest(item: Item) -> bytes:
    try:
        return content_digest(item.load())
    except OSError:  # the survey tries again, and names the file and the reason
        return content_digest(b"")


def content_digest(content: Content) -> bytes:
    """16 bytes that stand for an image's content."""
    if isinstance(content, bytes):
        return blake2b(content, digest_size=16).digest()
    described = f"{content.mode} {content.size} ".encode()
    return blake2b(described + content.tobytes(), digest_size=16).digest()


def _natural(label: str) -> tuple[bool, int, str]:
    """Numbers by their value and before words: 2 comes before 10."""
    return (False, int(label), label) if label.isdecimal() else (True, 0, label)
