"""What a search does when workers, nodes and disks fail: docs/faults.md names these tests."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import ray
from ray.cluster_utils import Cluster

import autocls
from autocls.search.screening import fresh_seed
from autocls.search.snapshot import Snapshot
from autocls.verdict.verdict import Phase
from tests.cluster import objectives

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

search = partial(autocls.search, confirm=0, sampler="random", pruner="none")
SPACE = {"norm": ["none", "batch"], "optimizer": {"sgd": {"lr": {"log": [0.001, 1]}, "momentum": 0.9}}, "epochs": 4}
ROOT = str(Path(__file__).parents[2])


@pytest.fixture(scope="module")
def _made() -> Iterator[Cluster]:
    """One cluster for the module: starting it takes long."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    path = os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])
    ray.init(
        address=made.address, log_to_driver=False, logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": path}},
    )  # fmt: skip
    yield made
    ray.shutdown()
    made.shutdown()


def _is_dead(node: Any) -> bool:
    return node.all_processes["raylet"][0].process.poll() is not None


@pytest.fixture
def cluster(_made: Cluster) -> Cluster:
    """Two real nodes of two logical cores each, besides a head that takes no trials; what a test kills is replaced."""
    for node in [node for node in _made.worker_nodes if _is_dead(node)]:
        _made.remove_node(node, allow_graceful=False)
    for node in list(_made.worker_nodes)[2:]:
        _made.remove_node(node)
    for _ in range(2 - len(_made.worker_nodes)):
        _made.add_node(num_cpus=2)
    _made.wait_for_nodes()
    return _made


def trials(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "trials.parquet").set_index("number")


def once(when: Callable[[Snapshot], bool], act: Callable[[], object]) -> Callable[[Snapshot], None]:
    """Acts at the first snapshot that is so."""
    done: list[object] = []

    def watch(snapshot: Snapshot) -> None:
        if not done and when(snapshot):
            done.append(act() or True)

    return watch


def test_a_killed_worker_s_trial_is_tried_again_and_comes_to_the_same(cluster: Cluster, tmp_path: Path) -> None:
    objective = partial(objectives.killed_once, str(tmp_path / "marks"))
    result = search(objective=objective, space=SPACE, trials=8, out=tmp_path / "run")
    table = trials(tmp_path / "run")
    assert result.snapshot.complete == 8
    assert set(table["tries"]) == {1}
    assert (table["epochs"] == 4).all()


def test_a_recipe_that_kills_its_worker_each_time_is_quarantined(cluster: Cluster, tmp_path: Path) -> None:
    result = search(objective=objectives.deadly, space=SPACE, trials=8, out=tmp_path)
    table = trials(tmp_path)
    fatal = table["recipe"].str.contains("norm: batch")
    assert 0 < fatal.sum() < 8
    assert set(table[fatal]["state"]) == {"FAIL"}
    assert set(table[fatal]["tries"]) == {2}
    assert table[fatal]["reason"].str.fullmatch(r"its worker died on [\d.]+: .*, in 3 tries").all()
    assert result.snapshot.complete == (~fatal).sum()
    assert sum(node["Alive"] for node in ray.nodes()) == 3


def test_nan_fails_at_once(cluster: Cluster, tmp_path: Path) -> None:
    search(objective=objectives.not_a_number, space=SPACE, trials=3, out=tmp_path)
    table = trials(tmp_path)
    assert set(table["state"]) == {"FAIL"}
    assert set(table["reason"]) == {"the score is nan"}
    assert set(table["tries"]) == {0}


