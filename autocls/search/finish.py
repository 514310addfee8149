"""The end of a search: its winner's model, the sealed test part, and the run folder's files."""

import logging
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from autocls.cards import card
from autocls.data import Prepared
from autocls.files import patiently, resumable
from autocls.probe import Bench, cost
from autocls.recipe import Recipe
from autocls.report import write_report
from autocls.search import folder
from autocls.search.driver import Driver
from autocls.search.evidence import verdict
from autocls.search.exhibits import write_answers, write_associations, write_pictures
from autocls.search.record import INTERRUPTED, Row
from autocls.search.sealed import open_test, trained
from autocls.search.snapshot import Snapshot
from autocls.search.study import Study
from autocls.training.artifact import CARD, WEIGHTS, ModelCard, save, save_weights
from autocls.training.inference import examine
from autocls.training.loop import train
from autocls.tricks.base import Trick
from autocls.verdict.verdict import Verdict

log = logging.getLogger("autocls")

SCRATCH = "scratch"
"""What a search needs of its folder only while it goes on, or may."""
_AGAIN = "the weights of trial %d are gone; it is trained again"
_AGAIN_AFTER_FOLDS = "folds keep no weights; trial %d is trained on the ordinary split"
FINISHED = "finished"
"""The study's note that all of its folder was written, and nothing is left to resume."""


@dataclass(frozen=True)
class SearchResult:
    """What a search came to."""

    folder: Path
    winner: int | None
    """The number of the recommended trial, without confirmation the best complete one; None when none was completed."""
    recipe: Recipe | None
    """The winner's."""
    metric: str
    """What all scores are, in 0..1."""
    score: float | None
    """The winner's search score, on the validation part."""
    test_score: float | None
    """The winner's score on the sealed test part, opened once; None for simulated trials, and for a driver that has
    joined another one's study."""
    verdict: Verdict | None
    """What the study may claim; None when no trial was completed."""
    snapshot: Snapshot
    stopped: str
    report: Path


def finish(target: Path, study: Study, prepared: Prepared | None, driver: Driver) -> SearchResult:
    """Write all that a run folder holds, with the winner's model, and open the sealed test part for it.

    A search that was interrupted keeps what it takes to resume it, and the test part sealed; so does one whose files
    can't be written, which is tried for a while, and raises BadInput. One that has joined another one's study leaves
    model and test part to that.
    """
    with resumable(target):
        result = _finish(target, study, prepared, driver)
    if result.stopped != INTERRUPTED:
        study.note(FINISHED, True)
    study.flush()
    if result.stopped != INTERRUPTED:
        shutil.rmtree(target / SCRATCH, ignore_errors=True)
    return result


def _finish(target: Path, study: Study, prepared: Prepared | None, driver: Driver) -> SearchResult:
    winner = patiently(partial(folder.write, target, study))["winner"]
    rows = {row.number: row for row in study.rows()}
    interrupted = study.about().get("stopped") == INTERRUPTED
    leaves_model = study.joined or (interrupted and winner not in driver.weights)
    test_score = None
    if winner is not None and prepared is not None and not leaves_model:
        folded = study.about().get("folds", 0)
        for number in dict.fromkeys([winner, 0] if folded and not interrupted else [winner]):
            if number not in driver.weights:
                log.info(_AGAIN_AFTER_FOLDS if folded else _AGAIN, number)
                again = partial(_train_again, rows[number], prepared, study.about()["metric"], target / SCRATCH)
                driver.weights[number] = patiently(again)
        weights = driver.weights[winner]
        card = patiently(partial(_card, prepared, study.about()["metric"], rows[winner], weights))
        if not interrupted:
            test_score = _unseal(target, study, prepared, rows, winner, driver.weights, card)
        patiently(partial(_write_model, target, rows[winner], weights, replace(card, test_score=test_score)))
    patiently(partial(write_associations, target, study))
    summary = patiently(partial(folder.write, target, study))
    return SearchResult(
        folder=target,
        winner=winner,
        recipe=Recipe.from_yaml(rows[winner].recipe) if winner is not None else None,
        metric=study.about()["metric"],
        score=rows[winner].score if winner is not None else None,
        test_score=test_score,
        verdict=verdict(study),
        snapshot=driver.snapshot,
        stopped=summary["stopped"],
        report=patiently(partial(write_report, target)),
    )


