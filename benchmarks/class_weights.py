"""What weights and sampling do for rare classes: digits of which three classes are cut to five images each.

    python -m benchmarks.class_weights

Balanced accuracy on the test part, which is left as it is, after the same epochs with the same five seeds.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy.stats import ttest_rel

from autocls.data import ImageData, prepare
from autocls.recipe import Recipe
from autocls.training.fitting import fit

RARE, LEFT, SEEDS = (3, 5, 8), 5, range(5)
METRIC = "balanced_accuracy"
WAYS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "class_weights: inverse": {"class_weights": "inverse"},
    "class_weights: effective_number": {"class_weights": "effective_number"},
    "sampling: balanced": {"sampling": "balanced"},
}


def skewed(data: ImageData) -> ImageData:
    """With few training images of the rare classes."""
    train, random = data.split.train, np.random.default_rng(0)
    few = [random.permutation(train[data.labels[train] == label])[:LEFT] for label in RARE]
    many = train[~np.isin(data.labels[train], RARE)]
    return replace(data, split=replace(data.split, train=np.sort(np.concatenate([many, *few]))))


def main() -> None:
    """Print mean, difference and interval of each way."""
    torch.set_num_threads(1)
    data, scores = skewed(prepare("digits", sizes=[28]).at(28)), {}
    for name, way in WAYS.items():
        recipe = Recipe(image_size=28, norm="batch", epochs=8, optimizer={"adam": {"lr": 2e-3}}, **way)
        runs = [fit(recipe, data, seed, METRIC, lambda result: None) for seed in SEEDS]
        scores[name] = np.array([run.answers(data, data.split.test, METRIC).score for run in runs])
        said = f"{name:32} {scores[name].mean():.1%}"
        if way:
            plain = scores["as it is"]
            low, high = (100 * end for end in ttest_rel(scores[name], plain).confidence_interval())
            said += f"  {100 * (scores[name] - plain).mean():+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}"
        print(f"{said}, n = {len(SEEDS)}", flush=True)


if __name__ == "__main__":
    main()
