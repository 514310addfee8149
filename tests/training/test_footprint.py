"""What a trained network costs, and what it may cost."""

import pickle

import pytest
import torch

from autocls.models.count import multiply_adds
from autocls.recipe import Recipe
from autocls.training.footprint import NO_LIMITS, Footprint, Limits, OverLimit, footprint, measure
from autocls.training.network import build, count_parameters, only_network

CPU = torch.device("cpu")
SMALL = Footprint(parameters=61_706, multiply_adds=416_520, latency=0.0005, latency_64=0.01)


def test_a_network_is_counted_and_timed() -> None:
    recipe = Recipe.from_plain({"architecture": {"lenet": {"width": 0.5}}, "norm": "batch"})
    model = build(recipe, 7, 3)
    found = measure(recipe, model, 3, CPU)
    assert found.parameters == count_parameters(model)
    assert found.multiply_adds == multiply_adds(model, (3, recipe.image_size, recipe.image_size))
    assert 0 < found.latency < found.latency_64 < 64 * found.latency
    assert not model.training


def test_views_of_test_time_augmentation_are_paid_for() -> None:
    plain, mirrored = (footprint(Recipe.from_plain({"tta": tta}), 10, 1, CPU) for tta in ("none", "mirror"))
    assert mirrored.multiply_adds == 2 * plain.multiply_adds
    assert mirrored.latency > plain.latency


def test_what_only_trains_is_not_measured_again() -> None:
    recipe = Recipe.from_plain({"norm": "batch", "activation": "gelu", "image_size": 32, "tta": "mirror"})
    training = {
        "optimizer": "adam",
        "epochs": 3,
        "dropout": {"head": {"p": 0.3}},
        "init": "xavier",
        "flip": "horizontal",
    }
    trained = Recipe.from_plain(recipe.plain() | training)
    assert only_network(trained) == only_network(recipe) == recipe.without(["epochs"])
    assert footprint(trained, 10, 1, CPU) is footprint(recipe, 10, 1, CPU)
    assert footprint(recipe.without(["norm"]), 10, 1, CPU) is not footprint(recipe, 10, 1, CPU)


def test_limits_say_by_how_much_they_are_exceeded() -> None:
    assert NO_LIMITS.excess(10**9, 100.0) == {}
    assert Limits(parameters=50_000).excess(75_000, 1.0) == {"parameters": 0.5}
    assert Limits(100, 0.002).excess(50, 0.001) == {"parameters": -0.5, "latency": -0.5}
    Limits(61_706, 0.0005).check(SMALL)


def test_what_costs_too_much_says_what_and_how_much_is_allowed() -> None:
    with pytest.raises(
        OverLimit, match=r"61,706 parameters, and 60,000 are allowed; 0.5 ms an image, and 0.4 are"
    ) as its:
        Limits(60_000, 0.0004).check(SMALL)
    with pytest.raises(OverLimit, match=r"^over the limit: 0.5 ms an image, and 0.4 are allowed$"):
        Limits(latency=0.0004).check(SMALL)
    sent = pickle.loads(pickle.dumps(its.value))
    assert (str(sent), sent.footprint) == (str(its.value), SMALL)
