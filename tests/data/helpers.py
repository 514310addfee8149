"""Real images, written where a test wants them."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (12, 12), mode: str = "RGB") -> Image.Image:
    """An image of noise, of width and height `size`."""
    shape = (size[1], size[0], 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)).convert(mode)


def fill(folder: Path, count: int, seed: int = 0, mode: str = "RGB", size: tuple[int, int] = (12, 12)) -> None:
    """`count` different PNG files in a folder that need not exist yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture(seed + number, size, mode).save(folder / f"{number}.png")


def two_classes(folder: Path, count: int = 10) -> Path:
    """A source with the classes cat and dog."""
    fill(folder / "cat", count, seed=0)
    fill(folder / "dog", count, seed=1000)
    return folder
