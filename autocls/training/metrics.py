"""What answers are scored by, in 0..1, higher is better.

scikit-learn's numbers without scikit-learn: its import takes 1.1 s of each worker's start.
"""

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
"""N class numbers."""
MultiHot = npt.NDArray[np.bool_]
"""N×K, whether each image has each label."""


def accuracy(truth: Labels, predicted: Labels) -> float:
    """The share of labels that are right."""
    return float((truth == predicted).mean())


def balanced_accuracy(truth: Labels, predicted: Labels) -> float:
    """The mean, over the classes that there are, of the share of a class's images that are found."""
    right, true, _ = _counts(truth, predicted)
    return float((right[true > 0] / true[true > 0]).mean())


def macro_f1(truth: Labels, predicted: Labels) -> float:
    """The mean, over the classes that are there or were said, of precision and recall's harmonic mean."""
    right, true, said = _counts(truth, predicted)
    either = true + said
    return float((2 * right[either > 0] / either[either > 0]).mean())


def _counts(truth: Labels, predicted: Labels) -> tuple[Labels, Labels, Labels]:
    """Of each class: how often it was rightly said, how often it was there, how often it was said."""
    classes = int(max(truth.max(), predicted.max())) + 1
    right, true, said = (
        np.bincount(labels, minlength=classes) for labels in (truth[truth == predicted], truth, predicted)
    )
    return right, true, said


def mean_average_precision(truth: MultiHot, scores: npt.NDArray[np.floating]) -> float:
    """The mean, over the labels that there are, of the average precision of N×K scores; only their order counts."""
    there = np.flatnonzero(truth.any(axis=0))
    return float(np.mean([average_precision(truth[:, k], scores[:, k]) for k in there])) if len(there) else 0.0


def average_precision(truth: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating]) -> float:
    """Of one label, N truths and scores: the mean precision over the images that have it, each said with all above.

    NaN without such an image.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # images of one score are said together
    right = np.cumsum(truth[order])[ends]
    gained = np.diff(right, prepend=0)
    return float((gained * right / (ends + 1)).sum() / right[-1]) if right[-1] else float("nan")


def label_macro_f1(truth: MultiHot, said: MultiHot) -> float:
    """The mean, over the labels that are there or were said, of precision and recall's harmonic mean."""
    right, either = (truth & said).sum(axis=0), truth.sum(axis=0) + said.sum(axis=0)
    return float((2 * right[either > 0] / either[either > 0]).mean()) if (either > 0).any() else 0.0
