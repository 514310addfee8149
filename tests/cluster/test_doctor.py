"""``autocls doctor`` on real nodes that are not as they should be."""

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import ray
from PIL import Image
from ray.cluster_utils import Cluster

from autocls.search import doctor
from autocls.search.connection import _await_closing

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

ROOT = str(Path(__file__).parents[2])
PACKAGES = Path(ray.__file__).parents[1]
OWN = "/proc/self/cwd"
"""A folder that is another one for each process, as on machines that share none."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head that takes no trials."""
    head = {"num_cpus": 0, "include_dashboard": False, "node_name": "head"}
    made = Cluster(initialize_head=True, head_node_args=head)
    yield made
    _await_closing()
    made.shutdown()


@contextmanager
def node(cluster: Cluster, name: str, python: Path | str, before: Sequence[str] = (), path: str = "") -> Iterator[None]:
    """A node whose workers run this Python; ``before`` are the words that start it in another way."""
    command = [*before, str(python), "-m", "ray.scripts.scripts", "start", "--address", cluster.address,
               "--num-cpus", "1", "--node-name", name, "--block", "--disable-usage-stats"]  # fmt: skip
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdout=quiet, stderr=quiet)
    try:
        until = time.monotonic() + 60
        while not any(each["NodeName"] == name and each["Alive"] for each in cluster.global_state.node_table()):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the command is typed: with images and an output folder."""
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for row in range(10):
            pixels = np.random.default_rng(row).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{row}.png")
    (tmp_path / "reports").mkdir()
    return tmp_path


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command, typed there."""
    command = [sys.executable, "-m", "autocls", "doctor", *words]
    env = {**os.environ, "PYTHONPATH": ROOT, "COLUMNS": "140", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, timeout=200)


def test_what_is_to_mend_is_said_of_each_node(cluster: Cluster, folder: Path) -> None:
    bare = folder / "env"
    venv.create(bare, symlinks=True)
    (site,) = bare.glob("lib/*/site-packages")
    (site / "others.pth").write_text(f"{PACKAGES}\n")  # whose own .pth files, autocls' among them, don't count then
    (folder / "old" / "timm-0.0.1.dist-info").mkdir(parents=True)
    (folder / "old" / "timm-0.0.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: timm\nVersion: 0.0.1\n"
    )
    old = os.pathsep.join([str(folder / "old"), ROOT])
    odd = cluster.add_node(num_gpus=1, node_name="odd", env_vars={"PYTHONPATH": old, "AUTOCLS_CACHE": "/dev/shm/odd"})
    with node(cluster, "bare", bare / "bin" / "python"):
        words = [f"{OWN}/photos", "--address", cluster.address, "--out", f"{OWN}/reports"]
        done = run(folder, *words)
    cluster.remove_node(odd)
    assert done.returncode == 1, done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith("mend ")]
    assert (
        f"mend bare: autocls can't be found there: run `{bare}/bin/python -m pip install autocls==0.1.0` there." in said
    )
    assert any(line.startswith("mend odd: timm is 0.0.1 there and ") for line in said)
    assert any(line.startswith("mend odd: Ray counts 1 GPU and torch sees 0") for line in said)
    assert any(line.startswith(f"mend bare, head, odd: {OWN}/reports is not shared") for line in said)
    unread = f"mend bare, head, odd: {OWN}/photos can't be read there (No such file or directory): "
    assert any(line.startswith(unread) and "--send-data" in line for line in said)
    assert len(said) == 5, said
    assert list((folder / "reports").iterdir()) == []


def may_mount() -> bool:
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="only root may mount")
def test_mounts_that_are_read_only_or_missing_are_named(cluster: Cluster, folder: Path) -> None:
    out, photos = folder / "reports", folder / "photos"
    mounts = f"mount --bind {out} {out} && mount -o remount,ro,bind {out} && mount -t tmpfs none {photos}"
    private = ("unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh")
    with node(cluster, "mounted", sys.executable, private, path=ROOT):
        done = run(folder, "photos", "--address", cluster.address, "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    said = {(each["node"], each["check"]): each["says"] for each in found["findings"]}
    assert said.keys() == {("mounted", "storage"), ("mounted", "data")}
    assert said["mounted", "storage"].startswith(f"{out} can't be written there (Read-only file system), so trials")
    assert said["mounted", "data"].startswith(f"{photos} has 0 entries there and 2 entries here: ")
    assert {each["name"]: each["answer"]["storage"] for each in found["nodes"]}["head"] == "shared"
    assert all(abs(each["clock"]["offset"]) <= each["clock"]["uncertainty"] + 0.1 for each in found["nodes"])


def test_one_machine_on_its_own_has_nothing_to_mend(folder: Path) -> None:
    (folder / "reports").rmdir()
    done = run(folder, "photos")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Nothing to mend."), done.stdout + done.stderr
    assert not (folder / "reports").exists()


HUNG = "import time; time.sleep(100)"
DOOMED = "import psutil; worker = psutil.Process().parent(); worker.parent().kill(); worker.kill()"
FROZEN = "import psutil, time; psutil.Process().parent().suspend(); time.sleep(40)"


def test_nodes_that_hang_or_die_are_not_waited_for(
    cluster: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "GRACE", 10)
    nodes = []
    for name, torch in (("hung", HUNG), ("doomed", DOOMED), ("frozen", FROZEN)):
        (folder / name).mkdir()
        (folder / name / "torch.py").write_text(torch)
        path = os.pathsep.join([str(folder / name), ROOT])
        nodes.append(cluster.add_node(node_name=name, env_vars={"PYTHONPATH": path}))
    began = time.monotonic()
    found = doctor.examine(None, str(folder / "reports"), cluster.address, patience=20)
    assert time.monotonic() - began < 100
    said = {each.node: each.says for each in found.findings if each.check == "answer" and each.node != "head"}
    assert said.keys() == {"hung", "doomed", "frozen"}
    assert said["hung"].startswith("gave no answer within 20 s while importing torch: see whether")
    assert said["doomed"].startswith(
        "failed (Task failed because the node it was running on is dead or unavailable) while"
    )
    assert said["frozen"].startswith("gave no answer within 30 s while starting a process: see whether")
    assert list((folder / "reports").iterdir()) == []
    for each in nodes:
        cluster.remove_node(each, allow_graceful=False)
