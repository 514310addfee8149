"""Several searches that share one study, in a real PostgreSQL and in a journal that all of them write."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import psycopg
import pytest
import sqlalchemy
import torch
from optuna.trial import TrialState

import autocls
from autocls.errors import BadInput
from autocls.search.store import shared
from tests import postgres
from tests.search import objectives

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        postgres.binaries() is None and "CI" not in os.environ, reason="needs Debian's postgresql; CI installs it"
    ),
]

SPACE = {
    "norm": ["none", "batch"],
    "flip": ["none", "horizontal"],
    "optimizer": {"sgd": {"lr": {"log": [0.001, 1]}, "momentum": 0.9}},
    "epochs": 4,
    "suggestions": [{"norm": "batch"}],
}
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.served() as made:
        yield made


@pytest.fixture(params=["postgresql", "journal"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "journal":
        return str(tmp_path / "shared" / "study.log")
    url: str = request.getfixturevalue("server").url
    return url


def search(folder: Path, storage: str, **given: Any) -> "autocls.search.SearchResult":
    torch.set_num_threads(1)
    given = {"trials": 30, "pruner": "none", "confirm": 0, "seed": 3, **given}
    return autocls.search(
        objective=objectives.brief, space=SPACE, out=folder, storage=storage, address="inline", **given
    )


def resume(folder: Path) -> None:
    autocls.resume(folder, objective=objectives.brief, address="inline")


def begun(what: Callable[..., Any], *given: Any, **options: Any) -> Any:
    """Another driver: a process of its own."""
    process = SPAWN.Process(target=what, args=given, kwargs=options)
    process.start()
    return process


def study(folder: Path, storage: str) -> optuna.Study:
    return optuna.load_study(storage=shared(storage), study_name=folder.name)


def ran(folder: Path, storage: str) -> pd.DataFrame:
    """The trials that were run, whoever did."""
    trials = study(folder, storage).get_trials()
    rows = [{"number": t.number, "state": t.state, **t.user_attrs} for t in trials]
    return pd.DataFrame([row for row in rows if "duplicate_of" not in row])


def drivers_of(folder: Path, storage: str) -> set[str]:
    """Those that have begun trials."""
    trials = study(folder, storage).get_trials()
    return {trial.user_attrs["driver"] for trial in trials if "driver" in trial.user_attrs}


def wait_for(folder: Path, storage: str, trials: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            if len(study(folder, storage).get_trials()) >= trials:
                return
        except (KeyError, BadInput):
            pass
        time.sleep(0.1)
    pytest.fail("the search does not begin")


def test_two_drivers_share_a_study_and_no_recipe_is_run_twice(storage: str, tmp_path: Path) -> None:
    name = f"run-{tmp_path.name}"
    first, second = tmp_path / "a" / name, tmp_path / "b" / name
    drivers = [begun(search, folder, storage) for folder in (first, second)]
    for driver in drivers:
        driver.join()
    assert [driver.exitcode for driver in drivers] == [0, 0]
    table = ran(first, storage)
    assert 30 <= len(table) <= 31, "together they run what one of them was asked for"
    assert table["driver"].nunique() == 2
    assert table["recipe"].is_unique
    assert set(table["state"]) == {TrialState.COMPLETE}
    assert (table["recipe"] == autocls.Space.from_plain(SPACE).baseline().to_yaml()).sum() == 1
    assert len(pd.read_parquet(first / "trials.parquet")) >= 30


def test_who_joins_searches_and_who_began_judges(storage: str, tmp_path: Path) -> None:
    name = f"run-{tmp_path.name}"
    first, second = tmp_path / "a" / name, tmp_path / "b" / name
    judge = begun(search, first, storage, trials=20, confirm=2)
    wait_for(first, storage, 3)
    joined = search(second, storage, trials=400, confirm=2)
    assert joined.stopped == "the search that it joined has ended"
    assert joined.test_score is None
    judge.join()
    assert judge.exitcode == 0
    table = ran(first, storage)
    by = table.groupby("driver")["phase"].agg(lambda phases: set(phases.dropna()))
    judged_by = study(first, storage).user_attrs["host"]
    assert by[judged_by] & {"confirm", "attribute"}
    assert set().union(*by.drop(judged_by)) <= {"search"}
    assert json.loads((first / "summary.json").read_text())["winner"] is not None


def test_a_driver_that_is_killed_and_resumed_ends_its_own_trials_only(storage: str, tmp_path: Path) -> None:
    name = f"run-{tmp_path.name}"
    first, second = tmp_path / "a" / name, tmp_path / "b" / name
    lives = begun(search, first, storage, trials=120)
    wait_for(first, storage, 2)
    dies = begun(search, second, storage, trials=120)
    until = time.monotonic() + 120
    while len(drivers_of(first, storage)) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(dies.pid, signal.SIGKILL)
    dies.join()
    again = begun(resume, second)
    for driver in (lives, again):
        driver.join()
        assert driver.exitcode == 0
    table = ran(first, storage)
    assert set(table["state"]) == {TrialState.COMPLETE}
    assert table["recipe"].is_unique
    assert 120 <= len(table) <= 121


def test_a_connection_that_breaks_within_a_read_costs_nothing(server: postgres.Server, tmp_path: Path) -> None:
    folder = tmp_path / f"run-{tmp_path.name}"
    search(folder, server.url, trials=2)
    store: Any = shared(server.url)  # Optuna's cache, which is typed as any store
    broken = []

    def cut(connection: Any, _: Any, statement: str, *__: Any) -> None:
        if "FROM trials" in statement and not broken:
            broken.append(connection.connection.dbapi_connection.info.backend_pid)
            with psycopg.connect(server.url) as other:
                other.execute("SELECT pg_terminate_backend(%s)", broken)

    sqlalchemy.event.listen(store._backend.engine, "after_cursor_execute", cut)
    read = optuna.load_study(storage=store, study_name=folder.name).get_trials()
    assert broken
    assert [trial.number for trial in read] == [0, 1]


def test_a_database_that_is_restarted_costs_nothing(server: postgres.Server, tmp_path: Path) -> None:
    folder = tmp_path / f"run-{tmp_path.name}"
    driver = begun(search, folder, server.url, trials=120)
    wait_for(folder, server.url, 10)
    server.ctl("-m", "fast", "stop")
    time.sleep(3)
    server.start()
    driver.join()
    assert driver.exitcode == 0
    assert set(ran(folder, server.url)["state"]) == {TrialState.COMPLETE}


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"seed": 4}, "another seed, 3 and not 4"),
        ({"pruner": "asha"}, "another pruner, none and not asha"),
        ({"epochs": 2}, "another space;"),
    ],
)
def test_a_search_of_something_else_can_t_join(
    other: dict[str, Any], named: str, server: postgres.Server, tmp_path: Path
) -> None:
    name = f"run-{tmp_path.name}"
    search(tmp_path / "a" / name, server.url, trials=2)
    with pytest.raises(BadInput, match=named):
        search(tmp_path / "b" / name, server.url, trials=2, **other)


def test_two_commands_share_a_study_of_real_trainings(server: postgres.Server, tmp_path: Path) -> None:
    words = ["search", "digits", "--trials", "4", "--epochs", "1", "--confirm", "0", "--no-progress"]
    words += ["--address", "inline", "--storage", server.url]
    drivers = []
    for place in ("a", "b"):
        command = [sys.executable, "-m", "autocls", *words, "--out", str(tmp_path / place / f"digits-{tmp_path.name}")]
        drivers.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    said = [driver.communicate() for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], said
    models = [(tmp_path / place / f"digits-{tmp_path.name}" / "model").is_dir() for place in ("a", "b")]
    assert sorted(models) == [False, True], "who began it has the winner's model"
    assert sum("joined" in errors for _, errors in said) == 1


def test_a_database_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"--storage postgresql\+psycopg://me:\*\*\*@127\.0\.0\.1:1/x: can't be opened"):
        search(tmp_path / "x", "postgresql://me:secret@127.0.0.1:1/x")
    with pytest.raises(BadInput, match="--storage nonsense://: can't be opened: Can't load plugin"):
        search(tmp_path / "x", "nonsense://")
    with pytest.raises(BadInput, match="--storage ://: no database's URL"):
        search(tmp_path / "x", "://")
