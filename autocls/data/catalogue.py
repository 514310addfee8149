"""The images of a source in an order, and under a fingerprint, that their content alone decides."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
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
"""Part -> class -> number of images, in the order of `PARTS` and of the classes."""

# Raise the number whenever decoding or `to_square` changes: what is cached under the old one is then left alone.
_FORMAT = b"autocls images 1"


@dataclass(frozen=True)
class Catalogue:
    """The images sorted by part, class and content, so that equal content has equal rows wherever it lies."""

    name: str
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    fingerprint: str  # 32 hex digits
    notes: tuple[str, ...]


def catalogue(listing: Listing) -> Catalogue:
    """Reads every image once, to fingerprint it; nothing is decoded."""
    classes = tuple(sorted({item.label for item in listing.items}, key=_natural))
    number = {label: row for row, label in enumerate(classes)}
    digests = in_threads(_digest, listing.items)
    keyed = [
        (PARTS.index(item.part), number[item.label], digest, item)
        for digest, item in zip(digests, listing.items, strict=True)
    ]
    keyed.sort(key=lambda entry: entry[:3])
    whole = blake2b(_FORMAT, digest_size=16)
    for *_, digest, item in keyed:
        whole.update(f"\n{item.part}\0{item.label}\0".encode() + digest)
    items = tuple(item for *_, item in keyed)
    return Catalogue(listing.name, items, classes, whole.hexdigest(), listing.notes)


def count(items: Iterable[Item], classes: tuple[str, ...]) -> Counts:
    """How many images of each class each part has; a part without any is left out."""
    found = Counter((item.part, item.label) for item in items)
    counts = {part: {label: found[part, label] for label in classes} for part in PARTS}
    return {part: of_class for part, of_class in counts.items() if any(of_class.values())}


def in_threads(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """``map(work, items)`` on all cores: reading, hashing and decoding all release the interpreter's lock."""
    with ThreadPoolExecutor(max(2, cpu_count() or 2)) as pool:
        yield from pool.map(work, items)


def _digest(item: Item) -> bytes:
    try:
        return _content_digest(item.load())
    except OSError:  # the survey tries again, and names the file and the reason
        return _content_digest(b"")


def _content_digest(content: Content) -> bytes:
    if isinstance(content, bytes):
        return blake2b(content, digest_size=16).digest()
    described = f"{content.mode} {content.size} ".encode()
    return blake2b(described + content.tobytes(), digest_size=16).digest()


def _natural(label: str) -> tuple[bool, int, str]:
    """Numbers by their value and before words: 2 comes before 10."""
    return (False, int(label), label) if label.isdecimal() else (True, 0, label)
