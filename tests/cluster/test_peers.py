"""Trials over two nodes of a GPU each, on real Ray workers; the GPUs are only counted, and the devices are CPUs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import ray
from ray.cluster_utils import Cluster

import autocls
from autocls.data import Prepared
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.search.cluster import Resources, fit
from autocls.training import train
from tests.search import objectives


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    root = str(Path(__file__).parents[2])
    node = {"num_cpus": 1, "num_gpus": 1}
    cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    cluster.add_node(**node)
    ray.init(
        address=cluster.address, log_to_driver=False, logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}},
    )  # fmt: skip
    yield
    ray.shutdown()
    cluster.shutdown()


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


def test_a_lost_device_fails_its_trial_with_the_reason_and_the_next_has_all_again(tmp_path: Path) -> None:
    space = {"norm": ["none", "batch"], "epochs": 3}
    table = search(tmp_path, objective=objectives.deserted, space=space, trials=5)
    normed = table["recipe"].str.contains("batch:|norm: batch")
    assert 0 < normed.sum() < len(table)
    assert set(table[normed]["state"]) == {"FAIL"}
    assert set(table[normed]["reason"]) == {"PeerLost: device 1 of the trial: it died"}
    assert set(table[~normed]["state"]) == {"COMPLETE"}


def test_a_device_that_fails_alone_says_why(tmp_path: Path) -> None:
    table = search(tmp_path, objective=objectives.stumbling, space={"epochs": 2}, trials=1)
    assert list(table["reason"]) == ["PeerLost: device 1 of the trial: KeyError: 'bone'"]


def test_devices_of_a_trial_must_find_room() -> None:
    assert fit(Resources(1, 2)) == (Resources(1, 2), 1)
    assert fit(Resources(1, 1)) == (Resources(1, 1), 2)
    assert fit(Resources(1, 0.5)) == (Resources(1, 0.5), 2)
    for wanted, reason in (
        (Resources(1, 3), "--gpus-per-trial 3: there is room for 2, with 1 CPUs for each"),
        (Resources(2, 2), "--cpus-per-trial 2: no node has that many CPUs; the largest offers 1"),
        (Resources(1, 1.5), "--gpus-per-trial 1.5: several GPUs must be whole ones"),
    ):
        with pytest.raises(BadInput, match=f"^{reason}$"):
            fit(wanted)
