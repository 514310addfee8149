"""From which probability on a label is said: each label's own threshold, fitted on the validation part."""

import numpy as np
import numpy.typing as npt

PRIOR = 10
"""A threshold counts all labels together as so many images of its label, beside the label's own.

``benchmarks.thresholds`` measures it: with bce more is better on small validation parts, with asymmetric fewer.
"""

Probabilities = npt.NDArray[np.floating]
Truth = npt.NDArray[np.bool_]


def fit_thresholds(probabilities: Probabilities, truth: Truth, prior: float = PRIOR) -> tuple[float, ...]:
    """Of N×K probabilities and truths each label's threshold, from which on its F1 is highest.

    A label with a few images would choose a threshold that fits just these. So each label's counts are taken together
    with those of all labels, scaled to ``prior`` images: a rare label's threshold is near the one that serves all best,
    a frequent one's is its own.
    """
    said, there = probabilities.ravel(), truth.ravel()
    return tuple(
        _best(probabilities[:, k].astype(np.float64), truth[:, k], said.astype(np.float64), there, prior)
        for k in range(truth.shape[1])
    )


def _best(
    said: npt.NDArray[np.float64], there: Truth, all_said: npt.NDArray[np.float64], all_there: Truth, prior: float
) -> float:
    """The middle of the best gap between probabilities that occur; the one nearest to 0.5 of several."""
    levels = np.unique(np.concatenate([[0.0, 1.0], said]))
    between = (levels[1:] + levels[:-1]) / 2
    weight = prior / max(1, int(all_there.sum()))
    right, wrong = (
        own + weight * pooled
        for own, pooled in zip(_from(between, said, there), _from(between, all_said, all_there), strict=True)
    )
    images = there.sum() + weight * all_there.sum()
    f1 = 2 * right / np.maximum(right + wrong + images, 1e-12)
    best = between[f1 >= f1.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])


def _from(
    thresholds: npt.NDArray[np.float64], said: npt.NDArray[np.float64], there: Truth
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How many images are rightly and wrongly given the label from each threshold on."""
    positive, negative = np.sort(said[there]), np.sort(said[~there])
    right = len(positive) - np.searchsorted(positive, thresholds)
    wrong = len(negative) - np.searchsorted(negative, thresholds)
    return right.astype(np.float64), wrong.astype(np.float64)
