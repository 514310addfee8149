"""Trials that find no memory: Ray's monitor kills their worker, or they raise what torch raises."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import ray

import autocls
from autocls.recipe import Recipe
from tests.cluster import objectives
from tests.cluster.test_driver import PATHS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

search = partial(autocls.search, confirm=0, sampler="random", pruner="none")
STEADY = {"optimizer": "sgd", "epochs": 4}
SPACE = {"norm": ["none", "batch"], "batch_size": [32, 64, 128, 256], "epochs": 2}


@pytest.fixture
def full_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine of one core that, as its Ray has it, is out of memory whatever is used: each worker is killed."""
    monkeypatch.setenv("PYTHONPATH", PATHS)
    ray.init(
        address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
        _system_config={"memory_usage_threshold": 0.01, "memory_monitor_refresh_ms": 500},
    )  # fmt: skip
    yield
    ray.shutdown()


def test_a_worker_that_ray_kills_for_memory_is_tried_again_and_then_said(full_machine: None, tmp_path: Path) -> None:
    search(objective=objectives.steady, space=STEADY, trials=1, out=tmp_path)
    (row,) = pd.read_parquet(tmp_path / "trials.parquet").itertuples()
    assert (row.state, row.tries) == ("FAIL", 2)
    assert row.reason.startswith(f"on {ray.util.get_node_ip_address()}: out of memory: ")
    assert row.reason.endswith("GB were used, in 3 tries")


def test_a_trial_without_memory_is_tried_again_with_the_batch_size_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autocls.search.retries.PAUSE", 0.1)
    took: list[tuple[str, int]] = []

    def greedy(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
        took.append((recipe.without(["batch_size"]).to_yaml(), recipe.batch_size))
        yield from objectives.too_large(recipe, seed, epochs)

    search(objective=greedy, space=SPACE, trials=8, out=tmp_path, address="inline")
    table = pd.read_parquet(tmp_path / "trials.parquet")
    sizes = [Recipe.from_yaml(text).batch_size for text in table["recipe"]]
    large = pd.Series(sizes) > 64
    assert 0 < large.sum() < 8
    assert set(table[large]["reason"]) == {f"on {os.uname().nodename}: out of memory, in 3 tries"}
    assert set(table[large]["state"]) == {"FAIL"}
    assert set(table[~large]["state"]) == {"COMPLETE"}
    for text, size in zip(table["recipe"], sizes, strict=True):
        recipe = Recipe.from_yaml(text)
        key = (recipe.without(["batch_size"]).to_yaml(), size)
        assert took.count(key) == (3 if size > 64 else 1)
    assert len(took) == 3 * large.sum() + (~large).sum()
