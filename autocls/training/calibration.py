"""Temperature: probabilities made as sure as the validation part says they may be."""

import numpy as np
import numpy.typing as npt
import torch

_SMALLEST = torch.finfo(torch.float32).tiny
_LARGEST = 1 - 2.0**-24
"""The largest probability below 1 that float32 knows."""
_WIDEST = 4.0
"""Of the temperature's natural logarithm, to both sides: beyond, nothing changes any more."""


def calibrated(probabilities: torch.Tensor, temperature: float) -> torch.Tensor:
    """B×K probabilities whose logarithms are divided by ``temperature`` (> 0): above 1 less sure, below 1 surer.

    Of a softmax this is Guo et al. 2017 (arXiv:1706.04599), section 4.2; it needs no logits, which not every loss
    trains. The order of the classes stays.
    """
    return (probabilities.clamp(min=_SMALLEST).log() / temperature).softmax(dim=1)


def fit_temperature(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> float:
    """The temperature that makes N×K ``probabilities`` likeliest to have given the N ``labels``.

    Its logarithm has a standard normal prior, which is worth about one image: a network that gets every image right
    would otherwise be infinitely sure.
    """
    from scipy.optimize import minimize_scalar  # takes a second, and workers only calibrate

    logs = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))

    def surprise(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        right = scaled[np.arange(len(labels)), labels]
        return float((np.logaddexp.reduce(scaled, axis=1) - right).sum() + log_temperature**2 / 2)

    found = minimize_scalar(surprise, bounds=(-_WIDEST, _WIDEST), method="bounded")
    return float(np.exp(found.x))


def calibrated_labels(probabilities: npt.NDArray[np.floating], temperature: float) -> npt.NDArray[np.float64]:
    """N×K probabilities of labels that don't exclude one another, whose log-odds are divided by ``temperature``."""
    sure = np.clip(probabilities.astype(np.float64), _SMALLEST, _LARGEST)
    odds: npt.NDArray[np.float64] = np.exp((np.log(sure) - np.log1p(-sure)) / temperature)
    return odds / (1 + odds)


def fit_label_temperature(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_]) -> float:
    """The temperature of ``calibrated_labels``, fitted like ``fit_temperature``: each label is a yes or a no."""
    yes = np.clip(probabilities.astype(np.float64).ravel(), _SMALLEST, _LARGEST)
    return fit_temperature(np.stack([1 - yes, yes], axis=1), labels.ravel().astype(np.int64))
