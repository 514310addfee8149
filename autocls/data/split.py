"""The three parts: train to learn from, val to choose by, test to judge with."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

PARTS = ("train", "val", "test")
SHARES = {"train": 0.65, "val": 0.15, "test": 0.20}


@dataclass(frozen=True)
class Split:
    """Rows of the images in each part: int64, sorted, disjoint."""

    train: npt.NDArray[np.int64]
    val: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]


def split_rows(labels: npt.NDArray[np.int64], parts: npt.NDArray[np.int64], seed: int) -> Split:
    """Completes the parts the user gave; the result depends on nothing but the arguments.

    `labels` (N) are class numbers, `parts` (N) index `PARTS`. A part that is there is kept as it is; one that is
    missing is drawn from train, class by class, in the proportions of `SHARES` and with at least one image per class.
    Each class needs as many train images as train and the missing parts together are.
    """
    parts = parts.copy()
    missing = [part for part in range(1, len(PARTS)) if not (parts == part).any()]
    total = SHARES["train"] + sum(SHARES[PARTS[part]] for part in missing)
    rng = np.random.default_rng(seed)
    for label in np.unique(labels) if missing else ():
        rows = rng.permutation(np.flatnonzero((labels == label) & (parts == 0)))
        taken = 0
        for part in missing:
            count = max(1, round(len(rows) * SHARES[PARTS[part]] / total))
            parts[rows[taken : taken + count]] = part
            taken += count
    return Split(*(np.flatnonzero(parts == part).astype(np.int64) for part in range(len(PARTS))))


def resplit(labels: npt.NDArray[np.int64], split: Split, seed: int) -> Split:
    """The same test part, and a validation part of the same size drawn anew, class by class, from the other images."""
    parts = np.zeros(len(labels), np.int64)
    parts[split.test] = PARTS.index("test")
    return split_rows(labels, parts, seed)
