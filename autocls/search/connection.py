"""Connecting to Ray, which can begin while the rest of autocls is imported: both take seconds."""

import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import ray

from autocls.errors import BadInput

_thread = ThreadPoolExecutor(1, thread_name_prefix="ray")
"""Stays alive with the connection: Ray's processes end with the thread that started them, not with the process."""
_closing: Future[None] | None = None
"""The end of an earlier connection."""
_begun: dict[str, Future[None]] = {}
"""The connections that were begun and are not used yet, by address."""


def begin(address: str) -> None:
    """Start to connect to the cluster at ``address``, which ``connected`` will want; returns at once."""
    _await_closing()
    if not ray.is_initialized() and address not in _begun:
        _begun[address] = _thread.submit(_connect, address)


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Within it, Ray is connected: as it was, to the cluster at ``address``, or to one started here for ``local``.

    It is closed behind the caller's back. Raises BadInput when no cluster answers.
    """
    global _closing
    _await_closing()
    if ray.is_initialized() and not _begun:
        yield
        return
    begin(address)
    _begun.pop(address).result()
    if threading.current_thread() is threading.main_thread():
        # Ray has put a handler of its own before it, which aborts the process after three seconds.
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM) or signal.SIG_DFL)
    try:
        yield
    finally:
        gc.collect()  # what refers to Ray's objects must be gone: one that is freed while it closes ends the process
        _closing = _thread.submit(ray.shutdown)


def _await_closing() -> None:
    if _closing is not None:
        _closing.result()


def _connect(address: str) -> None:
    # No dashboard and no usage report: nothing a search needs, and seconds saved at the start.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if ":" in address.removeprefix("ray://"):
        _knock(address)
    try:
        ray.init(address=address, include_dashboard=False if address == "local" else None,
                 logging_level=logging.ERROR, log_to_driver=False)  # fmt: skip
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise BadInput(f"--address {address}: no Ray cluster answers there: {str(error).splitlines()[0]}") from None


def _knock(address: str) -> None:
    """Ray itself waits for minutes before it gives an address up. Raises BadInput when nobody listens there."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError, OverflowError) as error:
        raise BadInput(f"--address {address}: no Ray cluster answers there: {error}") from None
