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
from autocls.errors import BadInput
from autocls.probe import Bench, cost
from autocls.recipe import Recipe
from autocls.report import write_report
from autocls.search import cluster, folder, screening
from autocls.search.driver import Budget, Driver, Snapshot, Watch
from autocls.search.engine import engine
from autocls.search.environment import describe, device
from autocls.search.evidence import verdict
from autocls.search.exhibits import write_answers, write_associations, write_pictures
from autocls.search.programme import whole
from autocls.search.runner import Objective, imagine, train_on
from autocls.search.sealed import open_test
from autocls.search.setting import Plan, Setting, misfits_on
from autocls.search.strategies import check_names
from autocls.search.study import Study
from autocls.space import Space
from autocls.training.artifact import CARD, WEIGHTS, ModelCard, save
from autocls.training.footprint import Limits
from autocls.training.metrics import metric as metric_named
from autocls.training.teacher import load_teacher
from autocls.tricks.base import Trick
from autocls.tricks.distillation import Teacher
from autocls.verdict.prior import Prior
from autocls.verdict.verdict import Verdict

log = logging.getLogger("autocls")

DEFAULT_SECONDS = 600.0
FEWEST_SEEDS = 5


@dataclass(frozen=True)
class SearchResult:
    """What a search came to."""

    folder: Path
    winner: int | None
    """The number of the recommended trial, without confirmation the best complete one; None when none was completed."""
    recipe: Recipe | None
    """The winner's."""
    score: float | None
    """The winner's search score, on the validation part."""
    test_score: float | None
    """The winner's score on the sealed test part, opened once."""
    verdict: Verdict | None
    """What the study may claim; None when no trial was completed."""
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
    confirm: int = 3,
    seeds: int = 5,
    max_params: int | None = None,
    max_latency: float | None = None,
    screen: bool | None = None,
    prior: str | Path | None = None,
    storage: str | None = None,
    root: str | Path | None = None,
    skip_bad: bool = False,
    watch: Watch = lambda snapshot: None,
) -> SearchResult:
    """Search ``space`` for the best way to train a classifier on ``data`` (or the best of ``objective``).

    ``seconds`` in all, and ``trials`` of the search, end it, whichever comes first; with neither it takes ten
    minutes. ``epochs`` overrides the space's. The ``confirm`` best recipes are run again on ``seeds`` fresh seeds,
    and the winner's tricks are judged, within 40 % of the budget; with 0 there is no verdict. ``screen`` says
    whether designed runs come first; None where the budget allows. A winner has at most ``max_params`` parameters,
    and takes at most ``max_latency`` seconds for one image on a trial's device: what costs more isn't trained.
    ``prior`` is a file of ``autocls cards``, whose choices come early. ``address`` is a Ray cluster's, or
    ``inline`` for this process. Everything lands in ``out``, by default ``reports/<data>-<space>``. ``watch`` is
    called at each change. Raises BadInput for anything that can't be used, before the first trial.
    """
    began = clock.monotonic()
    if (data is None) == (objective is None):
        raise BadInput("search takes data or an objective, one of them")
    budget, plan = _budget(trials, seconds), _plan(confirm, seeds, screen)
    limits = _limits(max_params, max_latency, objective)
    metric_named(metric)
    check_names(sampler, pruner)
    opened = _space(space, epochs)
    favoured = Prior.load(Path(prior)).favoured() if prior is not None else {}
    name = space if isinstance(space, str | Path) else "space"
    target = Path(out) if out is not None else folder.default(_short(data, objective), name)
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
    scratch, misfits_here = target / "scratch", misfits_on(prepared)
    resources = cluster.Resources(cpus_per_trial, gpus_per_trial)
    with engine(address, runner, resources, scratch) as (run, at_once):
        about = {
            "space": Path(name).stem,
            "metric": metric,
            "sampler": sampler,
            "pruner": pruner,
            "limits": {limit: most for limit, most in vars(limits).items() if most is not None},
            "device": "" if prepared is None else device(cpus_per_trial),
            **_about(prepared),
        }
        folder.make(target)
        study = Study.create(
            target, storage, opened, about, seed=seed, sampler=sampler, pruner=pruner, misfits=misfits_here
        )
        if favoured:
            study.suggest(screening.with_choices(opened, screening.offered(opened, favoured)))
        folder.write_beginning(target, opened, describe(prepared, seed))
        setting = Setting(opened, plan, seed, misfits_here, at_once)
        appoint = partial(_appoint, target / folder.TEACHERS, prepared, metric)
        driver = Driver(
            study, budget, opened.baseline(), began, watch, appoint, partial(whole, setting), keep=max(1, confirm)
        )
        run(driver)
        study.note("stopped", driver.close())
        study.note("seconds", clock.monotonic() - began)
        study.flush()
    winner = folder.write(target, study)["winner"]
    rows = {row.number: row for row in study.rows()}
    recipe = Recipe.load(target / folder.RECIPE) if winner is not None else None
    test_score = None
    if recipe is not None and prepared is not None:
        winning = rows[winner]
        opened_for = [winner, *({0} & driver.weights.keys() - {winner})]
        models = {number: (rows[number], driver.weights[number]) for number in opened_for}
        answers = open_test(study, prepared, metric, models)
        test_score, images = answers[winner].score, prepared.at(recipe.image_size)
        card = ModelCard.of(images, metric, winning.score, test_score, winning.numerics)
        save(target / folder.MODEL, recipe, load_file(driver.weights[winner] / WEIGHTS), card)
        plain = answers[0].probabilities if 0 in answers else None
        write_answers(target, prepared, answers[winner].probabilities, plain)
        write_pictures(target, recipe, images)
        folder.write_cards(target, _cards(recipe))
    write_associations(target, study)
    summary = folder.write(target, study)
    shutil.rmtree(scratch, ignore_errors=True)
    return SearchResult(
        folder=target,
        winner=winner,
        recipe=recipe,
        score=rows[winner].score if winner is not None else None,
        test_score=test_score,
        verdict=verdict(study),
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


def _budget(trials: int | None, seconds: float | None) -> Budget:
    if trials is not None and trials < 1:
        raise BadInput(f"--trials: at least 1, not {trials}")
    if seconds is not None and seconds <= 0:
        raise BadInput(f"--time: more than 0 seconds, not {seconds:g}")
    return Budget(trials, DEFAULT_SECONDS if trials is None and seconds is None else seconds)


def _plan(confirm: int, seeds: int, screen: bool | None) -> Plan:
    if confirm < 0:
        raise BadInput(f"--confirm: 0 for none, or how many of the best recipes, not {confirm}")
    if seeds < FEWEST_SEEDS:
        raise BadInput(f"--seeds: at least {FEWEST_SEEDS}, with fewer nothing can be told from chance, not {seeds}")
    return Plan(confirm, seeds, screen)


def _limits(parameters: int | None, latency: float | None, objective: Objective | None) -> Limits:
    for option, limit in (("--max-params", parameters), ("--max-latency", latency)):
        if limit is not None and limit <= 0:
            raise BadInput(f"{option}: more than 0, not {limit:g}")
        if limit is not None and objective is not None:
            raise BadInput(f"{option}: a simulated trial has no network that could cost too much")
    return Limits(parameters, latency)


def _space(space: str | Path | Mapping[str, Any] | Space, epochs: int | None) -> Space:
    if isinstance(space, str | Path):
        space = Space.load(space)
    elif not isinstance(space, Space):
        space = Space.from_plain(space)
    return space if epochs is None else space.with_epochs(epochs)


def _short(data: str | Path | None, objective: Objective | None) -> str:
    return getattr(objective, "__name__", "objective") if data is None else str(data)


def _about(prepared: Prepared | None) -> dict[str, Any]:
    if prepared is None:
        return {"data": "objective", "source": "objective", "classes": [], "counts": {}, "notes": []}
    return {
        "data": prepared.name,
        "source": prepared.source,
        "classes": list(prepared.classes),
        "counts": prepared.counts,
        "notes": list(prepared.notes),
        "channels": prepared.channels,
        "fingerprint": prepared.fingerprint,
    }
