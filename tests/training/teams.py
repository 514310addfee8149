"""Teams of real processes, for tests."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.multiprocessing import get_context

from autocls.training import team

Team = Callable[..., list[Any]]
"""Calls a function with the same arguments on every device of a team; what each gives, the first one's first."""


@contextmanager
def of(size: int) -> Iterator[Team]:
    """A team of so many devices, in processes of their own. What they are to call must be picklable."""
    address = free_address()
    with ExitStack() as stack:
        processes = [stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"))) for _ in range(size)]

        def ask(act: Callable[..., Any], *given: Any) -> list[Any]:
            return [future.result() for future in [process.submit(act, *given) for process in processes]]

        for future in [p.submit(_join, rank, size, address) for rank, p in enumerate(processes)]:
            future.result()
        yield ask
        ask(team.leave)


def free_address() -> str:
    """Where devices on this machine may meet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{free.getsockname()[1]}"


def _join(rank: int, size: int, address: str) -> None:
    torch.set_num_threads(1)
    if torch.cuda.is_available():
        torch.cuda.set_device(rank % torch.cuda.device_count())
    team.join(rank, size, address)
