"""Files that are written whole or not at all, on disks that may be full or gone for a while."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from autocls.errors import BadInput

PART = ".part"
"""The end of the name of a file that is not whole."""
PATIENCE = 60.0
"""Seconds for which a disk that is full, or gone, is tried again."""

T = TypeVar("T")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write what is to lie at ``path``: it comes there at the end, when the disk has all of it.

    A process that is killed meanwhile leaves at ``path`` what was there, and a part that the next one writes over.
    """
    partial = path.with_name(path.name + PART)
    try:
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())  # some file systems say only now that they are full
        os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def make_room(path: Path) -> None:
    """Make the folder that a file is to be written in. Raises BadInput where that can't be, or the file is a folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{path}: can't be written: {error.filename}: {error.strerror}") from None
    if path.is_dir():
        raise BadInput(f"{path}: is a folder; give the name of the file to write")


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Within it, a file that can't be read or written is BadInput, which says how the search in ``folder`` goes on."""
    try:
        yield
    except OSError as error:
        raise BadInput(
            f"{error.filename or folder}: {error.strerror or error}; what was told before is there: make room, or "
            f"bring it back, and `autocls resume {folder}` goes on from it"
        ) from error


def patiently(step: Callable[[], T], patience: float | None = None) -> T:
    """What a step gives, begun again while files can't be read or written. Raises its error when they never can."""
    deadline = time.monotonic() + (PATIENCE if patience is None else patience)
    while True:
        try:
            return step()
        except (OSError, BadInput):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
