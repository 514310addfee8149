"""Training and using one classifier from Python."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autocls.data import prepare
from autocls.deploy import Classifier
from autocls.errors import BadInput, TrialFailed
from autocls.recipe import Recipe
from autocls.training import artifact
from autocls.training.fitting import fit, keep
from autocls.training.folds import CrossValidation, cross_validation, train_folds
from autocls.training.labelling import check_metric, labelling
from autocls.training.loop import EpochResult

log = logging.getLogger("autocls")


def train(
    recipe: Recipe | Mapping[str, Any] | str | Path,
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    metric: str | None = None,
    root: str | Path | None = None,
    skip_bad: bool = False,
    watch: Callable[[EpochResult], None] = lambda result: None,
) -> Classifier:
    """Train ``recipe`` (or the one in that YAML file) on ``data``, and write the model folder ``out``.

    The weights of the best validation epoch are kept, and scored once on the test part. The ``metric`` is accuracy
    unless said, and map where images have any number of labels. ``watch`` is called after each epoch. Raises BadInput
    for what can't be used, and when the recipe can't be trained.
    """
    target = artifact.free(out)
    recipe = read_recipe(recipe)
    check_metric(metric)
    prepared = prepare(data, seed=seed, sizes=[recipe.image_size], root=Path(root) if root else None, skip_bad=skip_bad)
    for note in prepared.notes:
        log.info("%s", note)
    metric = labelling(multilabel=prepared.multilabel).metric(metric)
    try:
        fitted = fit(recipe, prepared.at(recipe.image_size), seed, metric, watch)
    except TrialFailed as error:
        raise BadInput(f"this recipe can't be trained on {prepared.name}: {error}") from None
    keep(fitted, prepared, metric, target)
    return Classifier.load(target)


def cross_validate(
    recipe: Recipe | Mapping[str, Any] | str | Path,
    data: str | Path,
    folds: int = 5,
    *,
    seed: int = 0,
    metric: str | None = None,
    root: str | Path | None = None,
    skip_bad: bool = False,
    watch: Callable[[EpochResult], None] = lambda result: None,
) -> CrossValidation:
    """Score ``recipe`` on each of so many stratified folds of ``data``, all but its test part, trained on the others.

    It takes ``folds`` times as long as ``train`` and keeps no model; what it says is less due to chance, which counts
    below some 2,000 images. ``watch`` is called after each epoch, with the mean over the folds. Raises BadInput.
    """
    recipe = read_recipe(recipe)
    check_metric(metric)
    prepared = prepare(data, seed=seed, sizes=[recipe.image_size], root=Path(root) if root else None, skip_bad=skip_bad)
    metric = labelling(multilabel=prepared.multilabel).metric(metric)
    seen: list[EpochResult] = []
    try:
        for result in train_folds(recipe, prepared.folds(recipe.image_size, folds, seed), seed, metric=metric):
            seen.append(result)
            watch(result)
    except TrialFailed as error:
        raise BadInput(f"this recipe can't be trained on {prepared.name}: {error}") from None
    return cross_validation(seen, metric)


def read_recipe(given: Recipe | Mapping[str, Any] | str | Path) -> Recipe:
    """The recipe itself, as a mapping or in a file. Raises BadInput."""
    if isinstance(given, Recipe):
        return given
    return Recipe.from_plain(given) if isinstance(given, Mapping) else Recipe.load(Path(given))


def load(folder: str | Path) -> Classifier:
    """The classifier in a model folder. Raises BadInput."""
    return Classifier.load(folder)
