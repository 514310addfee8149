"""Trials over two nodes of a GPU each, on real Ray workers; the GPUs are only counted, and the devices are CPUs."""

import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import ray
from ray.cluster_utils import Cluster

import autocls
from autocls.data import Prepared
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.search.cluster import nodes_here
from autocls.search.placement import Resources, fit
from autocls.search.snapshot import Snapshot
from autocls.training import train
from tests.cluster import objectives

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

HERE = f"on {socket.gethostname()}: "
NODE = {"num_cpus": 1, "num_gpus": 1}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    root = str(Path(__file__).parents[2])
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        made.add_node(**NODE)
    ray.init(
        address=made.address, log_to_driver=False, logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}},
    )  # fmt: skip
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture(autouse=True)
def _connected(cluster: Cluster) -> None:
    """The cluster is there."""


def search(out: Path, **given: Any) -> pd.DataFrame:
    autocls.search(out=out, confirm=0, gpus_per_trial=2, sampler="random", pruner="none", **given)
    return pd.read_parquet(out / "trials.parquet").set_index("number")


def test_a_trial_on_two_devices_scores_what_it_does_on_one(
    prepared_digits: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOCLS_CACHE", str(prepared_digits.cache))
    # a rate at which training is steady: near the edge the last digits grow to whole images within an epoch
    steady = {"sgd": {"lr": 0.005, "momentum": 0.9}}
    space = {
        "image_size": 28,
        "norm": ["none", "sync_batch"],
        "mix": ["none", "mixup"],
        "optimizer": steady,
        "epochs": 2,
    }
    table = search(tmp_path, data="digits", space=space, trials=3)
    assert (table["state"] == "COMPLETE").all()
    assert table["recipe"].str.contains("sync_batch").any()
    for row in table.itertuples():
        recipe = Recipe.from_yaml(row.recipe)
        data = prepared_digits.at(28, row.seed)
        alone = [result.score for result in train(recipe, data, row.seed)]
        assert list(row.curve) == pytest.approx(alone, abs=1.5 / len(data.split.val))  # one image


def test_each_device_is_a_process_and_stays(tmp_path: Path) -> None:
    table = search(tmp_path, objective=objectives.crew, space={"flip": ["none", "horizontal"], "epochs": 2}, trials=3)
    assert (table["state"] == "COMPLETE").all()
    assert table["worker"].nunique() == 1


def test_a_device_that_is_lost_each_time_fails_its_trial_with_the_reason_and_the_next_has_all_again(
    tmp_path: Path,
) -> None:
    space = {
        "norm": ["none", "batch"], "flip": ["none", "horizontal"], "epochs": 3,
        "suggestions": [{"norm": "batch"}, {"flip": "horizontal"}],
    }  # fmt: skip
    table = search(tmp_path, objective=objectives.deserted, space=space, trials=3)
    assert list(table["state"]) == ["COMPLETE", "FAIL", "COMPLETE"]
    assert table["reason"][1] == f"{HERE}device 1 of the trial: it died, in 3 tries"
    assert table["tries"][1] == 2


def test_a_device_that_fails_alone_says_why(tmp_path: Path) -> None:
    table = search(tmp_path, objective=objectives.stumbling, space={"epochs": 2}, trials=1)
    assert list(table["reason"]) == [f"{HERE}device 1 of the trial: KeyError: 'bone', in 3 tries"]


def test_devices_of_a_trial_must_find_room() -> None:
    assert fit(Resources(1, 2), nodes_here()) == (Resources(1, 2), 1)
    with pytest.raises(BadInput, match="no room for a single trial"):
        fit(Resources(1, 3), nodes_here())


def test_a_trial_whose_other_device_or_its_node_is_killed_is_tried_again(cluster: Cluster, tmp_path: Path) -> None:
    """The first trial loses the process of its second device, the second one the machine that it is on."""
    marks = tmp_path / "marks"
    killed: list[psutil.Process] = []

    def kill_node(now: Snapshot) -> None:
        if now.epochs == 2 and not killed:  # the first trial told one before it was lost
            latest = max(marks.glob("peer-*"), key=lambda mark: mark.stat().st_mtime_ns)
            raylet = psutil.Process(int(latest.name.partition("-")[2])).parent()
            assert raylet is not None
            assert "raylet" in raylet.name()
            killed.append(raylet)
            for process in [*raylet.children(recursive=True), raylet]:
                process.kill()
            cluster.add_node(**NODE, wait=False)

    objective = partial(objectives.deserted_once, str(marks))
    space = {"flip": ["none", "horizontal"], "epochs": 3}
    table = search(tmp_path / "run", objective=objective, space=space, trials=2, watch=kill_node)
    assert killed
    assert list(table["state"]) == ["COMPLETE", "COMPLETE"]
    assert (table["tries"] >= 1).all()
    assert (table["epochs"] == 3).all()
