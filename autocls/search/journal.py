"""The study's journal file: written behind the driver's back, and read for what a run folder shows of it."""

import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend, JournalFileBackend, JournalFileOpenLock

from autocls.errors import BadInput
from autocls.files import PATIENCE
from autocls.search.claim import Claim

log = logging.getLogger("autocls")

_ANSWER = b'{"op_code":5,'
"""How Optuna begins the line of one answer to the sampler; a line that begins otherwise is read in any case."""


BEHIND = 100
"""Unwritten entries, those of a few trials, from which on whoever appends gives way to the writing thread."""
GIVE_WAY = 0.001
"""Seconds: a driver whose trials take no time never lets go of the interpreter by itself."""


class Journal(BaseJournalBackend):
    """A journal file of one writer, who never waits for the disk.

    Measured: a trial of 15 parameters makes 30 entries, and Optuna's own backend waits for the disk after each, 3.3 ms
    a time. Here an entry is taken in at once, and a thread writes all that came while the disk was busy in one go, in
    order: a process that is killed loses what it said in its last milliseconds, and what it leaves can be read. Raises
    BadInput while another process writes it.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._claim = Claim(path.parent)
        _end_with_a_whole_line(path)
        self._file = JournalFileBackend(str(path), _NoLock(str(path)))
        self._size = path.stat().st_size
        self._unread = deque(self._file.read_logs(0))
        self._read = 0
        """How many entries were read, and are forgotten."""
        self._unwritten: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")  # Python waits for it before it exits
        self._writing: Future[None] | None = None

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """The entries from a number on, which must not lie before one that was asked for earlier."""
        with self._lock:
            if log_number_from < self._read:
                raise ValueError(f"entry {log_number_from} was read before, and is forgotten")
            while self._read < log_number_from:
                self._unread.popleft()
                self._read += 1
            return list(self._unread)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Take entries in. Raises BadInput when earlier ones could not be written."""
        with self._lock:
            self._unread.extend(json.loads(json.dumps(log)) for log in logs)  # as a reader of the file would have them
            self._unwritten += logs
            if self._writing is not None and self._writing.done():
                self._writing.result()  # it failed, or there would be none
            self._writing = self._writing or self._writer.submit(self._write)
            behind = len(self._unwritten) > BEHIND
        if behind:
            time.sleep(GIVE_WAY)

    def flush(self) -> None:
        """Wait until everything is on the disk. Raises BadInput when it can't be written."""
        with self._lock:
            writing = self._writing
        if writing is not None:
            writing.result()

    def _write(self) -> None:
        while True:
            with self._lock:
                batch, self._unwritten = self._unwritten, []
                if not batch:
                    self._writing = None
                    return
            self._append(batch)

    def _append(self, batch: list[dict[str, Any]]) -> None:
        """Append entries whole, when the disk takes them. Raises BadInput when it doesn't for too long."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                os.truncate(self._path, self._size)  # a part of the batch may have been written
                self._file.append_logs(batch)
                self._size = self._path.stat().st_size
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise BadInput(
                        f"{self._path}: can't be written: {error.strerror}; what was told before is there, and "
                        f"`autocls resume {self._path.parent}` goes on from it"
                    ) from error
                time.sleep(min(1.0, self._patience))

    def close(self) -> None:
        """Let another process write. Raises BadInput when something can't be written."""
        self._writer.shutdown()
        self._claim.close()
        self.flush()


class _NoLock(JournalFileOpenLock):
    """For a file that nobody else writes: a lock file would outlive a killed writer, and its follower wait for it."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def _end_with_a_whole_line(path: Path) -> None:
    """Cut off a last line that its writer could not finish."""
    if not path.exists():
        return
    with open(path, "rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 4096)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                file.truncate(start + found + 1)
                return
            end = start
        file.truncate(0)


class WithoutAnswers(JournalFileBackend):
    """A journal file as when first read, without the sampler's answers: most of its bytes, and recipes say the same.

    A last line that its writer could not finish is left.
    """

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        if log_number_from:
            return
        with open(self._file_path, "rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                if not line.startswith(_ANSWER):
                    yield json.loads(line)
