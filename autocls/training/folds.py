"""Cross-validation: one recipe trained on all but one of several folds, which it is scored on, each in turn.

Of a few hundred images a single validation part says little: its score's chance error is several points.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training.footprint import NO_LIMITS, Limits
from autocls.training.inference import default_device, examine
from autocls.training.loop import EpochResult, Spent, train
from autocls.training.network import build
from autocls.training.state import State, chance, set_chance


def train_folds(
    recipe: Recipe,
    folds: Sequence[ImageData],
    seed: int = 0,
    *,
    metric: str = "accuracy",
    device: torch.device | None = None,
    limits: Limits = NO_LIMITS,
    state: State | None = None,
) -> Iterator[EpochResult]:
    """Train ``recipe`` on each of the folds as if alone, in lockstep: one EpochResult per epoch, the mean over them.

    Its ``seconds`` are those of all the folds together; it has no weights, for none of the networks is to be kept.
    Takes and raises what ``train`` does.
    """
    device = device or default_device()
    states = state["folds"] if state is not None else [None] * len(folds)
    trainings = [
        train(recipe, fold, seed, metric=metric, device=device, limits=limits, state=its)
        for fold, its in zip(folds, states, strict=True)
    ]
    chances = [chance(device)] * len(folds)
    done = 0 if state is None else len(state["folds"][0]["scores"])
    for _ in range(done, recipe.epochs):
        results = []
        for fold, training in enumerate(trainings):
            set_chance(chances[fold], device)
            results.append(next(training))
            chances[fold] = chance(device)
        yield _mean(results, tuple(chances), device)


def _mean(results: Sequence[EpochResult], chances: Sequence[State], device: torch.device) -> EpochResult:
    first, scores = results[0], tuple(result.score for result in results)
    spent = [result.spent for result in results if result.spent is not None]
    return EpochResult(
        first.epoch,
        float(np.mean(scores)),
        sum(result.seconds for result in results),
        float(np.mean([math.nan if result.loss is None else result.loss for result in results])),
        first.footprint,
        spent=Spent(*(sum(getattr(s, part) for s in spent) for part in ("data", "training", "validation"))),
        numerics=first.numerics,
        state=partial(_states, results, chances, device),
        folds=scores,
    )


def _states(results: Sequence[EpochResult], chances: Sequence[State], device: torch.device) -> State:
    states = []
    for result, its in zip(results, chances, strict=True):
        assert result.state is not None, "training gives it"
        set_chance(its, device)  # which the state holds
        states.append(result.state())
    return {"folds": states}


@dataclass(frozen=True)
class CrossValidation:
    """A recipe's score on each fold, after the epoch whose mean over them is best."""

    scores: tuple[float, ...]
    epoch: int
    metric: str

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))

    @property
    def interval(self) -> tuple[float, float]:
        """The mean's 95 % interval, for another training set of this size.

        By Student's t, with the variance that Nadeau & Bengio 2003 (Machine Learning 52) correct for what the folds'
        training sets have in common: s² (1/k + 1/(k - 1)).
        """
        from scipy import stats  # takes a second of the start of each worker, which need not know how sure a mean is

        k = len(self.scores)
        half = float(stats.t.ppf(0.975, k - 1)) * float(np.std(self.scores, ddof=1)) * math.sqrt(1 / k + 1 / (k - 1))
        return self.mean - half, self.mean + half


def cross_validation(results: Iterable[EpochResult], metric: str) -> CrossValidation:
    """What the epochs of ``train_folds``, one or more, come to."""
    best = max(results, key=lambda result: result.score)
    return CrossValidation(best.folds, best.epoch, metric)


def out_of_fold(recipe: Recipe, folds: Iterable[ImageData], seed: int = 0) -> Iterator[npt.NDArray[np.float32]]:
    """Of each fold's images, in order, the probabilities (n×K) of a network that did not train on them.

    It is trained for all its epochs, so that none is chosen by what the fold says. Raises what ``train`` does.
    """
    for fold in folds:
        (last,) = deque(train(recipe, fold, seed), maxlen=1)
        assert last.weights is not None, "training gives them"
        model = build(recipe.without(["weights"]), len(fold.classes), fold.images.shape[1])
        model.load_state_dict(last.weights())
        yield examine(recipe, model, fold, fold.split.val, "accuracy").probabilities
