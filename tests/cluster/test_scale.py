"""That a search keeps many GPUs busy: docs/scale.md says how many."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

import autocls
from benchmarks.busy import share, window
from benchmarks.nodes import nodes
from benchmarks.simulated import asleep

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NODES, GPUS = 2, 4


@pytest.fixture(scope="module")
def eight_gpus() -> Iterator[None]:
    with nodes(NODES, GPUS):
        yield


def searched(folder: Path, seconds: float, trials: int) -> pd.DataFrame:
    autocls.search(
        objective=partial(asleep, seconds), space="quick", epochs=5, trials=trials, confirm=0, gpus_per_trial=1,
        out=folder,
    )  # fmt: skip
    return pd.read_parquet(folder / "trials.parquet")


def test_gpus_are_busy_once_all_workers_are_there(eight_gpus: None, tmp_path: Path) -> None:
    table = searched(tmp_path, 0.7, trials=60)
    assert set(table["state"]) <= {"COMPLETE", "PRUNED"}
    assert share(table, NODES * GPUS, window(table, NODES * GPUS)) > 0.8


def test_all_workers_come_up_though_trials_are_shorter_than_their_start(eight_gpus: None, tmp_path: Path) -> None:
    table = searched(tmp_path, 0.05, trials=120)
    assert table.loc[table["worker"] != "", "worker"].nunique() == NODES * GPUS
