"""Trials that sleep for as long as a GPU would train; workers import them from here."""

import random
import time
from collections.abc import Iterator

from autocls.recipe import Recipe
from benchmarks.nothing import nothing

SPREAD = 0.3
"""Recipes differ in their epochs' length by up to so much of it, either way."""


def asleep(seconds: float, recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """The scores of ``nothing``; a recipe's epochs take ``seconds`` each, give or take ``SPREAD``."""
    pace = seconds * (1 + SPREAD * random.Random(recipe.to_yaml()).uniform(-1, 1))
    for score in nothing(recipe, seed, epochs):
        time.sleep(pace)
        yield score
