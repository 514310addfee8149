"""What is to know of a data set before anything is trained on it, and what of it should be mended."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autocls.data.copies import Group
from autocls.data.prepare import Prepared, prepare
from autocls.data.split import PARTS


@dataclass(frozen=True)
class Picture:
    """One image of a group of copies."""

    name: str
    part: str
    label: str
    """Of an image with any number of labels all of them, with a | between each two."""


@dataclass(frozen=True)
class Copied:
    """One picture that is there more than once."""

    pictures: tuple[Picture, ...]
    exact: bool
    """Whether all are the same bytes."""


@dataclass(frozen=True)
class Inspection:
    """A data set as it would be searched with."""

    source: str
    channels: int
    multilabel: bool
    classes: dict[str, dict[str, int]]
    """Part -> class -> number of images, after the split."""
    parts: dict[str, int]
    """Part -> number of images."""
    notes: tuple[str, ...]
    """What is converted, ignored or left out."""
    unreadable: tuple[str, ...]
    across: tuple[Copied, ...]
    """Copies in more than one part."""
    disputed: tuple[Copied, ...]
    """Copies under more than one label."""
    within: tuple[Copied, ...]
    """Copies in one part and under one label, which do little harm."""

    @property
    def images(self) -> int:
        """All that can be read."""
        return sum(self.parts.values())

    @property
    def imbalance(self) -> float:
        """How many times the images of the smallest class the largest has."""
        totals = [sum(self.classes[part][label] for part in PARTS) for label in self.classes["train"]]
        return max(totals) / max(1, min(totals))

    @property
    def findings(self) -> tuple[str, ...]:
        """What should be mended."""
        said = [
            (len(self.unreadable), "file that can't be read", "files that can't be read"),
            (len(self.across), "picture in more than one part", "pictures in more than one part"),
            (len(self.disputed), "picture under more than one label", "pictures under more than one label"),
        ]
        return tuple(f"{number} {one if number == 1 else many}" for number, one, many in said if number)


def inspect(source: str | Path, *, seed: int = 0, root: Path | None = None) -> tuple[Inspection, Prepared]:
    """Look at a source, with the split that ``seed`` gives, and prepare what of it can be read. Raises `BadInput`."""
    prepared = prepare(source, seed=seed, root=root, skip_bad=True)
    found, pictures = prepared.copies(), _pictures(prepared)

    def named(groups: Sequence[Group]) -> tuple[Copied, ...]:
        return tuple(Copied(tuple(pictures[row] for row in group.rows), group.exact) for group in groups)

    inspection = Inspection(
        source=str(source),
        channels=prepared.channels,
        multilabel=prepared.multilabel,
        classes=prepared.counts,
        parts=prepared.images,
        notes=prepared.notes,
        unreadable=prepared.skipped,
        across=named(found.across),
        disputed=named(found.disputed),
        within=named(found.within),
    )
    return inspection, prepared


def _pictures(prepared: Prepared) -> list[Picture]:
    """Every row's."""
    of_row = {
        row: Picture(name, part, _said(prepared.classes, label))
        for part in PARTS
        for row, name, label in zip(prepared.rows(part).tolist(), *prepared.named(part), strict=True)
    }
    return [of_row[row] for row in range(len(of_row))]


def _said(classes: Sequence[str], label: np.int64 | npt.NDArray[np.bool_]) -> str:
    if isinstance(label, np.ndarray):
        return "|".join(name for name, has in zip(classes, label, strict=True) if has)
    return classes[int(label)]
