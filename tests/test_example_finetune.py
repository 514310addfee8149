"""Real weights, from a file through a recipe to a network that knows what it sees."""

from pathlib import Path

import pytest
from sklearn.datasets import load_sample_image

import autocls
from autocls.recipe import Recipe
from examples import finetune_lite0 as example


@pytest.fixture(scope="module")
def key_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example.write_key_map(tmp_path_factory.mktemp("map") / "lite0.yaml")


def test_imagenets_weights_know_a_palace_and_a_daisy(key_map: Path):
    classifier = example.imagenet_classifier(key_map)
    china, flower = classifier.predict([load_sample_image(name) for name in example.PHOTOS])
    assert {label for label, _ in china.ranked} >= {"palace (698)", "bell cote (442)"}
    assert flower.label == "daisy (985)"


def test_a_short_fine_tuning_beats_random_weights(key_map: Path, tmp_path: Path):
    ways = {"random": example.FROM_RANDOM, "imagenet": example.from_weights(key_map)}
    scores = dict.fromkeys(ways, 0.0)
    for seed in range(2):
        pictures = example.write_pictures(tmp_path / f"{seed}", seed, {"train": 8, "val": 8, "test": 10}, digits=3)
        for name, way in ways.items():
            recipe = Recipe.from_plain(example.BUDGET | {"epochs": 5, "batch_size": 6} | way)
            scores[name] += autocls.train(recipe, pictures, tmp_path / f"{name}{seed}").card.test_score
    assert scores["imagenet"] > scores["random"], scores
