"""Images of one class each, or with any number of labels: all that training and use do otherwise for the two."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from autocls.data.split import Labels
from autocls.errors import BadInput, unknown
from autocls.training.calibration import calibrated, calibrated_labels, fit_labels, fit_temperature
from autocls.training.metrics import (
    accuracy,
    balanced_accuracy,
    label_macro_f1,
    macro_f1,
    mean_average_precision,
)
from autocls.training.thresholds import fit_thresholds
from autocls.tricks.loss import Loss

Metric = Callable[[Any, npt.NDArray[np.floating]], float]
"""True labels and N×K logits in, a score in 0..1 out, higher is better."""


@dataclass(frozen=True)
class Reading:
    """How a trained network's answers are read, as the validation part has it."""

    temperature: float = 1.0
    """Divides the logarithms of the network's probabilities, or its logits of labels."""
    shift: float = 0.0
    """Is added to the logits of labels before."""
    thresholds: tuple[float, ...] | None = None
    """Of each label the probability, so calibrated, from which on it is given; None where each image has one class."""


PLAIN = Reading()


class Labelling(ABC):
    """What an image's labels are."""

    name: ClassVar[str]
    metrics: ClassVar[Mapping[str, Metric]]
    """By their names, the usual one first."""

    @abstractmethod
    def targets(self, labels: torch.Tensor, classes: int, smoothing: float) -> torch.Tensor:
        """B×K targets (0..1) of B images' labels, of which ``smoothing`` is given to what is not so."""

    @abstractmethod
    def probabilities(self, loss: Loss, logits: torch.Tensor, reading: Reading = PLAIN) -> torch.Tensor:
        """B×K probabilities (0..1) that a network's logits mean which was trained by ``loss``."""

    @abstractmethod
    def fitted(self, probabilities: npt.NDArray[np.floating], labels: Labels) -> Reading:
        """How N×K probabilities of images with these labels should have been read."""

    def metric(self, name: str | None) -> str:
        """The name of a metric, the usual one's for None. Raises BadInput."""
        if name is not None and name not in self.metrics:
            raise BadInput(f"--metric: {unknown('metric', name, self.metrics)} ({self.name} data)")
        return name or next(iter(self.metrics))


class SingleLabel(Labelling):
    """Each image is of one class."""

    name = "single-label"
    metrics: ClassVar[Mapping[str, Metric]] = {
        "accuracy": lambda truth, logits: accuracy(truth, logits.argmax(1)),
        "balanced_accuracy": lambda truth, logits: balanced_accuracy(truth, logits.argmax(1)),
        "macro_f1": lambda truth, logits: macro_f1(truth, logits.argmax(1)),
    }

    def targets(self, labels: torch.Tensor, classes: int, smoothing: float) -> torch.Tensor:
        """Rows sum to 1; ``smoothing`` is shared by all classes."""
        return F.one_hot(labels, classes).float() * (1 - smoothing) + smoothing / classes

    def probabilities(self, loss: Loss, logits: torch.Tensor, reading: Reading = PLAIN) -> torch.Tensor:
        """Rows sum to 1."""
        said = loss.probabilities(logits)
        return said if reading.temperature == 1.0 else calibrated(said, reading.temperature)

    def fitted(self, probabilities: npt.NDArray[np.floating], labels: Labels) -> Reading:
        return Reading(fit_temperature(probabilities, cast(npt.NDArray[np.int64], labels)))


class MultiLabel(Labelling):
    """Each image has any number of labels, or none."""

    name = "multi-label"
    metrics: ClassVar[Mapping[str, Metric]] = {
        "map": mean_average_precision,
        "macro_f1": lambda truth, logits: label_macro_f1(truth, logits >= 0),
    }

    def targets(self, labels: torch.Tensor, classes: int, smoothing: float) -> torch.Tensor:
        """``smoothing`` is shared by yes and no of each label."""
        return labels.float() * (1 - smoothing) + smoothing / 2

    def probabilities(self, loss: Loss, logits: torch.Tensor, reading: Reading = PLAIN) -> torch.Tensor:
        """Each label's by itself: all losses that fit such data train the logits of sigmoids."""
        return ((logits + reading.shift) / reading.temperature).sigmoid()

    def fitted(self, probabilities: npt.NDArray[np.floating], labels: Labels) -> Reading:
        truth = labels.astype(np.bool_)
        temperature, shift = fit_labels(probabilities, truth)
        thresholds = fit_thresholds(calibrated_labels(probabilities, temperature, shift), truth)
        return Reading(temperature, shift, thresholds)


SINGLE_LABEL, MULTI_LABEL = SingleLabel(), MultiLabel()


def labelling(*, multilabel: bool) -> Labelling:
    """That of data or of a model."""
    return MULTI_LABEL if multilabel else SINGLE_LABEL


def check_metric(name: str | None) -> None:
    """Raises BadInput for a metric of no data at all."""
    known = dict.fromkeys([*SINGLE_LABEL.metrics, *MULTI_LABEL.metrics])
    if name is not None and name not in known:
        raise BadInput(f"--metric: {unknown('metric', name, known)}")
