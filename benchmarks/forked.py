"""Ray's workers forked from one process that has imported what they import, so that many fit into one machine.

A worker's own memory is 380 MB, 240 of it from importing torch; as a fork it shares most of that. Each is a real worker
of Ray all the same, in a process of its own: this module stands where Ray would start Python (``py_executable`` of a
runtime environment), passes the command line on to the process that forks, and ends.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODULES = ("torch", "pandas", "pyarrow.fs", "autocls.search.training", "autocls.search.runner", "benchmarks.simulated")
"""All that is dear but Ray, which reads what it is to be from its environment when it is imported."""

DIE_WITH_PARENT = 1
"""Linux's name for it, to ``prctl``."""


@contextmanager
def executable(place: Path) -> Iterator[str]:
    """What to give Ray as ``py_executable``, while the process that forks lives; its socket lies in ``place``."""
    door = place / "door"
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.forked", str(door)], stdout=subprocess.PIPE)
    assert process.stdout is not None, "a pipe was asked for"
    try:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("the process that forks workers has ended")
        yield f"{sys.executable} -S -E {__file__} --client {door}"
    finally:
        process.terminate()
        process.wait()


def serve(door: str) -> None:
    """Fork a worker for each command line that comes in, until SIGTERM."""
    for module in MODULES:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    gc.freeze()  # a collection would write to every object, and so copy it
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(door)
        listening.listen(256)
        print("ready", flush=True)
        while True:
            asking, _ = listening.accept()
            with asking:
                said, outputs, _, _ = socket.recv_fds(asking, 1 << 20, 2)
                if os.fork() == 0:
                    listening.close()
                    break
                for output in outputs:
                    os.close(output)
    _become(json.loads(said), outputs)


def _become(wanted: dict[str, dict[str, str] | list[str]], outputs: list[int]) -> None:
    """Go on as the worker that Ray wanted to start."""
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    os.setpgrp()  # Ray ends a worker with all its group
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for output, usual in zip(outputs, (1, 2), strict=True):
        os.dup2(output, usual)
    os.environ.clear()
    os.environ.update(dict(wanted["environment"]))
    sys.argv = list(wanted["command"])
    runpy.run_path(sys.argv[0], run_name="__main__")


def ask(door: str, command: list[str]) -> None:
    """Have a worker forked that runs a command line with this process' environment and outputs."""
    wanted = json.dumps({"command": command, "environment": dict(os.environ)}).encode()
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(door)
        socket.send_fds(asking, [wanted], [1, 2])
        asking.recv(1)


if __name__ == "__main__":
    if sys.argv[1] == "--client":
        ask(sys.argv[2], sys.argv[3:])
    else:
        serve(sys.argv[1])
