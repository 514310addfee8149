"""What `autocls doctor` does on a node. It is sent there as source, so it needs nothing but Python: autocls may be
missing, and importing torch may never end."""

import importlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

DRIVER = "driver"
"""The file that the driver leaves in the folder that ought to be shared."""


@dataclass(frozen=True)
class Question:
    """What a node is asked; an empty path is not asked about."""

    packages: tuple[str, ...]
    folder: str
    """The one that ought to be shared."""
    content: str
    """What the driver's file in it holds, and the node's shall."""
    answer: str
    """The name of the node's file."""
    data: str


def now() -> float:
    """The node's time."""
    return time.time()


def ask(program: str, question: str, patience: float) -> tuple[str, str]:
    """Run this file in a fresh process of the node: what it said, in lines of JSON, and how it went wrong if it did."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    if env.get("CUDA_VISIBLE_DEVICES") == "":  # how older Rays keep what takes no GPU from seeing one
        del env["CUDA_VISIBLE_DEVICES"]
    command = [sys.executable, "-P", "-c", program, question]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    try:
        said, errors = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired as late:
        process.kill()  # and don't wait for it: nothing ends what hangs at a mount that is gone
        return (late.stdout or b"").decode(), f"gave no answer within {patience:g} s"
    if process.returncode < 0:
        return said.decode(), f"was ended by signal {-process.returncode}"
    last = errors.decode(errors="replace").strip().splitlines()[-1:]
    return said.decode(), f"failed ({''.join(last)})" if process.returncode else ""


def answers(question: Question) -> Iterator[dict[str, Any]]:
    """What is found, bit by bit, by the names of `autocls.search.diagnosis.Answer`; before each what is done next."""
    yield {"doing": "looking for packages", "executable": sys.executable, "python": platform.python_version()}
    yield {"versions": {name: version(name) for name in question.packages}}
    if question.folder:
        yield {"doing": "looking into the output folder"}
        yield _storage(question)
    if question.data:
        yield {"doing": "reading the images"}
        yield _data(question.data)
    yield {"doing": "importing torch"}
    yield _torch()
    yield {"doing": "importing autocls"}
    yield _cache()
    yield {"doing": ""}


def version(package: str) -> str:
    """Of a package that can be imported here; empty where it can't."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:  # what an uninstalled package leaves is a folder without code
        return ""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # a bare folder on the path
        return str(getattr(importlib.import_module(package), "__version__", "unknown"))


def extent(path: str) -> str:
    """How many entries a folder has, or bytes a file. Raises OSError."""
    if os.path.isdir(path):
        return f"{len(os.listdir(path))} entries"
    with open(path, "rb") as file:
        file.read(1)
        return f"{os.fstat(file.fileno()).st_size} bytes"


def free(folder: Path) -> int:
    """Bytes where the folder lies, or would."""
    return shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free


def _storage(question: Question) -> dict[str, Any]:
    folder = Path(question.folder)
    try:
        if (folder / DRIVER).read_text(encoding="utf-8") != question.content:
            return {"storage": "unreadable", "storage_error": "a file has other content than was written"}
    except (FileNotFoundError, NotADirectoryError):
        return {"storage": "absent"}
    except OSError as error:
        return {"storage": "unreadable", "storage_error": _why(error)}
    try:
        (folder / question.answer).write_text(question.content, encoding="utf-8")
    except OSError as error:
        return {"storage": "unwritable", "storage_error": _why(error)}
    return {"storage": "shared"}


def _data(path: str) -> dict[str, Any]:
    try:
        return {"data": extent(path)}
    except OSError as error:
        return {"data_error": _why(error)}


def _torch() -> dict[str, Any]:
    began = time.perf_counter()
    try:
        import torch

        seconds = time.perf_counter() - began
        devices = range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
        names = [torch.cuda.get_device_name(device) for device in devices]
    except Exception as error:  # what is installed badly raises anything
        return {"torch_error": _why(error)}
    return {"torch_seconds": seconds, "gpus": names, "built_for": torch.version.cuda or torch.version.hip or ""}


def _cache() -> dict[str, Any]:
    try:
        from autocls.data.cache import cache_root
    except Exception as error:
        return {"autocls_error": _why(error)}
    root = cache_root().expanduser().absolute()
    return {"cache": str(root), "cache_free": free(root)}


def _why(error: Exception) -> str:
    """What an error says, in a line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"


if __name__ == "__main__":
    _said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what others print is no answer
    for _found in answers(Question(**json.loads(sys.argv[1]))):
        print(json.dumps(_found), file=_said, flush=True)
