"""From the source that the user names to the arrays that training reads."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autocls.data import cache as shelf
from autocls.data.catalogue import Catalogue, Counts, catalogue, classes_of, count
from autocls.data.checks import check_counts, check_split
from autocls.data.copies import Group, Repeated, copies, kept, notes, repeated
from autocls.data.given import Given
from autocls.data.listing import Item, few
from autocls.data.sources import list_source, locate
from autocls.data.split import PARTS, Labels, Split, fold_rows, resplit, split_rows
from autocls.data.survey import Survey, survey
from autocls.errors import BadInput

SURVEY, COPIES = "survey.json", "copies.json"


@dataclass(frozen=True)
class ImageData:
    """What training sees."""

    images: npt.NDArray[np.uint8]  # N×C×H×W, 0..255, a read-only memory map; C is 1 if every image is grey, else 3
    labels: Labels  # N, index into `classes`; of multi-label data N×K, whether an image has each of them
    classes: tuple[str, ...]
    split: Split
    mean: tuple[float, ...]  # per channel over the train part, in 0..1 units
    std: tuple[float, ...]  # likewise, never 0

    @property
    def multilabel(self) -> bool:
        """Whether an image has any number of labels, instead of one class."""
        return self.labels.ndim == 2

    def having(self, label: int) -> npt.NDArray[np.bool_]:
        """Of each image, whether it has a label."""
        return np.asarray(self.labels[:, label] if self.multilabel else self.labels == label, np.bool_)


@dataclass(frozen=True)
class Prepared:
    """A checked set of images: small and picklable, so that each worker can open the images itself."""

    name: str  # fit for a folder's name
    source: str  # as the user gave it
    fingerprint: str  # hash of the images, their labels and parts; the same wherever they lie
    classes: tuple[str, ...]
    channels: int
    counts: Counts  # after the split: part -> class -> number of images that have it
    images: dict[str, int]  # after the split: part -> number of images
    notes: tuple[str, ...]  # what was converted or ignored, for the user to read
    skipped: tuple[str, ...]  # the unreadable images that were left out
    seed: int
    given: Given  # before the split
    location: str | Path
    root: Path
    cache: Path

    @property
    def multilabel(self) -> bool:
        """Whether an image has any number of labels, instead of one class."""
        return self.given.multilabel

    def at(self, image_size: int, seed: int | None = None) -> ImageData:
        """The images at `image_size`×`image_size`, from the cache, which is filled first if it has none of this size.

        Another `seed` than the one they were prepared with draws the validation part anew, unless the user gave it; the
        test part stays. Raises `BadInput`, naming the path, if the cache can't be read, or has to be filled and the
        source is gone, has changed or can't be read.
        """
        labels, split = _labels_and_split(self.given, self.seed)
        if seed is not None and seed != self.seed and not self.given.has("val"):
            split = resplit(labels, split, seed)
        return self._at(image_size, split)

    def folds(self, image_size: int, count: int, seed: int = 0, *, sealed: bool = True) -> list[ImageData]:
        """The images at `image_size`×`image_size`, once for each of `count` folds: it validates, the others train.

        The test part is left as it is; where it is not `sealed`, its images are dealt into the folds as well. Raises
        what `check_folds` and `at` raise.
        """
        self.check_folds(count)
        labels, split = _labels_and_split(self.given, self.seed)
        parts = [split.train, split.val] if sealed else [split.train, split.val, split.test]
        rows = np.sort(np.concatenate(parts))
        test = split.test if sealed else split.test[:0]
        dealt = fold_rows(labels, rows, count, seed)
        return [self._at(image_size, Split(np.setdiff1d(rows, fold), fold, test)) for fold in dealt]

    def check_folds(self, count: int) -> None:
        """Raises `BadInput` for fewer than two folds, or more than each class has images to train and validate with.

        And for images with any number of labels, which nothing here deals into folds.
        """
        if self.multilabel:
            raise BadInput("--folds: images with any number of labels can't be dealt into folds")
        learnt = [self.counts["train"][label] + self.counts["val"][label] for label in self.classes]
        if not 2 <= count <= min(learnt):
            raise BadInput(
                f"--folds: at least 2, and at most {min(learnt)}, the images of '{self.classes[np.argmin(learnt)]}' "
                f"that are not the test part's; not {count}"
            )

    def _at(self, image_size: int, split: Split) -> ImageData:
        folder, labels = self.cache / self.fingerprint, _labels_and_split(self.given, self.seed)[0]
        try:
            if not shelf.is_built(folder, image_size):
                self._build(folder, image_size)
            mean, std = shelf.mean_and_std(folder, image_size, split.train)
            images = shelf.open_images(folder, image_size)
        except OSError as error:  # of the cache: a mount that has vanished, a disk that is full
            raise BadInput(f"the cache {folder} can't be used ({error.strerror or error})") from error
        return ImageData(images, labels, self.classes, split, mean, std)

    def here(self) -> "Prepared":
        """The same images, in the cache of whatever machine asks."""
        return replace(self, cache=shelf.cache_root().expanduser().absolute())

    def rows(self, part: str) -> npt.NDArray[np.int64]:
        """A part's rows, ascending."""
        rows: npt.NDArray[np.int64] = getattr(_labels_and_split(self.given, self.seed)[1], part)
        return rows

    def named(self, part: str) -> tuple[list[str], Labels]:
        """Of a part's images what their source calls them, and their labels."""
        rows, names = self.rows(part), shelf.names(self.cache / self.fingerprint)
        return [names[row] for row in rows], _labels_and_split(self.given, self.seed)[0][rows]

    def copies(self) -> Repeated:
        """The pictures that are there more than once."""
        labels, split = _labels_and_split(self.given, self.seed)
        return repeated(kept(self.cache / self.fingerprint / COPIES), split, labels)

    def _build(self, folder: Path, image_size: int) -> None:
        try:
            found = self._found_again()
        except BadInput as error:
            raise BadInput(f"{error}; and the cache {folder} has no images at {image_size}×{image_size}") from error
        _, items = _readable(found, folder)
        if Given.of(items, found.classes, multilabel=found.multilabel) != self.given:
            # The source vanished during the survey, so that it is wrong.
            (folder / SURVEY).unlink()
            raise BadInput(f"{self.location}: images of it could be read before and can't be now")
        _fill(items, folder, [image_size], self.channels)

    def _found_again(self) -> Catalogue:
        """What the images were prepared from. Raises `BadInput` if the source is gone, changed or can't be read."""
        try:
            if isinstance(self.location, Path):
                self.location.stat()  # says why a source is gone, whose kind can't be told then
            found = catalogue(list_source(self.location, self.root))
            if found.fingerprint == self.fingerprint:
                return found
            for item in found.items:
                if item.name not in self.skipped:
                    item.load()  # what can't be read looks as if it had changed
        except OSError as error:
            raise BadInput(f"{error.filename or self.location}: can't be read ({error.strerror or error})") from error
        raise BadInput(f"{self.location}: the images have changed since they were prepared; prepare them again")


