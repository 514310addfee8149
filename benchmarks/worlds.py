"""Simulated trainings whose truth is known: tricks of which few help, noise, learning curves, failures."""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autocls.recipe import Recipe
from autocls.space import Space

TRICKS = {
    "norm": "batch", "attention": {"squeeze_excite": 4}, "head_norm": "batch", "dropout": {"head": 0.2},
    "init": "kaiming", "flip": "horizontal", "rotate": {"degrees": 10}, "crop": {"shift": 2}, "color": {"jitter": 0.2},
    "erase": {"cutout": 0.3}, "mix": {"mixup": 0.2}, "averaging": {"ema": 0.9},
}  # fmt: skip
"""The choice that turns each of the twelve tricks on; only their names matter."""
EPOCHS = 9
SD = 0.005
"""Of a run's score between seeds, half a point; a recipe's own is 0.7 to 1.4 times that."""
SHARED = 0.5
"""The part of that variance that all recipes share with one seed, as a draw of the validation part is shared."""
JITTER = 0.2 * SD
"""Of an epoch's score, by itself."""
FAILS = 0.01
"""The chance that a run breaks."""
BASE = 0.9


def space() -> Space:
    """The space that all worlds are searched in: twelve tricks, and a learning rate that matters more than any."""
    tricks = {slot: ["none" if slot != "init" else "default", on] for slot, on in TRICKS.items()}
    sgd = {"lr": {"log": [0.001, 1.0]}, "momentum": 0.9}
    return Space.from_plain({**tricks, "optimizer": {"sgd": sgd}, "epochs": EPOCHS})


@dataclass(frozen=True)
class World:
    """One truth. In an all-null world no trick does anything."""

    seed: int
    null: bool = False

    @cached_property
    def effects(self) -> dict[str, float]:
        """What each trick by itself adds to the score: three help by 1 to 3 SD, one hurts by as much."""
        rng = np.random.default_rng([self.seed, 1])
        sizes = [*rng.uniform(1, 3, 3), -rng.uniform(1, 3)]
        names = [TRICK for TRICK in self._order if TRICK not in self.pair]
        return {} if self.null else {slot: SD * float(size) for slot, size in zip(names, sizes, strict=False)}

    @cached_property
    def pair(self) -> tuple[str, ...]:
        """Two tricks of which either adds ``both`` SD, and the two together nothing."""
        return () if self.null else tuple(self._order[-2:])

    @property
    def _order(self) -> list[str]:
        return [str(slot) for slot in np.random.default_rng([self.seed, 2]).permutation(sorted(TRICKS))]

    def true(self, recipe: Recipe) -> float:
        """The score that a fresh run of the recipe has in the mean, its best epoch's as everywhere."""
        return float(self._scores(recipe, np.random.default_rng(0), 4000, recipe.epochs).max(axis=1).mean())

    def sd(self, recipe: Recipe) -> float:
        """Of a run's score between seeds."""
        loud = zlib.crc32(f"{self.seed} {sorted(_on(recipe))}".encode()) / 2**32
        return SD * (0.7 + 0.7 * loud)

    def run(self, recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
        """The score after each epoch; NaN where the run breaks, as it does at the highest rates."""
        rng = np.random.default_rng([self.seed, 3, seed, zlib.crc32(f"{sorted(_on(recipe))} {_rate(recipe)}".encode())])
        shared = np.random.default_rng([self.seed, 4, seed]).normal()
        noise = self.sd(recipe) * (math.sqrt(SHARED) * shared + math.sqrt(1 - SHARED) * rng.normal())
        breaks = rng.random() < FAILS or _rate(recipe) > 0.7
        for score in self._scores(recipe, rng, 1, epochs)[0]:
            yield math.nan if breaks else float(score + noise)

    def _scores(self, recipe: Recipe, rng: np.random.Generator, runs: int, epochs: int) -> npt.NDArray[np.float64]:
        """runs×epochs scores without what is a run's own."""
        curve = 1 - 0.5 * np.exp(-6 * np.arange(1, epochs + 1) / EPOCHS)
        scores: npt.NDArray[np.float64] = self._top(recipe) * curve + rng.normal(0, JITTER, (runs, epochs))
        return scores

    def _top(self, recipe: Recipe) -> float:
        on = _on(recipe)
        tricks = sum(effect for slot, effect in self.effects.items() if slot in on)
        together = 1.5 * SD if len(on & set(self.pair)) == 1 else 0.0
        return BASE + tricks + together - 4 * SD * (math.log10(_rate(recipe)) + 1.0) ** 2


def _on(recipe: Recipe) -> set[str]:
    return {slot for slot in TRICKS if getattr(recipe, slot) is not None}


def _rate(recipe: Recipe) -> float:
    return float(recipe.optimizer.model_dump()["lr"])
