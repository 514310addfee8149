"""A run folder that is kept at a URL: the search works in a local one, and brings there what changes in it."""

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

import fsspec
import pyarrow as pa
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, FSSpecHandler, PyFileSystem

from autocls.errors import BadInput
from autocls.files import PART, whole
from autocls.search.folder import must_be_free
from autocls.search.record import JOURNAL
from autocls.search.request import REQUEST
from autocls.search.urls import is_url, local, shown

log = logging.getLogger("autocls")

PERIOD = 10.0
"""Seconds from one look at what has changed to the next."""
LAST = 60.0
"""Seconds for which the last push is tried again."""
AGAIN = 3.0
"""Seconds from one of its tries to the next."""

_OBJECT_STORES = ("s3", "gcs", "abfs")
"""Pyarrow's names of those where nobody sees an object before it is whole, and folders need not be made."""

SCRATCH = "scratch"
"""The folder of what a search needs only while it goes on."""

Stamp = tuple[int, int]
"""How a file was: its size in bytes, and when it was changed, in nanoseconds."""


def at_hand(word: str) -> str:
    """The local copy of the run folder at a URL, fetched; any other word as it is. Raises BadInput."""
    if not is_url(word) or word.startswith("ray://"):  # the address of a cluster
        return word
    mirror = Mirror(word)
    mirror.fetch()
    log.info("%s: its copy is %s", shown(word), mirror.folder)
    return str(mirror.folder)


@contextmanager
def begun_at(out: str | Path) -> Iterator[Path]:
    """The local folder of a new search, of which a copy is kept at ``out`` where that is a URL.

    Raises BadInput when that can't be written, or holds a study.
    """
    if not is_url(str(out)):
        must_be_free(Path(out))
        yield Path(out)
        return
    try:
        mirror = Mirror(str(out))
        mirror.probe()
        taken = mirror.exists()
    except BadInput as error:
        raise BadInput(f"--out {error}") from error
    if taken:
        raise BadInput(f"--out {shown(str(out))}: holds another study; choose another place, or delete this one")
    must_be_free(mirror.folder)
    with mirror:
        yield mirror.folder


@contextmanager
def taken_up_at(place: str | Path) -> Iterator[Path]:
    """The local folder of a search that goes on, fetched first where ``place`` is a URL, and kept there.

    Raises BadInput when there is nothing, or it can't be written.
    """
    if not is_url(str(place)):
        yield Path(place)
        return
    mirror = Mirror(str(place))
    mirror.fetch()
    mirror.probe()
    with mirror:
        yield mirror.folder


