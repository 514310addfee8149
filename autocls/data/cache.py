"""Decoded images on disk, one folder per fingerprint and one array per size, built once and then memory-mapped."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock
from numpy.lib.format import open_memmap
from PIL import Image
from platformdirs import user_cache_dir

from autocls.data.catalogue import in_threads
from autocls.data.images import decode, to_square
from autocls.data.listing import Item
from autocls.errors import BadInput


def cache_root() -> Path:
    """``$AUTOCLS_CACHE``, else the user's cache folder for autocls."""
    return Path(os.environ.get("AUTOCLS_CACHE") or user_cache_dir("autocls"))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder and lets one process of this machine at a time work in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock")
        lock.acquire()
    except OSError as error:
        raise BadInput(
            f"the cache {folder} can't be written ({error.strerror}); set AUTOCLS_CACHE to a folder that can"
        ) from error
    try:
        yield
    finally:
        lock.release()


def write_names(folder: Path, names: Sequence[str]) -> None:
    """Keep what the source calls each row's image; equal images that lie elsewhere are called as they were last."""
    partial = folder / "names.json.partial"
    partial.write_text(json.dumps(names), encoding="utf-8")
    partial.replace(_names_file(folder))


def files_of(folder: Path, sizes: Iterable[int]) -> list[Path]:
    """The files that hold the images at these sizes, in the order in which they are written: what says that all is
    there comes last."""
    sizes = tuple(sizes)
    return [_names_file(folder), *(_moments_file(folder, s) for s in sizes), *(_images(folder, s) for s in sizes)]


def names(folder: Path) -> list[str]:
    """What the source called each row's image."""
    read: list[str] = json.loads(_names_file(folder).read_text(encoding="utf-8"))
    return read


def is_built(folder: Path, size: int) -> bool:
    """Whether the images are there at this size, whole."""
    return _images(folder, size).exists()


def build(items: Sequence[Item], folder: Path, sizes: Sequence[int], channels: int) -> None:
    """Decodes every image once and keeps it at each of the sizes. The caller holds the folder's lock.

    The arrays get their final names only when whole, so a killed writer leaves nothing that is taken for them, and the
    next writer overwrites what it left.
    """
    shapes = {size: (len(items), channels, size, size) for size in sizes}
    check_room(folder, sum(int(np.prod(shape)) for shape in shapes.values()))
    images = {size: open_memmap(_partial(folder, size), "w+", np.uint8, shape) for size, shape in shapes.items()}
    moments = {size: np.empty((len(items), 2, channels)) for size in sizes}

    def fill(row: int) -> None:
        image = _decode(items[row])
        for size in sizes:
            pixels = to_square(image, size, channels)
            images[size][row] = pixels
            moments[size][row] = _moments(pixels)

    for _ in in_threads(fill, range(len(items))):
        pass
    for size in sizes:
        images.pop(size).flush()
        np.save(_moments_file(folder, size), moments[size])
        os.replace(_partial(folder, size), _images(folder, size))  # last: its presence says that all is there


def check_room(folder: Path, needed: int) -> None:
    """Raises `BadInput` when fewer bytes are free where the folder lies."""
    # Writing to a memory map on a full disk kills the process with a signal instead of raising an error.
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise BadInput(
            f"the cache {folder} needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "set AUTOCLS_CACHE to a folder on a larger disk"
        )


def open_images(folder: Path, size: int) -> npt.NDArray[np.uint8]:
    """uint8 N×C×size×size, read-only, its pages shared by all the processes that open it."""
    images: npt.NDArray[np.uint8] = np.load(_images(folder, size), mmap_mode="r")
    return images


def mean_and_std(folder: Path, size: int, rows: npt.NDArray[np.int64]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel over the given images, in 0..1 units; the latter is never 0."""
    mean, square = np.load(_moments_file(folder, size))[rows].mean(0)
    # One grey level at least: images of a single colour would have 0, and training divides by it.
    std = np.sqrt(np.maximum(square - mean**2, (1 / 255) ** 2))
    return tuple(mean.tolist()), tuple(std.tolist())


def _moments(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """2×C: the mean and the mean square of each channel. Kept per image, so that any split's are had at no cost."""
    scaled = pixels.reshape(len(pixels), -1) / 255
    return np.stack([scaled.mean(1), (scaled**2).mean(1)])


def _decode(item: Item) -> Image.Image:
    try:
        return decode(item.load())
    except (OSError, BadInput) as error:
        raise BadInput(f"{item.name}: {error}; it could be read before, so prepare the images again") from error


def _names_file(folder: Path) -> Path:
    return folder / "names.json"


def _images(folder: Path, size: int) -> Path:
    return folder / f"{size}.npy"


def _partial(folder: Path, size: int) -> Path:
    return folder / f"{size}.npy.part"


def _moments_file(folder: Path, size: int) -> Path:
    return folder / f"{size}.moments.npy"
