"""A gallery: the embeddings of everyone and everything enrolled, in one safetensors file that is never unpickled.

The file holds ``embeddings`` (float16 N×D, a row a picture, a name's rows together), ``templates`` (float16 P×D, a row
a name: the mean of its embeddings, of length 1), and as metadata ``autocls``: JSON as ``Card`` says.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
from filelock import FileLock
from pydantic import Field, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as in_bytes

from autocls.data.listing import few
from autocls.deploy import threshold as thresholds
from autocls.deploy.nearest import Floats, Halves, blocks
from autocls.deploy.threshold import Threshold
from autocls.errors import BadInput, unknown
from autocls.files import make_room, whole

KEY = "autocls"
EMBEDDINGS, TEMPLATES = "embeddings", "templates"
FORMAT = 1
_OFF = 0.01
"""How far a row's length may be from 1; float16 stays within a tenth of it."""
_SHOWN = 20
"""Names at most that an error lists."""


@dataclass(frozen=True)
class Card:
    """What a gallery's rows mean."""

    format: int
    model: str
    """The identity of the network that made the embeddings."""
    names: tuple[str, ...]
    """Of each row of ``embeddings``."""
    far: Annotated[float, Field(gt=0, lt=1)]
    """The false-accept rate for which the threshold is fitted."""
    threshold: Threshold | None
    """None where one name is enrolled: there is nothing to fit it on."""