def test_a_killed_node_s_trials_are_tried_elsewhere(cluster: Cluster, tmp_path: Path) -> None:
    doomed = sorted(cluster.worker_nodes, key=str)[0]

    def kill() -> None:
        for process in psutil.Process(doomed.all_processes["raylet"][0].process.pid).children(recursive=True):
            process.kill()
        os.kill(doomed.all_processes["raylet"][0].process.pid, signal.SIGKILL)

    watch = once(lambda now: now.epochs >= 12, kill)
    result = search(objective=objectives.steady, space=SPACE, trials=16, out=tmp_path, watch=watch)
    table = trials(tmp_path)
    assert result.snapshot.complete == 16
    assert 1 <= (table["tries"] > 0).sum() <= 2
    assert sum(node["Alive"] for node in ray.nodes()) == 2


def test_a_node_that_joins_is_used(cluster: Cluster, tmp_path: Path) -> None:
    cluster.remove_node(cluster.worker_nodes.copy().pop())
    seen = tmp_path / "seen"
    seen.mkdir()
    join = once(lambda now: now.epochs >= 8, lambda: cluster.add_node(num_cpus=2))
    end = once(lambda now: len(list(seen.iterdir())) == 4, lambda: os.kill(os.getpid(), signal.SIGINT))
    objective = partial(objectives.seen, str(seen), objectives.Heavy())
    result = search(
        objective=objective, space=SPACE, seconds=150, out=tmp_path / "run", watch=lambda now: (join(now), end(now))
    )
    assert result.stopped == "interrupted", (
        "four workers were seen in time, though each takes longer than a trial to start"
    )


def test_a_worker_that_is_killed_within_the_verdict_s_runs_leaves_the_verdict_complete(
    cluster: Cluster, tmp_path: Path
) -> None:
    seeds = tuple(fresh_seed(0, phase, 0) for phase in (Phase.CONFIRM, Phase.ATTRIBUTE))
    objective = partial(objectives.killed_in_its_verdict, str(tmp_path / "marks"), seeds)
    space = {**SPACE, "epochs": 2}
    result = autocls.search(
        objective=objective, space=space, trials=100, out=tmp_path / "run", screen=False, pruner="none"
    )
    table = trials(tmp_path / "run")
    assert table.groupby("phase")["tries"].sum().to_dict() == {"attribute": 1, "confirm": 1, "search": 0}
    assert set(table["state"]) == {"COMPLETE"}
    assert result.verdict is not None
    assert {trick.slot: trick.word for trick in result.verdict.tricks}["norm"] == "helps"
    assert result.verdict.confirmed.n >= 5


def test_a_hung_trial_is_stopped_and_tried_again(cluster: Cluster, tmp_path: Path) -> None:
    objective = partial(objectives.hung_once, str(tmp_path / "marks"))
    result = search(objective=objective, space=SPACE, trials=5, out=tmp_path / "run", stall=4)
    table = trials(tmp_path / "run")
    assert result.snapshot.complete == 5
    assert table["tries"].sum() == 1


def test_a_worker_that_is_stopped_by_the_system_is_hung_too(cluster: Cluster, tmp_path: Path) -> None:
    objective = partial(objectives.frozen_once, str(tmp_path / "marks"))
    result = search(objective=objective, space=SPACE, trials=5, out=tmp_path / "run", stall=4)
    assert result.snapshot.complete == 5
    assert trials(tmp_path / "run")["tries"].sum() == 1


def test_out_of_memory_is_tried_again_and_then_said(cluster: Cluster, tmp_path: Path) -> None:
    search(objective=objectives.greedy, space=SPACE, trials=2, out=tmp_path)
    table = trials(tmp_path)
    assert set(table["state"]) == {"FAIL"}
    assert table["reason"].str.fullmatch(r"on \S+: out of memory, in 3 tries").all()
    assert set(table["tries"]) == {2}


def test_at_most_so_many_trials_run_at_once(cluster: Cluster, tmp_path: Path) -> None:
    most = 0

    def watch(snapshot: Snapshot) -> None:
        nonlocal most
        most = max(most, snapshot.running)

    search(objective=objectives.steady, space=SPACE, trials=8, out=tmp_path, max_concurrent=2, watch=watch)
    assert most == 2
    assert trials(tmp_path)["worker"].nunique() <= 2, "the workers stay"