def prepare(
    source: str | Path,
    *,
    seed: int = 0,
    sizes: Iterable[int] = (),
    root: Path | None = None,
    skip_bad: bool = False,
    cache: Path | None = None,
) -> Prepared:
    """Reads the source, checks everything about it, and fills the cache for the given image sizes.

    `seed` decides the split. `root` is where torchvision's data sets lie (in the cache unless given). With `skip_bad`,
    unreadable images are left out instead of being an error. Raises `BadInput` for whatever can't be used.
    """
    cache = (cache or shelf.cache_root()).expanduser().absolute()
    root = (root or cache / "torchvision").expanduser().absolute()
    location = locate(source)
    listing = list_source(location, root)
    check_counts(str(source), count(listing.items, classes_of(listing)))  # before the reading, which can take long
    found = catalogue(listing)
    folder = cache / found.fingerprint
    seen, items = _readable(found, folder)
    bad = [f"{found.items[row].name} ({why})" for row, why in seen.bad]
    if bad and not skip_bad:
        raise BadInput(
            f"{source}: {len(bad)} of {len(found.items)} images can't be read: {few(bad)}; "
            "repair or remove them, or leave them out with --skip-bad"
        )
    check_counts(str(source), count(items, found.classes))
    given = Given.of(items, found.classes, multilabel=found.multilabel)
    labels, split = _labels_and_split(given, seed)
    counts = _counts(labels, split, found.classes)
    check_split(str(source), counts)
    _fill(items, folder, sorted(set(sizes)), seen.channels)
    twice = notes(repeated(_copies(items, folder), split, labels), split)
    left_out = (f"{len(bad)} of {len(found.items)} images left out, unreadable: {few(bad)}",) if bad else ()
    return Prepared(
        name=_folder_name(found.name),
        source=str(source),
        fingerprint=found.fingerprint,
        classes=found.classes,
        channels=seen.channels,
        counts=counts,
        images={part: len(getattr(split, part)) for part in PARTS},
        notes=(*found.notes, *seen.notes, *left_out, *twice),
        skipped=tuple(found.items[row].name for row, _ in seen.bad),
        seed=seed,
        given=given,
        location=location,
        root=root,
        cache=cache,
    )


def _readable(found: Catalogue, folder: Path) -> tuple[Survey, list[Item]]:
    """The survey, and the items that can be read: one per cached row."""
    with shelf.locked(folder):
        seen = survey(found.items, folder / SURVEY)
    bad = {row for row, _ in seen.bad}
    return seen, [item for row, item in enumerate(found.items) if row not in bad]


def _copies(items: list[Item], folder: Path) -> tuple[Group, ...]:
    with shelf.locked(folder):
        return copies(items, folder / COPIES)


def _fill(items: list[Item], folder: Path, sizes: Iterable[int], channels: int) -> None:
    with shelf.locked(folder):
        shelf.write_names(folder, [item.name for item in items])
        missing = [size for size in sizes if not shelf.is_built(folder, size)]
        if missing:
            shelf.build(items, folder, missing, channels)


def _labels_and_split(given: Given, seed: int) -> tuple[Labels, Split]:
    labels = given.labels()
    return labels, split_rows(labels, given.parts(), seed)


def _counts(labels: Labels, split: Split, classes: tuple[str, ...]) -> Counts:
    def of(rows: npt.NDArray[np.int64]) -> list[int]:
        there = labels[rows]
        found = there.sum(axis=0) if there.ndim == 2 else np.bincount(there, minlength=len(classes))
        numbers: list[int] = found.tolist()
        return numbers

    return {part: dict(zip(classes, of(getattr(split, part)), strict=True)) for part in PARTS}


def _folder_name(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower()).strip("_")[:40] or "images"
