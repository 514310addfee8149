"""The training loop against the plainest loop that can be written: the same numbers, whatever makes it faster."""

import pytest

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training import train
from autocls.training.numerics import Numerics
from benchmarks import bare

RECIPES = {
    "plain": Recipe(image_size=28, epochs=2),
    "augmented": Recipe(
        image_size=28,
        norm="batch",
        activation="elu",
        flip="horizontal",
        rotate="degrees",
        crop="shift",
        color="brightness",
        erase="cutout",
        mix="mixup",
        label_smoothing=0.1,
        optimizer="adam",
        weight_decay=1e-4,
        schedule="cosine",
        batch_size=32,
        epochs=2,
    ),
    "resnet": Recipe(architecture="resnet18", optimizer={"sgd": {"lr": 0.001}}, batch_size=8, epochs=2),
}


@pytest.mark.parametrize(("numerics", "near"), [(Numerics(), 1e-5), (None, 1e-3)], ids=["plain", "chosen"])
@pytest.mark.parametrize("name", RECIPES)
def test_the_loop_gives_the_bare_loops_numbers(
    name: str, numerics: Numerics | None, near: float, request: pytest.FixtureRequest
):
    data: ImageData = request.getfixturevalue("noise" if name == "resnet" else "digits")
    recipe = RECIPES[name]
    found = [(result.loss, result.score) for result in train(recipe, data, seed=3, numerics=numerics)]
    for ours, theirs in zip(found, bare.train(recipe, data, seed=3), strict=True):
        assert ours == pytest.approx(theirs, rel=near)


def test_the_first_epochs_are_those_of_the_whole_training(digits: ImageData):
    recipe = RECIPES["augmented"]
    assert bare.train(recipe, digits, seed=0, epochs=1) == bare.train(recipe, digits, seed=0)[:1]


@pytest.mark.parametrize("slots", [{"warmup": 1}, {"tta": "shifts"}, {"schedule": "step"}, {"optimizer": "lion"}])
def test_what_the_bare_loop_does_not_know_it_refuses(slots: dict[str, object], noise: ImageData):
    with pytest.raises(ValueError, match="the bare loop knows"):
        bare.train(Recipe(**slots), noise, seed=0)
