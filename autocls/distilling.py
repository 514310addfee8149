"""A small network taught by a large one, beside the same network without its teacher."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autocls.api import read_recipe
from autocls.data import ImageData, Prepared, prepare
from autocls.errors import BadInput, TrialFailed
from autocls.probe.observation import one_thread
from autocls.recipe import Recipe
from autocls.training import artifact
from autocls.training.fitting import Fitted, fit, keep
from autocls.training.footprint import Footprint, footprint
from autocls.training.inference import examine
from autocls.training.labelling import SINGLE_LABEL, check_metric
from autocls.training.loop import EpochResult
from autocls.training.teacher import load_teacher
from autocls.tricks.distillation import Best
from autocls.verdict.effects import paired
from autocls.verdict.verdict import Effect

log = logging.getLogger("autocls")


@dataclass(frozen=True)
class Side:
    """The teacher, or the student with or without it."""

    scores: tuple[float, ...]
    """The metric on the test part, in 0..1, of each seed; of the teacher, its one."""
    footprint: Footprint
    """On this machine's CPU, one thread."""

    @property
    def score(self) -> float:
        """The mean over the seeds."""
        return float(np.mean(self.scores))


@dataclass(frozen=True)
class Distillation:
    """What a teacher is worth to a student: both ways with the same seeds, epochs and images."""

    teacher: Side
    alone: Side
    distilled: Side
    metric: str
    images: int
    """Of the test part."""

    @property
    def effect(self) -> Effect:
        """Distilled less alone, paired by seed."""
        return paired(np.subtract(self.distilled.scores, self.alone.scores))


def distill(
    teacher: str | Path,
    data: str | Path,
    recipe: Recipe | Mapping[str, Any] | str | Path,
    out: str | Path,
    *,
    seeds: int = 5,
    seed: int | None = None,
    metric: str | None = None,
    root: str | Path | None = None,
    skip_bad: bool = False,
    watch: Callable[[str, int, EpochResult], None] = lambda way, seed, result: None,
) -> Distillation:
    """Train ``recipe``'s small network on ``data`` with and without the model folder ``teacher`` as its teacher.

    Each way is trained with ``seeds`` seeds and scored on the test part; the distilled network with the best
    validation score is written to the model folder ``out``. ``seed`` decides the split, which has to be that of the
    teacher's training, lest it knows the test part: unless given it is the one that the teacher's card has. How the
    student listens (temperature, weight) is the recipe's ``distill``, whoever is the teacher there. ``watch`` is called
    after each epoch with the way ("alone" or "distilled"), the seed and the result. Raises BadInput.
    """
    target, recipe = artifact.free(out), read_recipe(recipe)
    check_metric(metric)
    if seeds < 1:
        raise BadInput(f"--seeds: at least 1, not {seeds}")
    card = artifact.load(Path(teacher))[2]
    prepared = prepare(
        data,
        seed=card.seed if seed is None else seed,
        sizes=sorted({recipe.image_size, card.image_size}),
        root=Path(root) if root else None,
        skip_bad=skip_bad,
    )
    if prepared.multilabel:
        raise BadInput(f"{data}: its images have any number of labels each: nothing learns those from a teacher")
    metric = SINGLE_LABEL.metric(metric)
    first = _teachers_side(Path(teacher), prepared, metric)
    if card.fingerprint not in (None, prepared.fingerprint):
        log.warning(
            "%s was trained on other images than %s: if they share some, the test part flatters it and its students",
            teacher, data,
        )  # fmt: skip
    listening = recipe.distill or Best()
    students = {
        "alone": recipe.without(["distill"]),
        "distilled": recipe.model_copy(update={"distill": listening.taught_by(Path(teacher).absolute())}),
    }
    images = prepared.at(recipe.image_size)
    trained: dict[str, list[Fitted]] = {way: [] for way in students}
    for each in range(seeds):
        for way, student in students.items():

            def told(result: EpochResult, way: str = way, each: int = each) -> None:
                watch(way, each, result)

            try:
                trained[way].append(fit(student, images, each, metric, told))
            except TrialFailed as error:
                raise BadInput(f"the student can't be trained on {prepared.name}: {error}") from None
    keep(max(trained["distilled"], key=lambda fitted: fitted.score), prepared, metric, target)
    sides = {
        way: Side(tuple(fitted.answers(images, images.split.test, metric).score for fitted in all_seeds),
                  _costs(students[way], images))
        for way, all_seeds in trained.items()
    }  # fmt: skip
    return Distillation(first, sides["alone"], sides["distilled"], metric, len(images.split.test))


def _teachers_side(folder: Path, prepared: Prepared, metric: str) -> Side:
    """Raises BadInput for a teacher of other classes or channels."""
    model, recipe, card = load_teacher(folder, prepared.classes, prepared.channels)
    data = replace(prepared.at(card.image_size), mean=card.mean, std=card.std)
    return Side((examine(recipe, model, data, data.split.test, metric).score,), _costs(recipe, data))


def _costs(recipe: Recipe, data: ImageData) -> Footprint:
    with one_thread():
        return footprint(recipe, len(data.classes), data.images.shape[1], torch.device("cpu"))
