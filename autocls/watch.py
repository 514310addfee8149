"""The page of a search while it runs, served over HTTP to whoever has its address.

The page is read from the search's journal and drawn by another process, and only when somebody asks: the search that a
server lives in goes on undisturbed.
"""

import contextlib
import logging
import math
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult, Pool
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import urlsplit

from autocls.addresses import LOOPBACK, is_loopback, names_loopback
from autocls.errors import BadInput

log = logging.getLogger("autocls")

SHARE = 0.2
"""Of a core, at most, for drawing: a large page is drawn less often."""
LOOKING = 5.0
"""Seconds since the last question after which nobody looks any more."""
PATIENCE = 2.0
"""Seconds that whoever asks waits for a new page; then there is the last one."""
LONGEST = 300.0
"""Seconds after which nothing will come of a drawing."""

T = TypeVar("T")


class Stamp(NamedTuple):
    """What a rendering was drawn from: other files, another stamp."""

    journal: str
    report: str

    @classmethod
    def of(cls, folder: Path) -> Self:
        return cls(*(_stamp(folder / name) for name in ("journal.log", "report.html")))

    def __str__(self) -> str:
        return f"{self.journal}-{self.report}"


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size:x}.{found.st_mtime_ns:x}"


@dataclass(frozen=True)
class Drawn:
    """A rendering of the page."""

    stamp: Stamp
    page: bytes
    ended: bool
    """Whether nothing more will come."""
    seconds: float
    """What it took to draw."""


def draw(folder: Path, stamp: Stamp) -> Drawn:
    """The page of the search in ``folder`` as it is now. Runs in the artist's process."""
    from autocls.report.page import PAGE, Live, render
    from autocls.report.run import read
    from autocls.search.folder import read_running

    began, report = time.monotonic(), folder / PAGE
    try:
        run = read_running(folder) if stamp.journal else read(folder)
    except BadInput:  # its journal begins a moment after its folder
        return _starting(folder)
    ended = not run.running and bool(stamp.report)
    if ended:
        run = read(folder)  # which has what a journal lacks: the answers on the test part, pictures
    page = render(run, Live(report, str(stamp), ended))
    return Drawn(stamp, page.encode(), ended, time.monotonic() - began)


def plotly() -> bytes:
    """The charts' script. Runs in the artist's process."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).encode()


def _settle() -> None:
    """Make this process one that ends with its parent and leaves the processor to trainings."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)


class Artist:
    """Draws the pages of one search in a process of its own, which is started when first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool: Pool | None = None
        self._drawn = Drawn(Stamp("", ""), b"", ended=False, seconds=0.0)
        self._drawing: AsyncResult[Drawn] | None = None
        self._began = 0.0
        """When it began to draw."""
        self._not_before = 0.0
        self._script = b""
        self._lock = threading.Lock()

    def newest(self) -> Drawn:
        """The page as it is now, or was a little while ago when it takes long to draw."""
        with self._lock:
            stamp, now = Stamp.of(self._folder), time.monotonic()
            urgent = stamp.report != self._drawn.stamp.report
            if self._drawing is None and stamp != self._drawn.stamp and (urgent or now >= self._not_before):
                self._drawing, self._began = self._elsewhere(draw, self._folder, stamp), now
            if self._drawing is not None:
                self._take(self._drawing)
            return self._drawn if self._drawn.page else _starting(self._folder)

    def script(self) -> bytes:
        """The charts' script."""
        with self._lock:
            self._script = self._script or self._elsewhere(plotly).get(LONGEST)
            return self._script

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.terminate()

    def _take(self, drawing: AsyncResult[Drawn]) -> None:
        """Take what is being drawn, if that is done soon."""
        drawing.wait(PATIENCE)
        if drawing.ready():
            self._drawing = None
            self._drawn = drawing.get()
            self._not_before = time.monotonic() + self._drawn.seconds * (1 / SHARE - 1)
        elif time.monotonic() - self._began > LONGEST:  # its process was killed: whoever asks next has a new one
            self._drawing = None

    def _elsewhere(self, what: Callable[..., T], *given: Any) -> AsyncResult[T]:
        if self._pool is None:
            # a fork would copy the search's threads and locks; a pool's process ends when its parent is killed
            self._pool = get_context("spawn").Pool(1, _settle)
        return self._pool.apply_async(what, given)


