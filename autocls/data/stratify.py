"""Iterative stratification (Sechidis et al. 2011, ECML PKDD): parts in which each of many labels has its share."""

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
    images, share = len(labels), np.asarray(shares)
    order = rng.permutation(images)
    having = [order[labels[order, k]] for k in range(labels.shape[1])]
    wanted = share * images
    wanted_of = np.maximum(share[:, None] * labels.sum(axis=0), 1.0)  # one at least, of labels that have as many
    part = np.full(images, -1, np.int64)
    left = labels.sum(axis=0)
    while (left > 0).any():
        rarest = int(np.where(left > 0, left, images + 1).argmin())
        for image in having[rarest][part[having[rarest]] < 0]:
            _deal(image, _neediest(wanted_of[:, rarest], wanted, rng), part, labels, wanted, wanted_of, left)
    for image in order[part[order] < 0]:  # without any label
        _deal(image, _neediest(wanted, wanted, rng), part, labels, wanted, wanted_of, left)
    _complete(part, labels, len(share))
    return part


def _deal(
    image: np.int64,
    to: int,
    part: npt.NDArray[np.int64],
    labels: npt.NDArray[np.bool_],
    wanted: npt.NDArray[np.float64],
    wanted_of: npt.NDArray[np.float64],
    left: npt.NDArray[np.int64],
) -> None:
    part[image] = to
    wanted[to] -= 1
    wanted_of[to, labels[image]] -= 1
    left[labels[image]] -= 1


def _neediest(of_label: npt.NDArray[np.float64], of_all: npt.NDArray[np.float64], rng: np.random.Generator) -> int:
    """The part that lacks most images of a label, of those the one that lacks most images, of those any."""
    most = np.flatnonzero(of_label >= of_label.max() - 1e-9)
    most = most[of_all[most] >= of_all[most].max() - 1e-9]
    return int(rng.choice(most)) if len(most) > 1 else int(most[0])


def _complete(part: npt.NDArray[np.int64], labels: npt.NDArray[np.bool_], parts: int) -> None:
    """Give a part that lacks a label an image of it, from where that leaves every label that is there."""
    counts = np.stack([labels[part == p].sum(axis=0) for p in range(parts)])
    for lacking, label in np.argwhere(counts == 0):
        for image in np.flatnonzero(labels[:, label] & (part != lacking)):
            source = part[image]
            if (counts[source, labels[image]] > 1).all():
                counts[source, labels[image]] -= 1
                counts[lacking, labels[image]] += 1
                part[image] = lacking
                break
