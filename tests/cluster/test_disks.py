"""Disks that are full, and storage that is gone, under a search that runs."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pandas as pd
import pytest
import ray
from sklearn.datasets import load_digits

import autocls
from autocls import files
from autocls.data import prepare
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.search import journal, run, store, task, training
from autocls.search.checkpoint import Keeper
from autocls.search.kept import Kept
from autocls.search.messages import Job
from autocls.search.record import Record
from autocls.search.runner import train_on
from autocls.search.snapshot import Snapshot
from autocls.training.artifact import load
from tests.cluster import slowly
from tests.cluster.test_driver import PATHS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

WHILE = 4.0
"""Seconds for which a disk is full or gone; below, what is in earnest waited for is more than 30 s."""


def search(out: Path, **given: Any) -> Any:
    given = {"data": "digits", "trials": 6, "confirm": 0, "sampler": "random", "pruner": "none", **given}
    return autocls.search(space={**slowly.SPACE, "epochs": 4}, out=out, **given)


def mount(*words: object) -> None:
    done = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"only root may mount a file system: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=24m", "none", place)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte on a disk; the file that takes them."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 16, 1):
            with pytest.raises(OSError, match="No space left on device"):
                list(map(file.write, repeat(b"\0" * size)))
    return filler


@pytest.fixture(scope="module")
def node() -> Iterator[None]:
    """A machine of two cores, as Ray has it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PATHS)  # workers import the tests
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        yield
        ray.shutdown()


def test_training_onto_a_full_disk_ends_in_one_message(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("epochs: 1\n")
    fill(disk)
    words = ["train", str(tmp_path / "r.yaml"), "digits", "--out", str(disk / "model")]
    done = subprocess.run([sys.executable, "-m", "autocls", *words], capture_output=True, text=True)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def at(epochs: int, act: Callable[[], Callable[[], object]]) -> Callable[[Snapshot], None]:
    """Acts when so many epochs are done, and undoes it after a while."""
    done: list[Timer] = []

    def watch(snapshot: Snapshot) -> None:
        if not done and snapshot.epochs >= epochs:
            done.append(Timer(WHILE, act()))
            done[0].start()

    return watch


def test_what_is_waited_for_is_longer_than_30_s() -> None:
    assert min(files.PATIENCE, journal.PATIENCE, training.PATIENCE) > 30


def check_nothing_lost(out: Path, result: Any) -> None:
    table = pd.read_parquet(out / "trials.parquet")
    assert result.stopped == "all trials are done"
    assert result.snapshot.complete == len(table) == 6
    assert set(table["epochs"]) == {4}
    assert set(table["tries"]) == {0}
    load(out / "model")
    assert (out / "report.html").is_file()


def test_a_disk_that_is_full_for_a_while_costs_nothing(
    node: None, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "train_on", slowly.train_on(tmp_path / "lines"))  # its checkpoints go there too
    full = at(4, lambda: fill(disk).unlink)
    check_nothing_lost(disk / "run", search(disk / "run", watch=full))


def test_storage_that_is_gone_for_a_while_costs_nothing(
    node: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "train_on", slowly.train_on(tmp_path / "lines"))
    kept, here, images, away = (tmp_path / name for name in ("kept", "here", "images", "away"))
    for folder in (kept, here, images):
        folder.mkdir()
    mount("--bind", kept, here)
    digits = load_digits()
    np.savez(images / "digits.npz", x=(digits.images * 15).astype(np.uint8), y=digits.target)
    monkeypatch.setenv("AUTOCLS_CACHE", str(images / "cache"))

    def unmount() -> Callable[[], object]:
        subprocess.run(["umount", "--lazy", here], check=True)
        return partial(mount, "--bind", kept, here)

    def move_away() -> Callable[[], object]:
        images.rename(away)
        return partial(away.rename, images)

    out_is_gone, images_are_gone = at(3, unmount), at(14, move_away)
    result = search(
        here / "run", data=images / "digits.npz", watch=lambda now: (out_is_gone(now), images_are_gone(now))
    )
    assert images.is_dir()
    check_nothing_lost(kept / "run", result)
    subprocess.run(["umount", "--lazy", here], check=True)
    assert not list(here.iterdir()), "nothing was written where the mount wasn't"


def test_a_disk_that_stays_full_ends_the_search_with_what_to_do_and_what_was_told_is_resumed(
    node: None, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "train_on", slowly.train_on(tmp_path / "lines"))
    monkeypatch.setattr(store, "Journal", partial(journal.Journal, patience=1))

    def watch(now: Snapshot) -> None:
        if now.complete >= 2:
            fill(disk)  # each time, as checkpoints of trials that ended make room

    message = rf"journal\.log: can't be written: No space left on device; .* `autocls resume {disk / 'run'}` goes on"
    with pytest.raises(BadInput, match=message):
        search(disk / "run", watch=watch)
    told = [row for row in Record.open(disk / "run").rows() if row.state == "COMPLETE"]
    assert len(told) >= 2
    (disk / "filler").unlink()
    result = autocls.resume(disk / "run")
    rows = Record.open(disk / "run").rows()
    assert result.snapshot.complete == len(rows) == 6
    assert [rows[row.number] for row in told] == told


@pytest.mark.parametrize("stays", [False, True])
def test_a_disk_that_is_full_at_the_end_is_waited_for_and_a_resume_writes_the_rest(
    disk: Path, monkeypatch: pytest.MonkeyPatch, stays: bool
) -> None:
    finish, filler = run.finish, []

    def full(*given: Any) -> Any:
        filler.append(fill(disk))
        if not stays:
            Timer(WHILE, filler[0].unlink).start()
        return finish(*given)

    monkeypatch.setattr(run, "finish", full)
    monkeypatch.setattr(files, "PATIENCE", 1.0 if stays else 60.0)
    if stays:
        with pytest.raises(
            BadInput, match=rf"No space left on device.*`autocls resume {disk / 'run'}` goes on from it"
        ):
            search(disk / "run", address="inline")
        monkeypatch.setattr(run, "finish", finish)
        filler[0].unlink()
        result = autocls.resume(disk / "run", address="inline")
    else:
        result = search(disk / "run", address="inline")
    check_nothing_lost(disk / "run", result)


def test_weights_that_a_full_disk_does_not_take_are_written_later(disk: Path) -> None:
    kept = Kept(disk, most=2)
    filler = fill(disk)
    for number in range(3):
        kept.take(number, b"weights")
    assert not kept.folders
    filler.unlink()
    kept.write()
    assert {number: (path / "weights.safetensors").read_bytes() for number, path in kept.folders.items()} == {
        1: b"weights",
        2: b"weights",
    }, "of more than are wanted the first are let go"


def test_a_node_whose_cache_is_full_says_so_and_goes_on_when_there_is_room(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(0, Recipe(image_size=28, epochs=1), seed=0, best=1.0)
    monkeypatch.setenv("AUTOCLS_CACHE", str(disk))
    prepared = prepare("digits")  # at no size yet, as on a node that shares no cache
    filler = fill(disk)
    monkeypatch.setattr(training, "PATIENCE", 1.0)
    (said,) = training.epochs(job, train_on(prepared, "accuracy"), Keeper(job, tmp_path))
    assert said.passing
    assert said.failure.startswith(f"on {said.worker.partition(':')[0]}: the cache {disk}")
    monkeypatch.setattr(training, "PATIENCE", 60.0)
    Timer(WHILE, filler.unlink).start()
    (said,) = training.epochs(job, train_on(prepared, "accuracy"), Keeper(job, tmp_path))
    assert (said.failure, said.epoch) == ("", 1)
