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


def calibrated_labels(
    probabilities: npt.NDArray[np.floating], temperature: float, shift: float
) -> npt.NDArray[np.float64]:
    """N×K probabilities of labels that don't exclude one another, whose log-odds are shifted, then divided."""
    odds = (_log_odds(probabilities) + shift) / temperature
    likely: npt.NDArray[np.float64] = np.exp(-np.logaddexp(0.0, -odds))  # 1 / (1 + exp(-odds)), of any odds
    return likely


def fit_labels(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """The temperature and the shift of ``calibrated_labels`` that make N×K probabilities likeliest.

    This is Platt's scaling (1999) of all labels together: a loss that weighs yes and no otherwise, as asymmetric does,
    makes all probabilities too high, which a temperature alone can't mend. Both have a normal prior, worth about one
    label of one image.
    """
    from scipy.optimize import minimize

    odds, sign = _log_odds(probabilities).ravel(), np.where(labels.ravel(), 1.0, -1.0)

    def surprise(of: npt.NDArray[np.float64]) -> float:
        log_temperature, shift = of
        scaled = (odds + shift) / np.exp(log_temperature)
        return float(np.logaddexp(0.0, -sign * scaled).sum() + log_temperature**2 / 2 + shift**2 / 20)

    found = minimize(surprise, np.zeros(2), method="L-BFGS-B", bounds=[(-_WIDEST, _WIDEST), (-20.0, 20.0)])
    return float(np.exp(found.x[0])), float(found.x[1])


def _log_odds(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    sure = np.clip(probabilities.astype(np.float64), _SMALLEST, _LARGEST)
    found: npt.NDArray[np.float64] = np.log(sure) - np.log1p(-sure)
    return found
