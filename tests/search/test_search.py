"""Whole searches on real Ray workers, of simulated trials and of real ones."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import ray

import autocls
from autocls.data import prepare
from autocls.errors import BadInput
from autocls.search.fitting import NO_TEACHER
from autocls.search.more import more, reopen_test
from autocls.search.sealed import open_test
from autocls.search.snapshot import Snapshot
from autocls.search.study import Study
from tests.search import objectives

search = partial(autocls.search, confirm=0)
"""The search alone; test_programme.py has the verdict's runs."""
SPACE = {"norm": ["none", "batch"], "optimizer": {"sgd": {"lr": {"log": [0.001, 1]}, "momentum": 0.9}}, "epochs": 4}


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Any:
    """One cluster for the module: starting it costs seconds."""
    root = str(Path(__file__).parents[2])
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}},
    )  # fmt: skip
    yield
    ray.shutdown()


def trials(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "trials.parquet").set_index("number")


def test_all_workers_stay_and_take_part_in_the_verdict(tmp_path: Path) -> None:
    space = {"norm": ["none", "batch"], "flip": ["none", "horizontal"], "activation": ["default", "elu"], "epochs": 2}
    autocls.search(objective=objectives.uneven, space=space, trials=40, out=tmp_path)
    ran = trials(tmp_path).groupby("phase")["worker"].value_counts().unstack()
    assert ran.shape[1] == 2, "no worker is closed while it waits for another, and none takes its place"
    assert (ran.loc["attribute"] > 1).all()


def test_a_simulated_search_finds_the_planted_best(tmp_path: Path) -> None:
    shots: list[Snapshot] = []
    result = search(objective=objectives.quadratic, space=SPACE, trials=25, out=tmp_path, watch=shots.append)
    assert result.recipe is not None
    assert result.recipe.norm is not None
    assert 0.02 < result.recipe.optimizer.lr < 0.5
    table = trials(tmp_path)
    assert len(table) == 25
    assert set(table["state"]) == {"COMPLETE", "PRUNED"}
    assert (table.query("state == 'COMPLETE'")["epochs"] == 4).all()
    assert (table.query("state == 'PRUNED'")["epochs"] < 4).all()
    assert table["curve"].map(len).tolist() == table["epochs"].tolist()
    assert result.score == table.query("state == 'COMPLETE'")["score"].max()
    assert (shots[-1].complete, shots[-1].pruned) == (
        (table["state"] == "COMPLETE").sum(),
        (table["state"] == "PRUNED").sum(),
    )
    assert result.stopped == "all trials are done"


def test_the_same_seed_on_one_worker_gives_the_same_trials_and_scores(tmp_path: Path) -> None:
    tables = []
    for run in ("a", "b"):
        search(objective=objectives.quadratic, space=SPACE, trials=15, out=tmp_path / run, cpus_per_trial=2, seed=3)
        tables.append(trials(tmp_path / run)[["state", "score", "epochs", "recipe"]])
    pd.testing.assert_frame_equal(*tables)


def test_failed_trials_keep_their_reason_and_the_search_goes_on(tmp_path: Path) -> None:
    space = {**SPACE, "norm": ["none", "batch", "group"]}
    search(objective=objectives.broken, space=space, trials=15, out=tmp_path, pruner="none", sampler="random")
    table = trials(tmp_path)
    assert set(table.query("state == 'FAIL'")["reason"]) == {"RuntimeError: no such thing", "the score is nan"}
    assert (table.query("state == 'COMPLETE'")["epochs"] == 4).all()
    assert len(table) == 15


def test_a_dead_worker_fails_its_trial_alone(tmp_path: Path) -> None:
    space = {**SPACE, "suggestions": [{"norm": "batch"}], "norm": ["none", "batch"], "optimizer": "sgd"}
    result = search(objective=objectives.deadly, space=space, trials=3, out=tmp_path, pruner="none", sampler="random")
    table = trials(tmp_path)
    assert table.loc[1, "state"] == "FAIL"
    assert "its worker died" in str(table.loc[1, "reason"])
    assert result.recipe is not None
    assert result.recipe.norm is None


@pytest.mark.alone
def test_time_is_honoured_to_within_an_epoch(tmp_path: Path) -> None:
    began = time.monotonic()
    result = search(objective=objectives.endless, space={**SPACE, "epochs": 1000}, seconds=15, out=tmp_path)
    assert 15 <= result.snapshot.seconds < 15 + 3
    assert time.monotonic() - began < 30
    assert result.snapshot.epochs > 0
    table = trials(tmp_path)
    assert result.stopped == "time is up"
    assert (table["state"] == "PRUNED").all()
    assert result.recipe is None
    assert "No winner yet" in (tmp_path / "report.html").read_text()