class Mirror:
    """A run folder at a URL and its local copy. As a context, it keeps what is at the URL up to date.

    Left out is the scratch folder but for its weights, which a search that is resumed can need. The journal comes last,
    so that all that it speaks of is there. Raises BadInput for a URL that can't be used.
    """

    def __init__(self, url: str) -> None:
        self.folder = local(url)
        self._url = shown(url)
        with self._says("no place for a run folder"):
            self._store, self._path = _open(url)
        self._there: dict[str, Stamp | None] = {}
        """The files at the URL, and how the local ones were that it has; None where nobody knows."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_pushing, name="mirror", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        try:
            self._push_at_last()
        except BadInput as error:
            if value is None:
                raise
            log.warning("%s", error)  # what ended the search is the error to raise
        else:
            log.info("%s: has all of %s", self._url, self.folder)

    def probe(self) -> None:
        """Write something at the URL and remove it. Raises BadInput when that can't be done."""
        with self._says("can't be written"):
            self._put(".probe", b"autocls")
            self._store.delete_file(self._at(".probe"))

    def exists(self) -> bool:
        """Whether the URL holds a study. Raises BadInput when it can't be read."""
        with self._says("can't be read"):
            return not {JOURNAL, REQUEST, "trials.parquet"}.isdisjoint(self._listed())

    def fetch(self) -> None:
        """Bring what the URL holds into the local folder, unless a study there has gone on from it.

        Raises BadInput when the URL holds nothing or can't be read, or the local folder has another study.
        """
        with self._says("can't be read"):
            found = self._listed()
            if not found and not self.folder.exists():
                raise BadInput(f"{self._url}: there is nothing")
            journal = self._get(JOURNAL) if JOURNAL in found else b""
            self._there = dict.fromkeys(found)
            if (self.folder / JOURNAL).exists():
                here = (self.folder / JOURNAL).read_bytes()
                if here.startswith(journal):
                    return
                if here.partition(b"\n")[0] != journal.partition(b"\n")[0]:
                    raise BadInput(f"{self._url}: its copy {self.folder} holds another study; delete the copy")
            for name in found.keys() - {JOURNAL}:
                self._place(name, self._get(name), found[name].mtime_ns)
            if journal:
                self._place(JOURNAL, journal, found[JOURNAL].mtime_ns)

    def push(self) -> None:
        """Bring what has changed to the URL. Raises whatever the store raises when it is gone."""
        journal = self._changed(JOURNAL)  # read first and put last: what it speaks of was there before
        here = _names(self.folder)
        for name in sorted(here - {JOURNAL}):
            self._bring(name, self._changed(name))
        self._bring(JOURNAL, journal)
        # Nothing else is removed there, and not even this when all is lost here.
        if self.folder.exists() and not (self.folder / SCRATCH).exists() and _scratch(self._there):
            self._store.delete_dir(self._at(SCRATCH))
            for name in _scratch(self._there):
                del self._there[name]

    def _keep_pushing(self) -> None:
        failed = False
        while not self._ended.wait(PERIOD):
            try:
                self.push()
            except Exception as error:  # each store's driver raises errors of its own
                if not failed:
                    log.warning("%s can't be written (%s); the search goes on, and tries again", self._url, _why(error))
                failed = True
            else:
                failed = False

    def _push_at_last(self) -> None:
        until = time.monotonic() + LAST
        while True:
            try:
                return self.push()
            except Exception as error:
                if time.monotonic() + AGAIN > until:
                    raise BadInput(
                        f"{self._url}: can't be written ({_why(error)}); all of the search lies in {self.folder}, and "
                        "`autocls resume` with the URL brings it there"
                    ) from error
            time.sleep(AGAIN)

    def _changed(self, name: str) -> tuple[Stamp, bytes] | None:
        """How a file is, and its content; None where the URL has it so, or it changes just now."""
        path = self.folder / name
        try:
            before = _stamp(path)
            if before == self._there.get(name):
                return None
            content = path.read_bytes()
            if name == JOURNAL:  # it only grows: all of it is good, but for a last line that is not ended
                return before, content[: content.rfind(b"\n") + 1]
            return (before, content) if _stamp(path) == before else None
        except FileNotFoundError:
            return None

    def _bring(self, name: str, changed: tuple[Stamp, bytes] | None) -> None:
        if changed is not None:
            stamp, content = changed
            self._put(name, content)
            self._there[name] = stamp

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def _put(self, name: str, content: bytes) -> None:
        """Write a file at the URL, where nobody sees a part of it."""
        whole = self._at(name)
        if self._store.type_name in _OBJECT_STORES:
            self._write(whole, content)
            return
        self._store.create_dir(str(PurePosixPath(whole).parent), recursive=True)
        self._write(whole + PART, content)
        self._store.move(whole + PART, whole)

    def _write(self, path: str, content: bytes) -> None:
        with self._store.open_output_stream(path) as stream:
            stream.write(content)

    def _get(self, name: str) -> bytes:
        with self._store.open_input_stream(self._at(name)) as stream:
            content: bytes = stream.read()
            return content

    def _place(self, name: str, content: bytes, changed: int | None) -> None:
        """Write a file of the local folder, whole or not at all, as old as the one at the URL."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as partial:
            partial.write_bytes(content)
            if changed is not None:
                os.utime(partial, ns=(changed, changed))
        self._there[name] = _stamp(path)

    def _listed(self) -> dict[str, FileInfo]:
        """The files at the URL by their names below it."""
        found = self._store.get_file_info(FileSelector(self._path, recursive=True, allow_not_found=True))
        files = {info.path.removeprefix(self._path + "/"): info for info in found if info.type == FileType.File}
        return {name: info for name, info in files.items() if _is_kept(name)}

    @contextmanager
    def _says(self, what: str) -> Iterator[None]:
        """Whatever a store raises becomes BadInput, with the URL and what is wrong with it."""
        try:
            yield
        except BadInput:
            raise
        except Exception as error:
            raise BadInput(f"{self._url}: {what}: {_why(error)}") from error


def _open(url: str) -> tuple[FileSystem, str]:
    """The store that a URL speaks of, and the path in it; fsspec's where pyarrow knows none."""
    try:
        store, path = FileSystem.from_uri(url)
    except pa.ArrowInvalid as error:
        if "Unrecognized filesystem type" not in str(error):
            raise
        other, path = fsspec.core.url_to_fs(url)
        store = PyFileSystem(FSSpecHandler(other))
    return store, path.rstrip("/")


def _names(folder: Path) -> set[str]:
    """The files of a run folder that are kept, by their names below it. A link is a lock of the journal's."""
    # Unlike rglob, this doesn't mind folders that are removed meanwhile.
    files = (Path(above, name) for above, _, names in os.walk(folder) for name in names)
    return {name for path in files if _is_kept(name := path.relative_to(folder).as_posix()) and not path.is_symlink()}


def _is_kept(name: str) -> bool:
    parts = PurePosixPath(name).parts
    inside = ".." not in parts  # a key of an object store can be anything
    return inside and not name.endswith(PART) and (parts[0] != SCRATCH or parts[1:2] == ("weights",))


def _scratch(names: Iterable[str]) -> list[str]:
    return [name for name in names if PurePosixPath(name).parts[0] == SCRATCH]


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _why(error: Any) -> str:
    """The first line of an error's message, or what kind it is."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
