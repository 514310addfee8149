"""One search from data to run folder."""

import logging
import shutil
import tempfile
import time as clock
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from autocls.cards import card
from autocls.data import Prepared, prepare
from autocls.domains import Value
from autocls.errors import BadInput
from autocls.probe import Bench, cost
from autocls.recipe import Recipe
from autocls.report import write_report
from autocls.search import cluster, folder
from autocls.search.connection import connected
from autocls.search.driver import Budget, Driver, Snapshot, Watch
from autocls.search.environment import describe
from autocls.search.runner import Objective, imagine, train_on
from autocls.search.strategies import check_names
from autocls.search.study import Misfits, Row, Study, no_misfits
from autocls.space import Space
from autocls.training.artifact import CARD, WEIGHTS, ModelCard, save
from autocls.training.inference import evaluate
from autocls.training.metrics import metric as metric_named
from autocls.training.network import build, misfits
from autocls.training.teacher import load_teacher
from autocls.tricks.base import Trick
from autocls.tricks.distillation import Teacher

log = logging.getLogger("autocls")

DEFAULT_SECONDS = 600.0


@dataclass(frozen=True)
class SearchResult:
    """What a search came to."""

    folder: Path
    winner: int | None
    """The number of the best complete trial; None when none was completed."""
    recipe: Recipe | None
    """The winner's."""
    score: float | None
    """The winner's search score, on the validation part."""
    test_score: float | None
    """The winner's score on the sealed test part, opened once."""
    snapshot: Snapshot
    stopped: str
    report: Path


def search(
    data: str | Path | None = None,
    space: str | Path | Mapping[str, Any] | Space = "quick",
    *,
    objective: Objective | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    epochs: int | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    metric: str = "accuracy",
    address: str = "local",
    cpus_per_trial: float = 1,
    gpus_per_trial: float | None = None,
    sampler: str = "tpe",
    pruner: str = "paced",
    storage: str | None = None,
    root: str | Path | None = None,
    skip_bad: bool = False,
    watch: Watch = lambda snapshot: None,
) -> SearchResult:
    """Search ``space`` for the best way to train a classifier on ``data`` (or the best of ``objective``).

    ``seconds`` and ``trials`` end it, whichever comes first; with neither it takes ten minutes. ``epochs`` overrides
    the space's. Everything lands in ``out``, by default ``reports/<data>-<space>``. ``watch`` is called at each change.
    Raises BadInput for anything that can't be used, before the first trial.
    """
    began = clock.monotonic()
    if (data is None) == (objective is None):
        raise BadInput("search takes data or an objective, one of them")
    budget = _budget(trials, seconds)
    metric_named(metric)
    check_names(sampler, pruner)
    opened = _space(space, epochs)
    name = space if isinstance(space, str | Path) else "space"
    target = Path(out) if out is not None else Path("reports") / f"{_short(data, objective)}-{Path(name).stem}"
    folder.must_be_free(target)
    prepared = None
    if objective is not None:
        runner = imagine(objective)
    else:
        kept = Path(root) if root else None
        prepared = prepare(str(data), seed=seed, sizes=opened.sizes(), root=kept, skip_bad=skip_bad)
        for note in prepared.notes:
            log.info("%s", note)
        for teacher in _teachers(opened):
            load_teacher(teacher, prepared.classes, prepared.channels)
        runner = train_on(prepared, metric)
    scratch, misfits_here = target / "scratch", _misfits_on(prepared)
    with connected(address):
        resources, at_once = cluster.fit(cluster.Resources(cpus_per_trial, gpus_per_trial))
        about = {"space": Path(name).stem, "metric": metric, "seed": seed, **_about(prepared)}
        folder.make(target)
        study = Study.create(
            target, storage, opened, about, seed=seed, sampler=sampler, pruner=pruner, misfits=misfits_here
        )
        folder.write_beginning(target, opened, describe(prepared, seed))
        appoint = partial(_appoint, target / folder.TEACHERS, prepared, metric)
        driver = Driver(study, budget, opened.baseline(), began, watch, appoint)
        cluster.run(driver, runner, seed=seed, resources=resources, at_once=at_once, scratch=scratch)
        study.note("stopped", driver.close())
        study.note("seconds", clock.monotonic() - began)
        study.flush()
    winner = folder.write(target, study)["winner"]
    recipe = Recipe.load(target / folder.RECIPE) if winner is not None else None
    test_score = None
    if recipe is not None and prepared is not None:
        row = next(row for row in study.rows() if row.number == winner)
        test_score = _keep_winner(target, recipe, driver.weights[winner], prepared, metric, row)
        study.note("test_score", test_score)
        study.note("test_images", sum(prepared.counts["test"].values()))
    if recipe is not None:
        folder.write_cards(target, _cards(recipe))
    summary = folder.write(target, study)
    shutil.rmtree(scratch, ignore_errors=True)
    return SearchResult(
        folder=target,
        winner=winner,
        recipe=recipe,
        score=driver.snapshot.best if recipe else None,
        test_score=test_score,
        snapshot=driver.snapshot,
        stopped=summary["stopped"],
        report=write_report(target),
    )


