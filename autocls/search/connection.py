"""Connecting to Ray, which can begin while the rest of autocls is imported: both take seconds."""

import gc
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import ray
from ray._raylet import Config  # type: ignore[attr-defined]  # compiled, without stubs
from ray.util.client import ray as client

from autocls.errors import BadInput

LOCAL = "local"
"""The address of a cluster of this machine alone, started for the occasion."""
PATIENCE = 30.0
"""Seconds in which a cluster must have said whether it lets this machine in."""
_thread = ThreadPoolExecutor(1, thread_name_prefix="ray")
"""Stays alive with the connection: Ray's processes end with the thread that started them, not with the process."""
_closing: Future[None] | None = None
"""The end of an earlier connection."""
_asked: dict[str, Future[str]] = {}
"""Where the cluster is that Ray is to join, by address, of those that were asked and are not used yet."""
_begun: dict[str, Future[None]] = {}
"""The connections that were begun and are not used yet, by address."""


def begin(address: str) -> None:
    """Start to connect to the cluster at ``address``, which ``connected`` will want; returns at once."""
    _await_closing()
    if not ray.is_initialized() and address not in _begun:
        asked = _ask(address)
        _begun[address] = _thread.submit(_connect, address, asked)


def knock(address: str) -> None:
    """Raise BadInput, which says what to do, when the cluster at ``address`` won't be connected to.

    A connection that was begun is awaited: Ray forks as it starts, and an OpenBLAS that computes in another thread just
    then never returns. Takes seconds at the most; what takes minutes is better begun afterwards.
    """
    _await_closing()
    if address in _begun:
        _begun[address].result()
    elif not ray.is_initialized():
        _ask(address).result()


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Within it, Ray is connected: as it was, to the cluster at ``address``, or to one started here for ``local``.

    It is closed behind the caller's back. Raises BadInput when no cluster answers.
    """
    global _closing
    _await_closing()
    if ray.is_initialized() and not _begun:
        if client.is_connected():
            raise BadInput("a search doesn't run through Ray Client: connect with ray.init('auto') on the cluster")
        yield
        return
    begin(address)
    _asked.pop(address)
    _begun.pop(address).result()
    _take_sigterm_back()
    try:
        yield
    finally:
        gc.collect()  # what refers to Ray's objects must be gone: one that is freed while it closes ends the process
        _closing = _thread.submit(ray.shutdown)


def _take_sigterm_back() -> None:
    """While it connects, Ray takes SIGTERM, and then dumps the stack and aborts the process three seconds later."""
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def _await_closing() -> None:
    if _closing is not None:
        _closing.result()


def _ask(address: str) -> Future[str]:
    if address not in _asked or (_asked[address].done() and _asked[address].exception()):
        _asked[address] = _thread.submit(_where, address)
    return _asked[address]


def _where(address: str) -> str:
    """The address for Ray to join; makes this process show its token where it is wanted. Raises BadInput."""
    if address == LOCAL:
        return LOCAL
    command = [sys.executable, "-m", "autocls.search.access", address]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise BadInput(f"--address {address}: no Ray cluster answers there in {PATIENCE:g} seconds") from None
    if done.returncode != 0:
        said = next(iter(reversed(done.stderr.strip().splitlines())), f"ended with {done.returncode}")
        raise BadInput(f"--address {address}: no Ray cluster answers there: {said}")
    access: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "refusal" in access:
        raise BadInput(access["refusal"])
    if access["token"] and os.environ.get("RAY_AUTH_MODE") is None:
        os.environ["RAY_AUTH_MODE"] = "token"
        Config.initialize("")  # Ray has read it already
    return str(access["where"])


def _connect(address: str, asked: Future[str]) -> None:
    # No dashboard and no usage report: nothing a search needs, and seconds saved at the start.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    where = asked.result()
    try:
        ray.init(address=where, include_dashboard=False if where == LOCAL else None,
                 logging_level=logging.ERROR, log_to_driver=False)  # fmt: skip
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise BadInput(f"--address {address}: no Ray cluster answers there: {str(error).splitlines()[0]}") from None
