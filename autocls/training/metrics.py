"""What a trial is scored by: of true and predicted labels, in 0..1, higher is better.

scikit-learn's numbers without scikit-learn: its import takes 1.1 s of each worker's start.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from autocls.errors import BadInput, unknown

Labels = npt.NDArray[np.int64]
Metric = Callable[[Labels, Labels], float]


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


METRICS: dict[str, Metric] = {m.__name__: m for m in (accuracy, balanced_accuracy, macro_f1)}


def metric(name: str) -> Metric:
    """The metric called ``name``. Raises BadInput."""
    if name not in METRICS:
        raise BadInput(f"--metric: {unknown('metric', name, METRICS)}")
    return METRICS[name]
