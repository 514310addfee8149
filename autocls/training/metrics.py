"""What a trial is scored by: of true and predicted labels, in 0..1, higher is better."""

from collections.abc import Callable
from functools import partial

import numpy as np
from sklearn import metrics

from autocls.errors import BadInput, unknown

Metric = Callable[[np.ndarray, np.ndarray], float]

METRICS: dict[str, Metric] = {
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "macro_f1": partial(metrics.f1_score, average="macro", zero_division=0.0),
}


def metric(name: str) -> Metric:
    """The metric called ``name``. Raises BadInput."""
    if name not in METRICS:
        raise BadInput(f"--metric: {unknown('metric', name, METRICS)}")
    return METRICS[name]
