"""Pictures that a data set has more than once: byte for byte, or saved anew in another size, format or quality."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autocls.data.catalogue import content_digest, in_threads
from autocls.data.images import thumbnail
from autocls.data.listing import Item
from autocls.data.split import Labels, Split
from autocls.errors import BadInput

SIDE = 16
"""Pixels of the thumbnails that are compared, in colour."""
ALIKE = 0.995
"""Correlation of two thumbnails from which on they show one picture.

A perceptual hash would keep 64 signs of such a thumbnail's frequencies; 71 % of scikit-learn's digits have another one
within 10 of them. The thumbnails themselves tell copies from likenesses: ``benchmarks/copies.py`` measures both kinds
of mistakes.
"""
NEIGHBOURS = 8
"""Of each picture so many are looked at; what is there more often hangs together through the others."""
DIRECTIONS = 16
_CHUNK = 8192


@dataclass(frozen=True)
class Group:
    """One picture that is there more than once."""

    rows: tuple[int, ...]
    """Ascending, two or more."""
    exact: bool
    """Whether all are the same bytes."""


def copies(items: Sequence[Item], file: Path) -> tuple[Group, ...]:
    """The groups kept in ``file``; found and kept there if there is none. The caller holds the folder's lock.

    Raises BadInput when an image can't be read any more.
    """
    if file.exists():
        return kept(file)
    thumbnails = np.empty((len(items), SIDE * SIDE * 3), np.uint8)

    def look(row: int) -> bytes:
        try:
            content = items[row].load()
            thumbnails[row] = thumbnail(content, SIDE).reshape(-1)
        except (OSError, BadInput) as error:
            raise BadInput(f"{items[row].name}: {error}; it could be read before, so prepare them again") from error
        return content_digest(content)

    digests = list(in_threads(look, range(len(items))))
    found = grouped(digests, thumbnails)
    partial = file.with_suffix(".part")
    partial.write_text(json.dumps([asdict(group) for group in found]), "utf-8")
    os.replace(partial, file)
    return found


def kept(file: Path) -> tuple[Group, ...]:
    """The groups that ``copies`` kept in a file, which must be there."""
    return tuple(Group(tuple(group["rows"]), group["exact"]) for group in json.loads(file.read_text("utf-8")))


def grouped(digests: Sequence[bytes], thumbnails: npt.NDArray[np.uint8]) -> tuple[Group, ...]:
    """The groups of N pictures, from the digest of each one's bytes and its thumbnail (N×D), in the order of rows."""
    from scipy.sparse import coo_array  # a third of a second of the start of each worker, which looks for no copies
    from scipy.sparse.csgraph import connected_components

    if not digests:
        return ()
    unique = np.unique_all(np.array(digests, "S16"))
    first, same = unique.indices, unique.inverse_indices
    pairs = first[alike(thumbnails[first])]
    ends = np.concatenate([np.stack([np.arange(len(digests)), first[same]], axis=1), pairs])
    graph = coo_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=(len(digests), len(digests)))
    group: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    found = [Group(tuple(rows.tolist()), len(np.unique(same[rows])) == 1) for rows in members if len(rows) > 1]
    return tuple(sorted(found, key=lambda group: group.rows))


def alike(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """P×2 rows of thumbnails (N×D) that correlate by ``ALIKE`` or more; a picture of one colour is like no other.

    Pictures that correlate by r lie sqrt(2 - 2r) apart on the unit sphere, and nearer in any projection of it. So those
    that are near in the few directions in which the pictures differ most are found first, and then looked at whole.
    """
    from scipy.spatial import cKDTree

    if len(thumbnails) < 2:
        return np.empty((0, 2), np.int64)
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(thumbnails), _CHUNK)]
    covariance = np.zeros((thumbnails.shape[1],) * 2, np.float32)
    for rows in chunks:
        unit = _unit(thumbnails[rows])
        covariance += unit.T @ unit
    directions = np.linalg.eigh(covariance)[1][:, -DIRECTIONS:]
    points = np.concatenate([_unit(thumbnails[rows]) @ directions for rows in chunks])
    # A little farther than needed: what is computed in single precision may differ in its last digits.
    found = cKDTree(points).query(
        points, k=min(NEIGHBOURS + 1, len(points)), distance_upper_bound=np.sqrt(2 - 2 * ALIKE) + 1e-3
    )
    near, neighbours = np.asarray(found[0]), np.asarray(found[1])
    one, nth = np.nonzero(np.isfinite(near))
    pairs = np.stack([one, neighbours[one, nth]], axis=1)
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0).astype(np.int64)
    whole = [
        (_unit(thumbnails[some[:, 0]]) * _unit(thumbnails[some[:, 1]])).sum(axis=1) >= ALIKE
        for some in (pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK))
    ]
    copied: npt.NDArray[np.int64] = pairs[np.concatenate([np.empty(0, bool), *whole])]
    return copied


def _unit(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Thumbnails less their mean, of length 1; 0 where all their values are equal."""
    centred = thumbnails - thumbnails.mean(axis=1, keepdims=True, dtype=np.float32)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(length, 1e-3), np.float32)


@dataclass(frozen=True)
class Repeated:
    """What copies do to a split and to labels."""

    within: tuple[Group, ...]
    """All of their pictures in one part, under one label."""
    across: tuple[Group, ...]
    """In more than one part: the score of the later ones flatters."""
    disputed: tuple[Group, ...]
    """Under more than one label, in whichever parts."""
    test: int
    """Of the test part's images, those that are copies of ones in train or validation."""
    val: int
    """Of the validation part's images, those that are copies of ones in train."""


def repeated(groups: Sequence[Group], split: Split, labels: Labels) -> Repeated:
    """The groups by what is wrong with them; one may be both across and disputed."""
    part = np.empty(len(labels), np.int64)
    for number, rows in enumerate((split.train, split.val, split.test)):
        part[rows] = number
    parts = [part[list(group.rows)] for group in groups]
    across = [len(set(of.tolist())) > 1 for of in parts]
    disputed = [len(np.unique(labels[list(group.rows)], axis=0)) > 1 for group in groups]
    return Repeated(
        within=tuple(g for g, a, d in zip(groups, across, disputed, strict=True) if not a and not d),
        across=tuple(g for g, a in zip(groups, across, strict=True) if a),
        disputed=tuple(g for g, d in zip(groups, disputed, strict=True) if d),
        test=sum(int((of == 2).sum()) for of in parts if of.min() < 2),
        val=sum(int((of == 1).sum()) for of in parts if of.min() < 1),
    )


def notes(found: Repeated, split: Split) -> list[str]:
    """What to tell a person of it, a sentence each; nothing of pictures that are there again within a part."""
    said = [
        f"{number} of the {len(rows)} {part} images {'is a copy' if number == 1 else 'are copies'} of ones in "
        f"{others}: the {part} score flatters"
        for number, rows, part, others in (
            (found.test, split.test, "test", "train or validation"),
            (found.val, split.val, "validation", "train"),
        )
        if number
    ]
    if found.disputed:
        number = len(found.disputed)
        said.append(f"{number} picture{' is' if number == 1 else 's are'} there under more than one label")
    return [f"{each}; `autocls inspect` lists them" for each in said]
