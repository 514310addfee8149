"""``autocls`` as a person types it, in processes forked from one that has imported its libraries."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from autocls.cli import main

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["autocls.search.folder", "autocls.api", "autocls.report.page", "autocls.deploy.recognizer", "autocls.search.task"]
)


def run(*words: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """What a command prints and its exit code, with 200 columns and no colours."""
    said = [str(word) for word in words]
    with TemporaryDirectory() as folder:
        streams = [Path(folder) / "stdout", Path(folder) / "stderr"]
        env = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
        process = _FORKS.Process(target=_typed, args=(said, streams, cwd or Path.cwd(), env))
        process.start()
        process.join()
        assert process.exitcode is not None
        out, errors = (stream.read_text() for stream in streams)
    return subprocess.CompletedProcess(said, process.exitcode, out, errors)


def _typed(words: list[str], streams: Sequence[Path], cwd: Path, env: dict[str, str]) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, stream in enumerate(streams, start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["autocls", *words]
    main()
