"""The weights of a search's best trials, which the driver keeps on its disk."""

from collections.abc import Iterable
from pathlib import Path

from autocls.files import whole
from autocls.training.artifact import WEIGHTS

KEPT = "weights"
"""What their folder is called."""


class Kept:
    """Weights by the number of their trial, at most ``most`` of them in memory while the disk takes none.

    Whoever misses weights in the end trains them again, so a disk that is full or gone fails no trial.
    """

    def __init__(self, folder: Path | None, most: int) -> None:
        """The folder is there, but for a time; with None there is none, and nobody may give weights."""
        self._folder = folder
        self._most = most
        self._unwritten: dict[int, bytes] = {}
        self.folders: dict[int, Path] = {}
        """Where weights lie, by number."""

    def find(self, numbers: Iterable[int]) -> None:
        """Take up what an earlier process kept of trials."""
        if self._folder is not None:
            folders = {number: self._folder / str(number) for number in numbers}
            self.folders |= {number: folder for number, folder in folders.items() if (folder / WEIGHTS).is_file()}

    def take(self, number: int, weights: bytes) -> None:
        """Keep a trial's weights, as safetensors has them."""
        self._unwritten[number] = weights
        self.write()
        while len(self._unwritten) > self._most:
            del self._unwritten[next(iter(self._unwritten))]

    def write(self) -> None:
        """Write what the disk has not taken yet, if it does now."""
        for number, weights in list(self._unwritten.items()):
            assert self._folder is not None, "somewhere to keep weights"
            folder = self._folder / str(number)
            try:
                folder.mkdir(exist_ok=True)  # where a mount is gone, nothing is to be left below it
                with whole(folder / WEIGHTS) as partial:
                    partial.write_bytes(weights)
            except OSError:
                return
            self.folders[number] = folder
            del self._unwritten[number]
