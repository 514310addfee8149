"""The part and the labels of every row, as the source gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from autocls.data.listing import Item
from autocls.data.split import PARTS, Labels


@dataclass(frozen=True)
class Given:
    """Small and picklable: the catalogue sorts images by part and labels, so that runs of equal rows say it all."""

    classes: int
    multilabel: bool
    runs: tuple[tuple[int, tuple[int, ...], int], ...]
    """Index into ``PARTS``, class numbers in ascending order, and how many rows."""

    @classmethod
    def of(cls, items: Sequence[Item], classes: Sequence[str], *, multilabel: bool) -> "Given":
        """What is given of the catalogue's items."""
        number = {label: k for k, label in enumerate(classes)}
        keys = ((PARTS.index(item.part), tuple(sorted(number[label] for label in set(item.labels)))) for item in items)
        runs = tuple((*key, sum(1 for _ in rows)) for key, rows in groupby(keys))
        return cls(len(classes), multilabel, runs)

    def labels(self) -> Labels:
        """Those of every row."""
        numbers = [number for *_, number in self.runs]
        if not self.multilabel:
            return np.repeat(np.array([labels[0] for _, labels, _ in self.runs], np.int64), numbers)
        hot = np.zeros((len(self.runs), self.classes), np.bool_)
        for row, (_, labels, _) in enumerate(self.runs):
            hot[row, list(labels)] = True
        return np.repeat(hot, numbers, axis=0)

    def parts(self) -> npt.NDArray[np.int64]:
        """Index into ``PARTS`` of every row."""
        parts, _, numbers = zip(*self.runs, strict=True)
        return np.repeat(np.array(parts, np.int64), numbers)

    def has(self, part: str) -> bool:
        """Whether the source says itself which images a part has."""
        return any(PARTS[index] == part for index, *_ in self.runs)
