"""The three parts: train to learn from, val to choose by, test to judge with."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autocls.data.stratify import stratified

PARTS = ("train", "val", "test")
PART_OF = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""What users call the parts."""
SHARES = {"train": 0.65, "val": 0.15, "test": 0.20}


Labels = npt.NDArray[np.int64] | npt.NDArray[np.bool_]
"""N class numbers; of multi-label data N×K, whether each image has each label."""


@dataclass(frozen=True)
class Split:
    """Rows of the images in each part: int64, sorted, disjoint."""

    train: npt.NDArray[np.int64]
    val: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]


def split_rows(labels: Labels, parts: npt.NDArray[np.int64], seed: int) -> Split:
    """Completes the parts the user gave; the result depends on nothing but the arguments.

    `labels` are N class numbers or N×K truths, `parts` (N) index `PARTS`. A part that is there is kept as it is; one
    that is missing is drawn from train, class by class, in the proportions of `SHARES` and with at least one image per
    class. Each class needs as many train images as train and the missing parts together are; where images have several
    labels even that may not do, and a part lacks a label.
    """
    parts = parts.copy()
    missing = [part for part in range(1, len(PARTS)) if not (parts == part).any()]
    if missing:
        (_draw_labels if labels.ndim == 2 else _draw_classes)(labels, parts, missing, np.random.default_rng(seed))
    return Split(*(np.flatnonzero(parts == part).astype(np.int64) for part in range(len(PARTS))))


def _draw_labels(labels: Labels, parts: npt.NDArray[np.int64], missing: list[int], rng: np.random.Generator) -> None:
    rows, drawn = np.flatnonzero(parts == 0), np.array([0, *missing])
    total = sum(SHARES[PARTS[part]] for part in drawn)
    shares = [SHARES[PARTS[part]] / total for part in drawn]
    parts[rows] = drawn[stratified(labels[rows].astype(np.bool_), shares, rng)]


def _draw_classes(labels: Labels, parts: npt.NDArray[np.int64], missing: list[int], rng: np.random.Generator) -> None:
    total = SHARES["train"] + sum(SHARES[PARTS[part]] for part in missing)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero((labels == label) & (parts == 0)))
        taken = 0
        for part in missing:
            count = max(1, round(len(rows) * SHARES[PARTS[part]] / total))
            parts[rows[taken : taken + count]] = part
            taken += count


def resplit(labels: Labels, split: Split, seed: int) -> Split:
    """The same test part, and a validation part of the same size drawn anew, class by class, from the other images."""
    parts = np.zeros(len(labels), np.int64)
    parts[split.test] = PARTS.index("test")
    return split_rows(labels, parts, seed)


def fold_rows(labels: Labels, rows: npt.NDArray[np.int64], count: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """The rows dealt into ``count`` folds of even sizes, class by class; each fold int64 and sorted."""
    rng = np.random.default_rng(seed)
    dealt = np.concatenate([rng.permutation(rows[labels[rows] == label]) for label in np.unique(labels[rows])])
    return [np.sort(dealt[fold::count]) for fold in range(count)]
