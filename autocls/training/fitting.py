"""One training from its first epoch to a model folder."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from autocls.data import ImageData, Prepared
from autocls.errors import TrialFailed
from autocls.recipe import Recipe
from autocls.training import artifact
from autocls.training.inference import Answers, examine
from autocls.training.loop import EpochResult, train
from autocls.training.network import Weights, build


@dataclass(frozen=True)
class Fitted:
    """A recipe with the weights of its best validation epoch."""

    recipe: Recipe
    score: float
    """The metric on the validation part, in 0..1."""
    weights: Weights
    numerics: str | None

    def network(self, data: ImageData) -> nn.Module:
        """The network with these weights."""
        model = build(self.recipe.without(["weights"]), len(data.classes), data.images.shape[1])
        model.load_state_dict(self.weights)
        return model

    def answers(self, data: ImageData, part: np.ndarray, metric: str) -> Answers:
        """What it says of a part of ``data``."""
        return examine(self.recipe, self.network(data), data, part, metric)


def fit(recipe: Recipe, data: ImageData, seed: int, metric: str, watch: Callable[[EpochResult], None]) -> Fitted:
    """Train ``recipe`` for all its epochs, ``watch`` each, and keep the best. Raises what ``train`` does."""
    best: Fitted | None = None
    for result in train(recipe, data, seed, metric=metric):
        if result.weights is not None and (best is None or result.score > best.score):
            best = Fitted(recipe, result.score, result.weights(), result.numerics)
        watch(result)
    if best is None:
        raise TrialFailed("it trains no epoch")
    return best


def keep(fitted: Fitted, prepared: Prepared, metric: str, folder: Path) -> artifact.ModelCard:
    """Write the model folder, with what validation says of reading answers, and the score on the test part."""
    data = prepared.at(fitted.recipe.image_size)
    val, test = data.split.val, data.split.test
    card = artifact.ModelCard.of(data, metric, fitted.score, numerics=fitted.numerics)
    card = card.fitted(fitted.answers(data, val, metric).probabilities, data.labels[val])
    test_score = fitted.answers(data, test, metric).score
    card = replace(card, test_score=test_score, fingerprint=prepared.fingerprint, seed=prepared.seed)
    artifact.save(folder, fitted.recipe, fitted.weights, card)
    return card
