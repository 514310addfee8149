"""Decoded images on their way to a machine that doesn't share their source."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autocls.data import cache as shelf
from autocls.data.prepare import Prepared
from autocls.errors import BadInput


@dataclass(frozen=True)
class Shipment:
    """The cache's files of some image sizes, as bytes in arrays, which Ray hands to all the workers of a node uncopied.

    The sender's arrays are maps of its files, so that it needs no memory for them.
    """

    sizes: tuple[int, ...]
    files: Mapping[str, npt.NDArray[np.uint8]]  # by their names in the cache's folder

    @classmethod
    def of(cls, prepared: Prepared, sizes: Iterable[int]) -> "Shipment":
        """What a worker needs to open the images at these sizes. Raises `BadInput` as `Prepared.at` does."""
        wanted = tuple(sorted(set(sizes)))
        for size in wanted:
            prepared.at(size)
        paths = shelf.files_of(prepared.cache / prepared.fingerprint, wanted)
        # A plain array: numpy would copy the bytes of a memmap into the pickle.
        return cls(wanted, {path.name: np.asarray(np.memmap(path, np.uint8, "r")) for path in paths})

    def unpack(self, prepared: Prepared) -> Prepared:
        """The same images in this machine's own cache, where they are written unless they are there already.

        One process of the machine writes, the others wait for it. Raises `BadInput` when the cache can't be written.
        """
        here = prepared.here()
        folder = here.cache / here.fingerprint
        with shelf.locked(folder):
            missing = [size for size in self.sizes if not shelf.is_built(folder, size)]
            if missing:
                self._write(shelf.files_of(folder, missing))
        return here

    def _write(self, paths: list[Path]) -> None:
        shelf.check_room(paths[0].parent, sum(self.files[path.name].nbytes for path in paths))
        for path in paths:
            partial = path.with_name(f"{path.name}.part")
            try:
                partial.write_bytes(self.files[path.name].data)
                os.replace(partial, path)
            except OSError as error:  # another process may have filled the disk
                partial.unlink(missing_ok=True)
                raise BadInput(
                    f"the cache {path.parent} can't be written ({error.strerror}); "
                    "set AUTOCLS_CACHE to a folder that can"
                ) from error