@dataclass(frozen=True, eq=False)
class Gallery:
    """Everyone enrolled. Adding and removing give another gallery, with a threshold fitted anew."""

    embeddings: Halves
    """N×D, a row a picture, of length 1; a file's rows are memory-mapped."""
    templates: Halves
    """P×D, a row a name, of length 1."""
    card: Card

    @classmethod
    def of(cls, embeddings: Floats | Halves, names: Sequence[str], model: str, far: float) -> "Gallery":
        """The gallery of N×D ``embeddings`` of length 1 and their N ``names``. Raises BadInput."""
        if (nothing := _first_not_unit(embeddings)) is not None:
            raise BadInput(f"the network finds nothing in picture {nothing + 1}, of {names[nothing]}")
        order = sorted(range(len(names)), key=lambda row: names[row])
        ordered = tuple(names[row] for row in order)
        rows = np.asarray(embeddings)[order].astype(np.float16)
        starts = _starts(ordered)
        sums = np.add.reduceat(rows.astype(np.float32), starts, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        if not lengths.all():
            raise BadInput(f"the pictures of {ordered[starts[int(lengths.argmin())]]} have nothing in common")
        templates = (sums / lengths).astype(np.float16)
        fitted = thresholds.fit(rows, _owners(ordered), templates, far)
        return cls(rows, templates, Card(FORMAT, model, ordered, far, fitted))

    @classmethod
    def open(cls, path: Path) -> "Gallery":
        """The gallery in a file, its rows memory-mapped. Raises BadInput, naming the file and what is wrong in it."""
        while True:
            version = _version(path)
            try:
                gallery = cls._read(path)
            except (BadInput, OSError, ValueError):
                if _version(path) == version:
                    raise
            else:
                if _version(path) == version:  # else another process has changed the file between two looks at it
                    return gallery._of_directions(path)

    @classmethod
    def _read(cls, path: Path) -> "Gallery":
        """The gallery in a file, of whose rows only the shapes are known. Raises BadInput."""
        try:
            with safe_open(path, framework="np") as file:
                said = (file.metadata() or {}).get(KEY)
                shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
                kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise BadInput(f"{path}: not a gallery: {getattr(error, 'strerror', None) or error}") from None
        if said is None or shapes.keys() != {EMBEDDINGS, TEMPLATES}:
            raise BadInput(f"{path}: a safetensors file, but not a gallery, which `autocls recognize enroll` writes")
        try:
            card = TypeAdapter(Card).validate_json(said)
        except ValidationError as error:
            first = error.errors()[0]
            raise BadInput(f"{path}: not a gallery: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        if card.format != FORMAT:
            raise BadInput(f"{path}: a gallery of format {card.format}; this autocls reads format {FORMAT}")
        runs = [name for name, _ in groupby(card.names)]
        for name, rows in ((EMBEDDINGS, len(card.names)), (TEMPLATES, len(runs))):
            shape, kind = shapes[name], kinds[name]
            if kind != "F16" or len(shape) != 2 or shape[0] != rows or not rows or not shape[1]:
                raise BadInput(
                    f"{path}: {name} must be float16 with {rows} rows, for the names it lists, not {kind} {shape}"
                )
        if shapes[EMBEDDINGS][1] != shapes[TEMPLATES][1]:
            raise BadInput(f"{path}: embeddings have {shapes[EMBEDDINGS][1]} columns, templates {shapes[TEMPLATES][1]}")
        if len(set(runs)) < len(runs):
            raise BadInput(f"{path}: the rows of a name must lie together, and those of {few(_twice(runs))} don't")
        return cls(_mapped(path, EMBEDDINGS), _mapped(path, TEMPLATES), card)

    def _of_directions(self, path: Path) -> "Gallery":
        """Itself. Raises BadInput where a row is no direction."""
        for name, matrix in ((EMBEDDINGS, self.embeddings), (TEMPLATES, self.templates)):
            if (row := _first_not_unit(matrix)) is not None:
                raise BadInput(f"{path}: row {row} of {name} is no direction: it has NaNs, or a length that is not 1")
        return self

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises BadInput where there is no such place, OSError as a disk does."""
        make_room(path)
        card = json.dumps(asdict(self.card), ensure_ascii=False)
        matrices = {EMBEDDINGS: np.ascontiguousarray(self.embeddings), TEMPLATES: self.templates}
        with whole(path) as partial:
            partial.write_bytes(in_bytes(matrices, {KEY: card}))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The P names, in the order of the templates."""
        return tuple(name for name, _ in groupby(self.card.names))

    @property
    def threshold(self) -> Threshold | None:
        """As it was fitted at the last change."""
        return self.card.threshold

    def fitted(self, far: float) -> Threshold | None:
        """The threshold for another false-accept rate; None where one name is enrolled. Raises BadInput."""
        return thresholds.fit(self.embeddings, _owners(self.card.names), self.templates, far)

    def added(self, embeddings: Floats, names: Sequence[str]) -> "Gallery":
        """With N×D more ``embeddings`` and their ``names``, which may be enrolled already. Raises BadInput."""
        if embeddings.shape[1] != self.embeddings.shape[1]:
            raise BadInput(f"embeddings have {self.embeddings.shape[1]} numbers here, not {embeddings.shape[1]}")
        rows = np.concatenate([self.embeddings, embeddings.astype(np.float16)])
        return Gallery.of(rows, (*self.card.names, *names), self.card.model, self.card.far)

    def without(self, names: Collection[str]) -> "Gallery":
        """Without all pictures of these names. Raises BadInput if one is not enrolled, or nobody would be left."""
        for name in sorted(set(names) - set(self.names)):
            shown = self.names if len(self.names) <= _SHOWN else get_close_matches(name, self.names, _SHOWN, cutoff=0.3)
            raise BadInput(unknown("name in the gallery", name, shown))
        kept = np.array([name not in names for name in self.card.names])
        if not kept.any():
            raise BadInput("nobody would be left: delete the gallery's file instead")
        left = tuple(name for name in self.card.names if name not in names)
        return Gallery.of(self.embeddings[kept], left, self.card.model, self.card.far)


def change(path: Path, how: Callable[[Gallery], Gallery]) -> Gallery:
    """Change the gallery in a file, one process of this machine at a time: no change is lost. Raises BadInput."""
    if not path.is_file():
        raise BadInput(f"{path}: there is no such gallery")
    path = path.resolve()  # by whatever link it is called, it is one file with one lock
    with FileLock(path.with_name(path.name + ".lock")):
        changed = how(Gallery.open(path))
        changed.save(path)
    return changed


def _version(path: Path) -> tuple[int, int] | None:
    """What is another when the file was replaced; None where there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns


def _starts(names: Sequence[str]) -> npt.NDArray[np.int64]:
    """The first row of each name, whose rows lie together."""
    return np.array([row for row, name in enumerate(names) if row == 0 or name != names[row - 1]], np.int64)


def _owners(names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Of each row the number of its name."""
    starts = _starts(names)
    return np.repeat(np.arange(len(starts)), np.diff([*starts, len(names)]))


def _twice(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _mapped(path: Path, name: str) -> Halves:
    """A matrix of a safetensors file that was found sound: an 8-byte length, a JSON header, and the numbers."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(length))[name]
    return np.memmap(path, np.float16, "r", 8 + length + entry["data_offsets"][0], tuple(entry["shape"]))


def _first_not_unit(rows: Floats | Halves) -> int | None:
    """The first row whose length is not 1; NaN is not."""
    for start, block in blocks(rows):
        wrong = np.flatnonzero(~(np.abs(block.norm(dim=1).numpy() - 1) <= _OFF))
        if len(wrong):
            return start + int(wrong[0])
    return None
