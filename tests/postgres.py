"""A PostgreSQL server of this test session's own, on a free port of this machine."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"


def binaries() -> Path | None:
    """Where its programs lie, of the newest version; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[4]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@dataclass(frozen=True)
class Server:
    """A running server, whose one user needs no password."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """As it is given to ``--storage``."""
        return f"postgresql://autocls@{HOST}:{self.port}/postgres"

    def ctl(self, *words: str) -> None:
        """pg_ctl of this server."""
        _run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", *words)

    def start(self) -> None:
        """Begin to serve; returns when it does."""
        self.ctl("-o", f"-p {self.port} -c listen_addresses={HOST} -c unix_socket_directories={self.folder}", "start")


@contextmanager
def served() -> Iterator[Server]:
    """A new server with an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")  # it refuses to serve as root
    with socket.socket() as free:
        free.bind((HOST, 0))
        server = Server(folder, free.getsockname()[1])
    try:
        _run("initdb", "-D", str(folder / "data"), "-U", "autocls", "-A", "trust", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            server.ctl("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _run(program: str, *words: str) -> None:
    where = binaries()
    assert where is not None, "PostgreSQL is not installed"
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # Its output goes nowhere: the server would keep a pipe open.
    done = subprocess.run(
        [*as_user, str(where / program), *words], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"{program} ended with {done.returncode}"
