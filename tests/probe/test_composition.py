"""Any choices go together: a random recipe trains a step with a finite loss, or is refused with a reason before it."""

import math
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autocls.domains import Domain, Int, OneOf, Value
from autocls.errors import TrialFailed
from autocls.probe.observation import BASE, CHANNELS, CLASSES
from autocls.recipe import Recipe
from autocls.space import Space
from autocls.training.network import misfits
from autocls.tricks.architecture import Architecture
from tests.tricks.catalogue import BENCH

QUICK = ["lenet", {"cifar_resnet": 20}, {"mobilenet_v2": 0.25}, "shufflenet_v2", "squeezenet1_1"]
ALL = [name for name in Architecture.choices() if not name.endswith(":")]


def space(architectures: list[Any]) -> Space:
    """The whole catalogue, at a small size."""
    small = {"architecture": architectures, "image_size": [8, 16, 28], "batch_size": [2, 4], "epochs": [4, 5]}
    return Space.from_plain({**dict.fromkeys(Recipe.model_fields, "any"), **small})


def composes(recipe: Recipe) -> str:
    """Why the recipe doesn't train, in the way that a search would have it do; empty when it does."""
    if recipe.architecture != BASE.architecture:
        recipe = recipe.without(["weights", "freeze"])  # the bench has weights of this one network
    recipe = BENCH.at_hand(recipe)
    recipe = recipe.without(misfits(recipe, CLASSES, CHANNELS))
    try:
        session = BENCH.session(recipe)
    except TrialFailed as refused:
        return str(refused)
    session.begin(recipe.epochs)
    loss = session.step(session.batch(session.order()[0], 0.5), 0.01)
    assert math.isfinite(loss)
    return ""


@pytest.mark.timeout(600)
@settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_random_recipes_of_the_catalogue_train_or_say_why_not(data: st.DataObject):
    def ask(name: str, domain: Domain) -> Value:
        if isinstance(domain, OneOf):
            return data.draw(st.sampled_from(domain.values), label=name)
        if isinstance(domain, Int):
            return data.draw(st.integers(domain.low, domain.high), label=name)
        return data.draw(st.floats(domain.low, domain.high), label=name)

    composes(EVERYTHING.suggest(ask))


EVERYTHING = space(QUICK)


@pytest.mark.parametrize("architecture", ALL)
def test_every_architecture_takes_a_random_recipe(architecture: str):
    chance = random.Random(architecture)

    def ask(name: str, domain: Domain) -> Value:
        if isinstance(domain, OneOf):
            return chance.choice(domain.values)
        if isinstance(domain, Int):
            return chance.randint(domain.low, domain.high)
        return chance.uniform(domain.low, domain.high)

    assert composes(space([architecture]).suggest(ask)) == ""
