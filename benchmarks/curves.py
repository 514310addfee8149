"""The recorded curves of ``record_curves.py`` as tables to replay."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from optuna.trial import Trial

from autocls.domains import Domain, Int, Log, OneOf, Value
from benchmarks.record_curves import CURVES, SPACE
from benchmarks.replay import Draw, Outcome, Table

HEAVY = {"schedule": 4.0, "warmup": 4.0, "optimizer": 4.0, "optimizer.sgd.lr": 4.0, "optimizer.adam.lr": 4.0}
"""What tells most of a curve counts most in the distance between recipes; the rest counts 1."""


class Recorded(Table):
    """The recorded recipes, each once, in random order: what a pruner does under random search."""

    name = "recorded, random order"

    def __init__(self, file: Path = CURVES) -> None:
        frame = pd.read_parquet(file)
        self.parameters: list[dict[str, Value]] = [json.loads(text) for text in frame.parameters]
        self.outcomes = [
            Outcome(
                key=key,
                curve=tuple(map(float, row.curve)),
                seconds=float(np.mean(row.seconds)) if len(row.seconds) else 0.1,
                true=float(row.test),
                about={"planned": asked["epochs"], "schedule": asked["schedule"], "warmup": asked["warmup"]},
                epochs=int(asked["epochs"]),
            )
            for key, (row, asked) in enumerate(zip(frame.itertuples(), self.parameters, strict=True))
        ]
        self.best = max(outcome.true for outcome in self.outcomes)

    def begin(self, seed: int) -> Draw:
        order = iter(np.random.default_rng(seed).permutation(len(self.outcomes)))
        return lambda trial: None if (index := next(order, None)) is None else self.outcomes[index]


class Nearest(Recorded):
    """The sampler's recipe is answered with the recorded one that is nearest to it among those that weren't begun.

    Real curves on a coarse grid: a good sampler gains less here than in the space itself.
    """

    name = "recorded, nearest"

    def begin(self, seed: int) -> Draw:
        found = [_places(lambda name, domain, asked=asked: asked[name]) for asked in self.parameters]
        names = sorted({name for places in found for name in places})
        weights = np.array([HEAVY.get(name, 1.0) for name in names])
        grid = np.array([[places.get(name, np.nan) for name in names] for places in found])
        symbols = np.array([name in _symbols() for name in names])

        free = np.ones(len(grid), bool)

        def draw(trial: Trial) -> Outcome | None:
            if not free.any():
                return None
            places = _places(lambda name, domain: _suggest(trial, name, domain))
            apart = np.abs(grid - [places.get(name, np.nan) for name in names])
            apart = np.where(symbols, apart > 0, np.nan_to_num(apart, nan=0.0))
            index = int(np.where(free, (apart * weights).sum(axis=1), np.inf).argmin())
            free[index] = False
            return self.outcomes[index]

        return draw


def _symbols() -> set[str]:
    """The parameters whose values have no order."""
    found = set()

    def note(name: str, domain: Domain) -> Value:
        if isinstance(domain, OneOf):
            found.add(name)
        return domain.middle()

    SPACE.suggest(note)
    return found


def _places(answer: Callable[[str, Domain], Value]) -> dict[str, float]:
    """Where each parameter of a recipe lies: numbers in 0..1 of their range, symbols at their index."""
    places: dict[str, float] = {}

    def place(name: str, domain: Domain) -> Value:
        value: Any = answer(name, domain)
        if isinstance(domain, OneOf):
            places[name] = float(domain.values.index(value))
        else:
            scale = np.log if isinstance(domain, Log) else float
            low, high = (scale(end) for end in domain.ends())
            places[name] = float((scale(value) - low) / (high - low))
        return value

    SPACE.suggest(place)
    return places


def _suggest(trial: Trial, name: str, domain: Domain) -> Value:
    if isinstance(domain, OneOf):
        return trial.suggest_categorical(name, list(domain.values))
    if isinstance(domain, Int):
        return trial.suggest_int(name, domain.low, domain.high)
    return trial.suggest_float(name, domain.low, domain.high, log=isinstance(domain, Log))
