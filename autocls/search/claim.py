"""A run folder is one process's to write: a second one is refused."""

import logging
from pathlib import Path

from filelock import FileLock, Timeout

from autocls.errors import BadInput

log = logging.getLogger("autocls")


class Claim:
    """The right to write a run folder, which ends with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        """Raises BadInput when another process has it, or the folder can't be written."""
        self._lock = FileLock(folder / "writer.lock")
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise BadInput(f"{folder}: a search is running in it") from None
        except NotImplementedError:
            log.warning("%s: its file system has no locks: nothing keeps a second search out of it", folder)
        except OSError as error:
            raise BadInput(f"{folder}: can't be written: {error.strerror}") from None

    def flush(self) -> None:
        """What a claim stands for is always written."""

    def close(self) -> None:
        """Let another process write."""
        self._lock.release()
