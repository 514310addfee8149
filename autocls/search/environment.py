"""What a search ran on: versions, hardware, git state, data and command line."""

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import torch

from autocls.data import Prepared

_PACKAGES = ("autocls", "torch", "torchvision", "timm", "optuna", "ray", "numpy", "pandas", "pydantic")


def describe(data: Prepared | None, seed: int) -> dict[str, Any]:
    """The environment as nested plain values, fit for JSON."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join([_name(Path(sys.argv[0])), *sys.argv[1:]]),
        "folder": os.getcwd(),
        "seed": seed,
        "data": {"source": data.source, "fingerprint": data.fingerprint} if data else {"source": "a Python objective"},
        "versions": {"python": platform.python_version(), **{p: metadata.version(p) for p in _PACKAGES}},
        "hardware": {
            "machine": platform.machine(),
            "processor": processor(),
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
            "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        },
        "git": _git(),
    }


def _name(program: Path) -> str:
    """As it is typed, without the folder that it happens to be installed in."""
    return "autocls" if program.name == "__main__.py" else program.name


def device(cpus: float) -> str:
    """What a trial of so many cores computes on: a GPU's name, or the processor's."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = max(1, int(cpus))
    return f"{threads} thread{'s' * (threads > 1)} of {processor()}"


def processor() -> str:
    """The model of this machine's processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # only Linux has it
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(named), platform.processor() or platform.machine())


def _git() -> dict[str, Any]:
    """Commit of the folder that the command was given in; empty outside a repository."""

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    return {"commit": commit, "changed_files": len((ask("status", "--porcelain") or "").splitlines())} if commit else {}
