"""Images on nodes that share no folder with one another: each has a cache of its own."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import ray
from ray.cluster_utils import Cluster

import autocls
from autocls.search.snapshot import Snapshot
from tests.data.helpers import two_classes

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(280)]

ROOT = str(Path(__file__).parents[2])
SPACE = {"image_size": 16, "optimizer": {"sgd": {"lr": {"log": [0.001, 0.1]}, "momentum": 0.9}}, "epochs": 2}


@contextmanager
def nodes(*caches: Path | str) -> Iterator[None]:
    """A head without room for trials, and a node of two cores for each cache."""
    path = os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for cache in caches:
        cluster.add_node(num_cpus=2, env_vars={"AUTOCLS_CACHE": str(cache), "PYTHONPATH": path})
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        ray.shutdown()
        cluster.shutdown()


def at_first(act: Callable[[], object]) -> Callable[[Snapshot], None]:
    """Acts before the first trial begins."""
    left = [act]

    def watch(snapshot: Snapshot) -> None:
        if left:
            left.pop()()

    return watch


def test_images_that_are_sent_reach_each_node_once_and_need_no_source(tmp_path: Path) -> None:
    pets, caches = two_classes(tmp_path / "pets"), [tmp_path / "one", tmp_path / "two"]
    with nodes(*caches):
        gone = at_first(lambda: pets.rename(tmp_path / "elsewhere"))
        result = autocls.search(
            str(pets), SPACE, trials=8, confirm=0, out=tmp_path / "run", send_data=True, watch=gone, pruner="none"
        )
    assert result.snapshot.complete == 8
    table = pd.read_parquet(tmp_path / "run" / "trials.parquet")
    assert table["worker"].nunique() > 2, "both nodes worked"
    for cache in caches:
        (folder,) = (path for path in cache.iterdir() if path.is_dir())
        assert {path.name for path in folder.iterdir()} == {"lock", "names.json", "16.npy", "16.moments.npy"}
    assert json.loads((tmp_path / "run" / "request.json").read_text())["send_data"]


def test_a_node_that_cannot_read_the_images_is_named_and_the_search_goes_on_elsewhere(tmp_path: Path) -> None:
    pets = two_classes(tmp_path / "pets")
    with nodes(tmp_path / "fine", "/proc/nowhere"):
        result = autocls.search(str(pets), SPACE, trials=12, confirm=0, out=tmp_path / "run", pruner="none")
    table = pd.read_parquet(tmp_path / "run" / "trials.parquet")
    assert result.snapshot.complete == 12
    spoilt = table[table["tries"] > 0]
    assert 1 <= len(spoilt) <= 2, "each worker of the node spoils one trial, and sits out then"
    assert spoilt["tries"].max() == 1
    assert table["worker"].nunique() == 2
