"""Ray nodes as an operator starts them, each with its processes in a session of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

TOKEN = "a-token-of-the-tests-with-more-than-thirty-two-letters"
WITH_TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
ALONE = ("unshare", "--map-root-user", "--pid", "--fork", "--mount-proc")
"""A machine that sees no processes but its own."""


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Of somebody who lives in ``home`` and has set nothing of Ray's but ``settings``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_AUTH", "RAY_ADDRESS"))}
    return {**kept, "HOME": str(home), "COLUMNS": "200", "NO_COLOR": "1", "RAY_USAGE_STATS_ENABLED": "0", **settings}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])


def access(
    address: str, home: Path, settings: Mapping[str, str], before: tuple[str, ...] = ()
) -> dict[str, str | bool]:
    """What the cluster at an address says to that person."""
    done = subprocess.run(
        [*before, sys.executable, "-m", "autocls.search.access", address],
        capture_output=True, text=True, env=environment(home, settings), timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, str | bool] = json.loads(done.stdout)
    return answer


@contextmanager
def node(home: Path, settings: Mapping[str, str], *words: str) -> Iterator[psutil.Process]:
    """``ray start`` with these words, until the end; gives the process that holds the node's others."""
    log = home / f"ray-{free_port()}.log"
    if "--head" in words:
        words = (*words, "--include-dashboard", "false")
    command = [str(Path(sys.executable).parent / "ray"), "start", "--block", *words]
    with log.open("w") as said:
        started = subprocess.Popen(
            command, stdout=said, stderr=said, env=environment(home, settings), start_new_session=True
        )
    try:
        while "--block" not in log.read_text():
            if started.poll() is not None:
                pytest.fail(log.read_text())
            time.sleep(0.2)
        yield psutil.Process(started.pid)
    finally:
        started.terminate()
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
        for process in psutil.process_iter():
            if _session(process) == started.pid:
                process.kill()


def _session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid)
    except ProcessLookupError:
        return -1
