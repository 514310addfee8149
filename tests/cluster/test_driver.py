"""What is left of a search whose driver is killed, interrupted, or killed while it writes what it came to."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import ray
import torch
from ray.cluster_utils import Cluster

import autocls
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.search import run, task
from autocls.search.record import Record
from autocls.training.artifact import load
from autocls.verdict.file import load as load_verdict
from tests.cluster import slowly

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

ROOT = str(Path(__file__).parents[2])
PATHS = os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])
"""With which another process imports the tests."""


def env() -> dict[str, str]:
    """Of a process that is started now: Ray leaves things there that it needs."""
    return {**os.environ, "PYTHONPATH": PATHS, "COLUMNS": "200"}


def until(so: Callable[[], bool], what: str, seconds: float = 90) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline, f"in {seconds:.0f} s: {what}"
        time.sleep(0.1)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A node that outlives its drivers."""
    monkeypatch.setenv("PYTHONPATH", PATHS)  # its workers import the tests
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    yield made
    ray.shutdown()
    made.shutdown()


def test_the_workers_of_a_killed_driver_end_and_a_resumed_search_goes_on_from_their_checkpoints(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials, epochs, folder = 5, 8, tmp_path / "run"
    code = f"from tests.cluster import slowly; slowly.drive({cluster.address!r}, {str(folder)!r}, {trials}, {epochs})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env()) as driver:
        assert driver.stdout is not None
        for line in driver.stdout:
            done, complete = map(int, line.split())
            if complete >= 1 and done >= epochs * complete + 4:
                break
        driver.kill()
    left, going = Record.open(folder).rows(), Record.open(folder).running()
    furthest = Recipe.from_yaml(max((row for row in left if row.number in going), key=lambda row: row.epochs).recipe)
    workers = {int(row.worker.partition(":")[2]) for row in left if row.worker}
    trained = folder.with_suffix(".lines").read_text().splitlines()

    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    until(lambda: all(actor["State"] == "DEAD" for actor in ray._private.state.actors().values()), "an actor is left")
    until(lambda: ray.available_resources().get("CPU") == 2, "its cores are not free")
    until(lambda: not any(map(psutil.pid_exists, workers)), "a worker's process is left")
    monkeypatch.setattr(task, "train_on", slowly.train_on(folder.with_suffix(".lines")))
    result = autocls.resume(folder)

    record = Record.open(folder)
    assert not record.running()
    rows = record.rows()
    assert result.snapshot.complete == len(rows) == trials, "the budget is the same"
    assert len({row.recipe for row in rows}) == trials
    assert all(row.epochs == epochs for row in rows)
    again = folder.with_suffix(".lines").read_text().splitlines()[len(trained) :]
    first, last = (slowly.line(furthest, epoch) for epoch in (1, epochs))
    assert first in trained
    assert last in again
    assert first not in again, "it went on from its checkpoint"


FILES = (
    "trials.parquet", "summary.json", "best_recipe.yaml", "verdict.json", "test.parquet", "pictures.npz",
    "model/weights.safetensors", "model/recipe.yaml", "model/model.json", "cards.json", "associations.json",
    "report.html",
)  # fmt: skip
"""In the order in which a search writes them when it has ended."""


def begin(folder: Path) -> None:
    """A search that is killed when it begins to write what it came to."""
    torch.set_num_threads(1)
    run.finish = lambda *given: os._exit(0)
    space = {"image_size": 8, "norm": ["none", "batch"], "epochs": 1}
    autocls.search("digits", space, trials=2, out=folder, address="inline", confirm=0)


def go_on(folder: Path) -> None:
    torch.set_num_threads(1)
    autocls.resume(folder, address="inline")


def state(file: Path) -> object:
    """Of a file or its part: another one when either was written to."""
    found = []
    for path in (file, file.with_name(file.name + ".part")):
        try:
            stat = path.stat()
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
        except FileNotFoundError:
            found.append((0, 0, 0))
    return found


def check_whole(folder: Path) -> None:
    """Each file is there whole, or not at all."""
    for name in ("trials.parquet", "test.parquet"):
        if (folder / name).exists():
            assert len(pd.read_parquet(folder / name))
    for name in ("summary.json", "cards.json", "associations.json"):
        if (folder / name).exists():
            json.loads((folder / name).read_text())
    if (folder / "best_recipe.yaml").exists():
        Recipe.load(folder / "best_recipe.yaml")
    if (folder / "verdict.json").exists():
        load_verdict(folder / "verdict.json")
    if (folder / "pictures.npz").exists():
        assert len(dict(np.load(folder / "pictures.npz"))) == 5
    if (folder / "report.html").exists():
        assert (folder / "report.html").read_text().rstrip().endswith("</html>")
    if (folder / "model" / "model.json").exists():
        load(folder / "model")


def test_a_driver_that_is_killed_while_it_writes_leaves_whole_files_and_can_be_resumed(tmp_path: Path) -> None:
    fork, folder, moments = multiprocessing.get_context("fork"), tmp_path / "run", random.Random(0)
    beginning = fork.Process(target=begin, args=(folder,))
    beginning.start()
    beginning.join()
    assert beginning.exitcode == 0
    assert not (folder / "trials.parquet").exists()
    before = Record.open(folder).rows()
    for name in FILES:
        was = state(folder / name)
        process = fork.Process(target=go_on, args=(folder,))
        process.start()
        while state(folder / name) == was:
            assert process.exitcode is None, f"it was not killed before {name} was written"
        time.sleep(moments.uniform(0, 0.002))
        process.kill()
        process.join()
        check_whole(folder)
    autocls.resume(folder, address="inline")
    check_whole(folder)
    assert all((folder / name).exists() for name in FILES)
    assert not list(folder.rglob("*.part"))
    assert Record.open(folder).rows() == before
    with pytest.raises(BadInput, match="there is nothing to resume"):
        autocls.resume(folder, address="inline")


def command(*words: object) -> "subprocess.Popen[str]":
    """A command as a person types it."""
    return subprocess.Popen(
        [sys.executable, "-m", "autocls", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=env(),
    )  # fmt: skip


def complete(folder: Path) -> int:
    try:
        return sum(row.state == "COMPLETE" for row in Record.open(folder).rows())
    except BadInput:  # it has not begun
        return 0


def test_a_search_that_is_interrupted_or_whose_machine_is_taken_back_goes_on(tmp_path: Path) -> None:
    space, folder = tmp_path / "space.yaml", tmp_path / "run"
    space.write_text("image_size: 8\noptimizer: {sgd: {lr: {log: [0.001, 1]}, momentum: 0.9}}\nepochs: 2\n")
    given = ("--trials", 40, "--pruner", "none", "--sampler", "random", "--confirm", 0, "--out", folder)
    said = []
    for words, signals in (
        (("search", "digits", "--space", space, *given), [signal.SIGINT, signal.SIGINT]),
        (("resume", folder), [signal.SIGTERM]),
        (("resume", folder), []),
    ):
        had = complete(folder)
        with command(*words, "--address", "local", "--no-progress") as process:
            for one in signals:
                until(lambda had=had: complete(folder) >= had + 2, "two more trials are complete")
                process.send_signal(one)
                time.sleep(1)
            out, err = process.communicate()
        said.append((process.returncode, out))
        assert "Traceback" not in err, err
    (twice, _), (once, interrupted), (never, done) = said
    assert twice in (0, 130), "0 where all was written within the second"
    assert (once, never) == (0, 0)
    assert f"It may go on: autocls resume {folder}" in interrupted
    assert "40 trials complete, 0 stopped early, 0 failed; all trials are done." in done
    assert len(Record.open(folder).rows()) == 40