def _unseal(
    target: Path,
    study: Study,
    prepared: Prepared,
    rows: Mapping[int, Row],
    winner: int,
    weights: Mapping[int, Path],
    card: ModelCard,
) -> float:
    """Open the sealed test part for the winner and, where its weights are there, the baseline; the winner's score."""
    opened_for = [winner, *({0} & weights.keys() - {winner})]
    models = {number: (rows[number], weights[number]) for number in opened_for}
    again = bool(study.about().get("openings"))  # by a process that was killed before it could end the search
    answers = patiently(partial(open_test, study, prepared, study.about()["metric"], models, again=again))
    plain = answers[0].probabilities if 0 in answers else None
    patiently(partial(write_answers, target, prepared, card, answers[winner].probabilities, plain))
    recipe = Recipe.from_yaml(rows[winner].recipe)
    patiently(lambda: write_pictures(target, recipe, prepared.at(recipe.image_size)))
    return answers[winner].score


def _card(prepared: Prepared, metric: str, row: Row, weights: Path) -> ModelCard:
    """The card of the winner's model, as the validation part has it."""
    recipe = Recipe.from_yaml(row.recipe)
    images = prepared.at(recipe.image_size, row.seed)
    val = images.split.val
    said = examine(recipe, trained(recipe, weights, prepared), images, val, metric).probabilities
    card = ModelCard.of(images, metric, row.score, numerics=row.numerics).fitted(said, images.labels[val])
    return replace(card, fingerprint=prepared.fingerprint, seed=prepared.seed)


def _write_model(target: Path, row: Row, weights: Path, card: ModelCard) -> None:
    """Write the winner's model folder, and the cards of its choices."""
    recipe = Recipe.from_yaml(row.recipe)
    save(target / folder.MODEL, recipe, load_file(weights / WEIGHTS), card)
    folder.write_cards(target, _cards(recipe))


def _train_again(row: Row, prepared: Prepared, metric: str, scratch: Path) -> Path:
    """The weights of a trial whose own are nowhere: those of the same recipe and seed, trained here."""
    recipe, folder = Recipe.from_yaml(row.recipe), scratch / "weights" / str(row.number)
    best = -1.0
    folder.mkdir(parents=True, exist_ok=True)
    for result in train(recipe, prepared.at(recipe.image_size, row.seed), row.seed, metric=metric):
        if result.score > best and result.weights is not None:
            best = result.score
            save_weights(result.weights(), folder)
    return folder


def _cards(recipe: Recipe) -> list[dict[str, Any]]:
    """The cards of what a recipe chooses, with what each choice costs on this machine."""
    chosen = {slot: trick for slot in Recipe.model_fields if isinstance(trick := getattr(recipe, slot), Trick)}
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place))
        return [
            {**asdict(card(slot, type(trick))), "name": trick.choice, "cost": str(cost(slot, trick, bench) or "")}
            for slot, trick in chosen.items()
        ]


def appoint(
    teachers: Path, prepared: Prepared | None, metric: str, number: int, recipe: Recipe, score: float, weights: Path
) -> Path:
    """The model folder of a complete trial among the teachers, where recipes of the study find it; written once."""
    assert prepared is not None, "simulated trials have no weights"
    folder = teachers.absolute() / str(number)
    if not (folder / CARD).exists():
        card = ModelCard.of(prepared.at(recipe.image_size), metric, score)
        save(folder, recipe, load_file(weights / WEIGHTS), card)
    return folder
