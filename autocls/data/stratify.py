"""Iterative stratification (Sechidis et al. 2011, ECML PKDD): parts in which each of many labels has its share."""

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def stratified(
    labels: npt.NDArray[np.bool_], shares: Sequence[float], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """N×K labels in, N part numbers out: part p has about ``shares[p]`` of the images, and of the images of each label.

    The shares sum to 1. Labels are dealt out rarest first, for the common ones can make up for them. Each label has an
    image in every part wherever that can be had by giving single images to another part.
    """
    order: list[int] = rng.permutation(len(labels)).tolist()
    chance = random.Random(int(rng.integers(2**63)))
    labels_of = [np.flatnonzero(row).tolist() for row in labels]
    left: list[int] = labels.sum(axis=0).tolist()
    having: list[list[int]] = [[] for _ in left]
    for image in order:
        for label in labels_of[image]:
            having[label].append(image)
    part = [-1] * len(labels)
    lack = [share * len(labels) for share in shares]
    lack_of = [[max(1.0, share * number) for share in shares] for number in left]  # one at least in each part

    def deal(image: int, wanting: list[float]) -> None:
        to = part[image] = _neediest(wanting, lack, chance)
        lack[to] -= 1
        for label in labels_of[image]:
            lack_of[label][to] -= 1
            left[label] -= 1

    while any(left):
        rarest = min((number, label) for label, number in enumerate(left) if number)[1]
        for image in having[rarest]:
            if part[image] < 0:
                deal(image, lack_of[rarest])
    for image in order:
        if part[image] < 0:  # without any label
            deal(image, lack)
    found = np.array(part, np.int64)
    _level(found, labels, np.array(shares))
    _complete(found, labels, len(shares))
    return found


def _neediest(wanting: Sequence[float], lack: Sequence[float], chance: random.Random) -> int:
    """The part that wants most images of a label, of those the one that lacks most images, of those any."""
    keys = list(zip(wanting, lack, strict=True))
    most = max(keys)
    best = [part for part, key in enumerate(keys) if key == most]
    return best[0] if len(best) == 1 else chance.choice(best)


def _level(part: npt.NDArray[np.int64], labels: npt.NDArray[np.bool_], shares: npt.NDArray[np.float64]) -> None:
    """Move images out of parts that have one or more too many, each time the one whose labels fit best elsewhere.

    Labels that are dealt out one after another can add up to a part that is too large: each had its share alone.
    """
    shares = shares / shares.sum()
    many = np.bincount(part, minlength=len(shares)) - shares * len(part)
    lack = np.stack([share * labels.sum(axis=0) - labels[part == p].sum(axis=0) for p, share in enumerate(shares)])
    while many.max() >= 1:
        out, to = int(many.argmax()), int(many.argmin())
        rows = np.flatnonzero(part == out)
        # What a move takes from the sum of the squares of what labels lack, by half.
        row = rows[np.argmax(labels[rows] @ (lack[to] - lack[out] - 1))]
        part[row] = to
        many[[out, to]] += (-1, 1)
        lack[out] += labels[row]
        lack[to] -= labels[row]


def _complete(part: npt.NDArray[np.int64], labels: npt.NDArray[np.bool_], parts: int) -> None:
    """Give parts that lack a label an image of it, from where that leaves every label that is there."""
    counts = np.stack([labels[part == p].sum(axis=0) for p in range(parts)])
    gave = True
    while gave:  # what was given may have made another gift possible
        gave = any(_given(int(to), int(label), part, labels, counts) for to, label in np.argwhere(counts == 0))


def _given(
    to: int, label: int, part: npt.NDArray[np.int64], labels: npt.NDArray[np.bool_], counts: npt.NDArray[np.int64]
) -> bool:
    """Whether an image with a label could be given to a part."""
    for image in np.flatnonzero(labels[:, label] & (part != to)):
        source = part[image]
        if (counts[source, labels[image]] > 1).all():
            counts[source, labels[image]] -= 1
            counts[to, labels[image]] += 1
            part[image] = to
            return True
    return False