def test_digits_end_to_end(tmp_path: Path) -> None:
    space = {
        "architecture": "lenet", "norm": ["none", "batch"], "label_smoothing": [0, 0.1], "epochs": 4,
        "suggestions": [{"norm": "batch"}],
    }  # fmt: skip
    result = search("digits", space, trials=4, out=tmp_path, pruner="none")
    assert result.score is not None
    assert result.score > 0.9
    assert result.test_score is not None
    assert result.test_score > 0.9
    assert {p.name for p in tmp_path.iterdir()} == {
        "journal.log", "space.yaml", "environment.json", "trials.parquet", "summary.json", "cards.json",
        "best_recipe.yaml", "verdict.json", "model", "report.html",
        "test.parquet", "pictures.npz", "associations.json", "request.json", "writer.lock",
    }  # fmt: skip
    classifier = autocls.load(tmp_path / "model")
    assert classifier.recipe == result.recipe == autocls.Recipe.load(tmp_path / "best_recipe.yaml")
    again = autocls.train(result.recipe, "digits", tmp_path / "again", seed=0)
    assert abs(again.card.validation_score - result.score) <= 0.005
    assert again.card.test_score == pytest.approx(result.test_score, abs=0.01)


def test_digits_are_judged_on_fresh_seeds_and_a_test_part_that_is_opened_once(tmp_path: Path) -> None:
    space = {"norm": ["none", "batch"], "optimizer": {"sgd": {"lr": {"log": [0.01, 0.3]}}}, "epochs": 1}
    result = autocls.search("digits", space, trials=20, out=tmp_path, screen=False)
    assert result.verdict is not None
    assert result.verdict.gain.n == 5
    assert result.verdict.test is not None
    assert result.verdict.test.winner == result.test_score
    assert result.verdict.test.baseline is not None
    table = trials(tmp_path)
    fresh = table[table["phase"] == "attribute"]
    assert fresh["seed"].nunique() == 5
    assert fresh.groupby("role")["score"].nunique().max() > 1
    assert json.loads((tmp_path / "verdict.json").read_text())["test"]["times"] == 1

    after = more(tmp_path, 20)
    assert (trials(tmp_path)["phase"] == "attribute").sum() > len(fresh)
    assert after.test == result.verdict.test

    study = Study.reopen(tmp_path, None, autocls.Space.load(tmp_path / "space.yaml"))
    with pytest.raises(BadInput, match="--reopen-test"):
        open_test(study, prepare("digits", seed=0), "accuracy", {})
    study.close()
    opened = reopen_test(tmp_path).test
    assert opened is not None
    assert opened.times == 2
    assert opened.winner == pytest.approx(result.test_score)
    assert "opened 2 times" in (tmp_path / "report.html").read_text()


def test_a_trial_learns_from_the_best_one_so_far_and_its_recipe_says_from_which(tmp_path: Path) -> None:
    space = {
        "architecture": {"lenet": {"width": [0.5, 1]}},
        "distill": ["none", {"best": {"temperature": 2.0, "weight": 0.7}}],
        "epochs": 2,
        "suggestions": [{"distill": {"best": {"temperature": 2.0, "weight": 0.7}}}],
    }
    result = search("digits", space, trials=4, out=tmp_path, pruner="none")
    table = trials(tmp_path)
    assert (table["state"] == "COMPLETE").all(), list(table["reason"])
    recipes = {number: autocls.Recipe.from_yaml(text) for number, text in table["recipe"].items()}
    taught = {number: recipe for number, recipe in recipes.items() if recipe.distill is not None}
    assert taught, "the suggestion waits for a teacher, for without one it would be the baseline again"
    for number, recipe in taught.items():
        teacher = Path(recipe.distill.folder)
        assert teacher.parent == tmp_path / "teachers"
        assert int(teacher.name) != number
        assert (recipe.distill.temperature, recipe.distill.weight) == (2.0, 0.7)
        assert autocls.load(teacher).recipe == recipes[int(teacher.name)]
        assert autocls.load(teacher).card.validation_score == table.loc[int(teacher.name), "score"]
    assert not (tmp_path / "scratch").exists()
    number, recipe = next(iter(taught.items()))
    (tmp_path / "taught.yaml").write_text(recipe.to_yaml())
    again = autocls.train(tmp_path / "taught.yaml", "digits", tmp_path / "again")
    assert again.recipe == recipe
    assert again.card.validation_score == pytest.approx(table.loc[number, "score"], abs=0.005)
    assert autocls.Recipe.load(tmp_path / "best_recipe.yaml") == result.recipe


