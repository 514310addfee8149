"""Labels that are likely wrong: confident learning, Northcutt et al. 2021, arXiv:1911.00068."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Suspect:
    """An image whose label a network doubts that did not learn from it."""

    row: int
    given: int
    suggested: int
    """Class numbers."""
    margin: float
    """Probability of the suggested class less that of the given one; -1 to 1, the surest near 1."""


def suspects(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> list[Suspect]:
    """The suspects among N images, the surest first, by out-of-fold ``probabilities`` (N×K) and their labels (N).

    A class's threshold is the mean probability that its own images have of it. An image counts as of the likeliest
    class whose threshold it reaches, if any; a suspect counts as of another than it is labelled.
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels]
    images = np.bincount(labels, minlength=classes)
    thresholds = np.bincount(labels, weights=own, minlength=classes) / np.maximum(images, 1)
    reached = (probabilities >= thresholds) & (images > 0)
    likeliest = np.where(reached, probabilities, -1.0).argmax(axis=1)
    doubted = np.flatnonzero(reached.any(axis=1) & (likeliest != labels))
    margins = probabilities[doubted, likeliest[doubted]] - own[doubted]
    return [
        Suspect(int(doubted[i]), int(labels[doubted[i]]), int(likeliest[doubted[i]]), float(margins[i]))
        for i in np.argsort(-margins, kind="stable")
    ]