def _cards(recipe: Recipe) -> list[dict[str, Any]]:
    """The cards of what a recipe chooses, with what each choice costs on this machine."""
    chosen = {slot: trick for slot in Recipe.model_fields if isinstance(trick := getattr(recipe, slot), Trick)}
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place))
        return [
            {**asdict(card(slot, type(trick))), "name": trick.choice, "cost": str(cost(slot, trick, bench) or "")}
            for slot, trick in chosen.items()
        ]


def _misfits_on(prepared: Prepared | None) -> Misfits:
    if prepared is None:
        return no_misfits
    import torch._dynamo  # noqa: F401  # the meta device imports it, which takes a second: now, while Ray comes up

    return partial(misfits, classes=len(prepared.classes), channels=prepared.channels)


def _teachers(space: Space) -> list[Path]:
    """The model folders that recipes of a space may learn from."""
    options = space.slots["distill"]
    assert isinstance(options, tuple), "distill is a trick's slot"
    return [Path(option.decided["folder"]) for option in options if option.trick is Teacher]


def _appoint(
    teachers: Path, prepared: Prepared | None, metric: str, number: int, recipe: Recipe, score: float, weights: Path
) -> Path:
    """The model folder of a complete trial among the teachers, where recipes of the study find it; written once."""
    assert prepared is not None, "simulated trials have no weights"
    folder = teachers.absolute() / str(number)
    if not (folder / CARD).exists():
        card = ModelCard.of(prepared.at(recipe.image_size), metric, score)
        save(folder, recipe, load_file(weights / WEIGHTS), card)
    return folder


def _keep_winner(
    target: Path, recipe: Recipe, weights_folder: Path, prepared: Prepared, metric: str, row: Row
) -> float:
    """Write the winner's model folder; opens the sealed test part, once, and returns the score there."""
    data = prepared.at(recipe.image_size)
    weights = load_file(weights_folder / WEIGHTS)
    model = build(recipe.without(["weights"]), len(data.classes), data.images.shape[1])
    model.load_state_dict(weights)
    test_score = evaluate(recipe, model, data, data.split.test, metric)
    card = ModelCard.of(data, metric, row.score, test_score, row.numerics)
    save(target / folder.MODEL, recipe, weights, card)
    return test_score


def _budget(trials: int | None, seconds: float | None) -> Budget:
    if trials is not None and trials < 1:
        raise BadInput(f"--trials: at least 1, not {trials}")
    if seconds is not None and seconds <= 0:
        raise BadInput(f"--time: more than 0 seconds, not {seconds:g}")
    return Budget(trials, DEFAULT_SECONDS if trials is None and seconds is None else seconds)


def _space(space: str | Path | Mapping[str, Any] | Space, epochs: int | None) -> Space:
    if isinstance(space, str | Path):
        space = Space.load(space)
    elif not isinstance(space, Space):
        space = Space.from_plain(space)
    return space if epochs is None else space.with_epochs(epochs)


def _short(data: str | Path | None, objective: Objective | None) -> str:
    if data is None:
        return getattr(objective, "__name__", "objective")
    if str(data).startswith("torchvision:"):
        return str(data).partition(":")[2].lower()
    path = Path(data).resolve()
    return path.name if path.is_dir() else path.stem


def _about(prepared: Prepared | None) -> dict[str, Value | list[str] | dict[str, dict[str, int]]]:
    if prepared is None:
        return {"data": "objective", "source": "objective", "classes": [], "counts": {}, "notes": []}
    return {
        "data": prepared.name,
        "source": prepared.source,
        "classes": list(prepared.classes),
        "counts": prepared.counts,
        "notes": list(prepared.notes),
    }