def test_a_space_that_only_a_teacher_widens_is_not_exhausted_before_there_is_one(tmp_path: Path) -> None:
    space = {"distill": ["none", {"best": {"temperature": 1, "weight": 0.5}}], "epochs": 1}
    search("digits", space, trials=2, out=tmp_path, pruner="none")
    assert [("best" in r or "teacher" in r) for r in trials(tmp_path)["recipe"]] == [False, True]


def test_where_no_trial_has_weights_the_table_says_why_none_is_a_teacher(tmp_path: Path) -> None:
    space = {**SPACE, "distill": "best"}
    search(objective=objectives.quadratic, space=space, trials=3, out=tmp_path)
    table = trials(tmp_path)
    assert {tuple(reasons) for reasons in table["left_out"]} == {(NO_TEACHER,)}
    assert not any("best" in recipe for recipe in table["recipe"])


def test_a_teacher_that_can_t_be_asked_is_refused_before_the_search(tmp_path: Path) -> None:
    space = {"distill": ["none", {"teacher": {"folder": str(tmp_path / "nowhere")}}]}
    with pytest.raises(BadInput, match="nowhere: not a model folder"):
        search("digits", space, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_trick_without_a_place_is_left_out_and_the_table_says_why(tmp_path: Path) -> None:
    space = {
        "architecture": {"shufflenet_v2": {"width": 0.5}},
        "image_size": 8,
        "norm": ["none", "batch"],
        "batch_size": 128,
        "label_smoothing": {"uniform": [0, 0.1]},
        "epochs": 1,
        "suggestions": [{"norm": "batch", "label_smoothing": 0.1}],
    }
    search("digits", space, trials=3, out=tmp_path, sampler="random", max_concurrent=1)
    table = trials(tmp_path)
    assert (table["state"] != "FAIL").all()
    (reason,) = table.loc[1, "left_out"]
    assert reason.startswith("batch: not applicable: ShuffleNetV2")
    assert autocls.Recipe.from_yaml(str(table.loc[1, "recipe"])).norm is None


@pytest.mark.parametrize(
    "given, message",
    [
        ({"gpus_per_trial": 1}, "--gpus-per-trial 1: no node has that many; nodes: 1 × 2 CPU, 0 GPU"),
        ({"cpus_per_trial": 99}, "--cpus-per-trial 99: no node has that many; nodes: 1 × 2 CPU, 0 GPU"),
        ({"trials": 0}, "--trials: at least 1"),
        ({"metric": "acc"}, "no such metric 'acc'"),
        ({"space": "quik"}, "did you mean 'quick'"),
        ({"space": {"norm": "bach"}}, "norm: no such choice 'bach'; did you mean 'batch'"),
        ({"data": "nowhere"}, "nowhere"),
    ],
)
def test_bad_input_is_one_clear_message_before_any_trial(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        search(**{"data": "digits", "out": tmp_path / "run", **given})
    assert not (tmp_path / "run").exists(), "nothing is left behind"


def test_a_folder_with_another_study_is_refused(tmp_path: Path) -> None:
    search(objective=objectives.quadratic, space=SPACE, trials=1, out=tmp_path)
    with pytest.raises(BadInput, match="holds another study"):
        search(objective=objectives.quadratic, space=SPACE, trials=1, out=tmp_path)


def test_a_folder_with_the_teachers_of_another_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / "teachers").mkdir()
    with pytest.raises(BadInput, match="holds another study"):
        search(objective=objectives.quadratic, space=SPACE, trials=1, out=tmp_path)


def test_ctrl_c_ends_cleanly_with_a_report_of_what_was_done(tmp_path: Path) -> None:
    code = (
        "import autocls; from tests.search.objectives import endless\n"
        "autocls.search(objective=endless, space={'norm': ['none', 'batch'], 'epochs': 3}, seconds=300,"
        f" out={str(tmp_path)!r}, watch=lambda s: print(s.complete, flush=True))"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 1:
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert b"Traceback" not in err
    assert process.returncode == 0
    table = trials(tmp_path)
    assert (table["state"] == "COMPLETE").sum() >= 1
    assert (tmp_path / "report.html").exists()
    assert '"stopped": "interrupted"' in (tmp_path / "summary.json").read_text()
