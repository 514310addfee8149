"""More of a finished study: runs for its undetermined tricks, and a second look at the sealed test part."""

import shutil
import time as clock
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from autocls.data import Prepared, prepare
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.report import write_report
from autocls.search import attributing, folder
from autocls.search.driver import Driver
from autocls.search.engine import engine
from autocls.search.evidence import chosen_trial, verdict
from autocls.search.exhibits import write_answers, write_pictures
from autocls.search.placement import Resources
from autocls.search.record import Record
from autocls.search.runner import Objective, imagine, train_on
from autocls.search.sealed import open_test
from autocls.search.setting import Plan, Setting, misfits_on
from autocls.search.snapshot import Budget, Watch
from autocls.search.study import Study
from autocls.space import Space
from autocls.training.artifact import CARD, load
from autocls.verdict.verdict import Verdict


def more(
    target: Path,
    seconds: float,
    *,
    objective: Objective | None = None,
    address: str = "local",
    cpus_per_trial: float = 1,
    gpus_per_trial: float | None = None,
    root: Path | None = None,
    watch: Watch = lambda snapshot: None,
) -> Verdict:
    """Spend so many seconds more on the tricks that a study has not decided, the nearest to a decision first.

    A simulated study wants its ``objective`` again. Raises BadInput when the folder's study can't go on.
    """
    if seconds <= 0:
        raise BadInput(f"--more: more than 0 seconds, not {seconds:g}")
    began = clock.monotonic()
    about = Record.open(target).about()
    if not about.get("claims"):
        raise BadInput(f"{target}: its study has judged no tricks, so there is nothing to spend more on")
    if objective is not None:
        prepared, runner = None, imagine(objective)
    else:
        prepared = _prepared(target, about, root)
        runner = train_on(prepared, about["metric"])
    space, misfits_here = Space.load(target / "space.yaml"), misfits_on(prepared)
    with engine(address, runner, Resources(cpus_per_trial, gpus_per_trial), target / "scratch") as (
        run,
        at_once,
    ):
        study = Study.reopen(target, None, space, misfits_here)
        setting = Setting(space, Plan(seeds=about["looks"][0]), about["seed"], misfits_here, at_once)
        course = partial(attributing.more, setting)
        driver = Driver(study, Budget(seconds=seconds), space.baseline(), began, watch, _no_teacher, course)
        run(driver)
        driver.close()
        study.note("seconds", about.get("seconds", 0.0) + clock.monotonic() - began)
        study.flush()
    shutil.rmtree(target / "scratch", ignore_errors=True)
    return _finish(target, study)


def reopen_test(target: Path, root: Path | None = None) -> Verdict:
    """Open the sealed test part of a finished study again, for its winner's model. Raises BadInput."""
    about = Record.open(target).about()
    prepared = _prepared(target, about, root)
    space = Space.load(target / "space.yaml")
    study = Study.reopen(target, None, space)
    winner = chosen_trial(study)
    row = next((row for row in study.rows() if row.number == winner), None)
    if row is None or not (target / folder.MODEL / CARD).is_file():
        raise BadInput(f"{target}: its study has no winner's model that the test part could be opened for")
    answers = open_test(study, prepared, about["metric"], {row.number: (row, target / folder.MODEL)}, again=True)
    study.flush()
    _, _, card = load(target / folder.MODEL)
    write_answers(target, prepared, card, answers[row.number].probabilities, None)
    recipe = Recipe.from_yaml(row.recipe)
    write_pictures(target, recipe, prepared.at(recipe.image_size))
    return _finish(target, study)


def _finish(target: Path, study: Study) -> Verdict:
    folder.write(target, study)
    write_report(target)
    found = verdict(study)
    study.close()
    assert found is not None, "it has a winner"
    return found


def _prepared(target: Path, about: Mapping[str, Any], root: Path | None) -> Prepared:
    """The data of a study, as they were. Raises BadInput when they are not."""
    if about["source"] == "objective":
        raise BadInput(f"{target}: its trials were simulated: go on from Python, with autocls.search.more")
    prepared = prepare(about["source"], seed=about["seed"], root=root, skip_bad=True)
    if prepared.fingerprint != about["fingerprint"]:
        raise BadInput(
            f"{about['source']}: the images have changed since the search: its verdict can't go on with them"
        )
    return prepared


def _no_teacher(number: int, recipe: Recipe, score: float, weights: Path) -> Path:
    raise AssertionError("only a search appoints teachers")