def _starting(folder: Path) -> Drawn:
    from autocls.report.page import PAGE, Live, render_starting

    stamp = Stamp("", "")
    page = render_starting(Live(folder / PAGE, str(stamp), ended=False))
    return Drawn(stamp, page.encode(), ended=False, seconds=0.0)


class Server:
    """Serves the page of the search in a folder, while it is a context; raises BadInput when it can't listen."""

    def __init__(self, folder: Path, host: str = LOOPBACK, port: int = 0) -> None:
        self.artist = Artist(folder.absolute())
        self.journal = folder.absolute() / "journal.log"
        self.token = secrets.token_urlsafe(16)
        self.local = is_loopback(host)
        self._asked = -math.inf
        self._seen = threading.Event()
        try:
            self._http = (_Http6 if ":" in host else _Http)((host, port), partial(_Answer, self))
        except (OSError, OverflowError) as error:
            raise BadInput(f"--host {host} --port {port}: can't listen there: {error}") from None
        self._thread = threading.Thread(target=self._http.serve_forever, name="watch", daemon=True)
        name = socket.gethostname() if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host
        self.address = f"http://{name}:{self._http.server_port}/{self.token}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self.artist.close()

    def wait(self) -> None:
        """Wait until the search has ended and whoever looks has its last page for some seconds."""
        self._seen.wait()
        while self._looked_at():
            time.sleep(0.2)

    def part(self, seconds: float = 10.0) -> None:
        """Let whoever looks have the last page of a search that has ended; does not wait when nobody does."""
        if self._looked_at():
            self._seen.wait(seconds)

    def asked(self) -> None:
        """Somebody looks."""
        self._asked = time.monotonic()

    def answered(self, drawn: Drawn) -> None:
        """Somebody has this page now."""
        self.asked()
        if drawn.ended:
            self._seen.set()

    def accepts(self, host: str) -> bool:
        """Whether a request may name this host: a page of another site, whose name was led here, may not read this."""
        return not self.local or names_loopback(host)

    def _looked_at(self) -> bool:
        return time.monotonic() - self._asked < LOOKING


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever closes a page in the middle of an answer is no news."""
        log.debug("%s was not answered", client_address, exc_info=True)


class _Http6(_Http):
    address_family = socket.AF_INET6


class _Answer(BaseHTTPRequestHandler):
    server_version, sys_version = "autocls", ""
    timeout = 60

    def __init__(self, server: Server, *of_http: Any) -> None:
        self._of = server
        super().__init__(*of_http)

    def do_GET(self) -> None:
        token, _, name = urlsplit(self.path).path.removeprefix("/").partition("/")
        known = secrets.compare_digest(token.encode(), self._of.token.encode())
        if not self._of.accepts(self.headers.get("Host", "")):
            self._send(HTTPStatus.MISDIRECTED_REQUEST)
        elif not known or name not in ("", "update", "plotly.js"):
            self._send(HTTPStatus.NOT_FOUND)
        else:
            self._of.asked()
            self._script() if name == "plotly.js" else self._page()

    def _script(self) -> None:
        kept = {"Cache-Control": "private, max-age=86400"}
        self._send(HTTPStatus.OK, self._of.artist.script(), "text/javascript", kept)

    def _page(self) -> None:
        try:
            drawn = self._of.artist.newest()
        except Exception as error:  # a folder that is being written, deleted, broken: the next question may do better
            log.debug("the page can't be drawn", exc_info=True)
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, f"the page can't be drawn: {error}".encode())
            return
        tag = f'"{drawn.stamp}"'
        headers = {"Cache-Control": "no-store", "ETag": tag}
        with contextlib.suppress(OSError):
            headers["Last-Modified"] = formatdate(self._of.journal.stat().st_mtime, usegmt=True)
        if self.headers.get("If-None-Match") == tag:
            self._send(HTTPStatus.NOT_MODIFIED, headers=headers)
        else:
            self._send(HTTPStatus.OK, drawn.page, "text/html", headers)
        self._of.answered(drawn)

    def _send(
        self, status: HTTPStatus, body: bytes = b"", kind: str = "text/plain", headers: dict[str, str] | None = None
    ) -> None:
        body = body or (b"" if status == HTTPStatus.NOT_MODIFIED else status.phrase.encode())
        self.send_response(status)
        safe = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}
        for key, value in {**safe, **(headers or {})}.items():
            self.send_header(key, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """A search's terminal is not for this."""
