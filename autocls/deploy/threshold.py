"""From which similarity on a picture is taken to show a name: fitted so that few wrong names are accepted."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.stats import binomtest

from autocls.deploy.nearest import Floats, Halves, products
from autocls.errors import BadInput

MOST_PAIRS = 10_000_000
"""Comparisons at most that a threshold is fitted on; of more pictures some are drawn."""


@dataclass(frozen=True)
class Share:
    """``count`` of ``n``, with its 95 % Wilson interval."""

    count: int
    n: int

    @property
    def value(self) -> float:
        """0..1."""
        return self.count / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Its lower and upper end, as if the n were drawn independently."""
        ends = binomtest(self.count, self.n).proportion_ci(method="wilson")
        return float(ends.low), float(ends.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.2%} ({low:.2%} to {high:.2%}, {self.count} of {self.n})"


@dataclass(frozen=True)
class Threshold:
    """A similarity, and what it was fitted on: enrolled pictures compared with the names that are not theirs."""

    similarity: Annotated[float, Field(ge=-2, le=2)]
    """A picture at least so similar to a name is accepted as it; just above 1 would accept nothing."""
    far: float
    """The false-accept rate that was asked for: the share of comparisons with a wrong name that are accepted."""
    pairs: int
    """Comparisons with a wrong name that were seen."""
    accepted: int
    """How many of them the similarity accepts."""
    strangers: int
    """Pictures that were compared with all names but their own, as a stranger's would be."""
    admitted: int
    """How many of those some name accepts."""

    @property
    def is_supported(self) -> bool:
        """Whether there were enough comparisons for a rate this small to show in them."""
        return self.pairs * self.far >= 1

    def __str__(self) -> str:
        among = f"a stranger is taken for someone: {Share(self.admitted, self.strangers)}"
        if self.is_supported:
            accepts = f"accepts {Share(self.accepted, self.pairs)} of comparisons with a wrong name"
            return f"threshold {self.similarity:.3f}: {accepts}; {among}"
        return (
            f"threshold {self.similarity:.3f}, just above the most similar of {self.pairs} comparisons with a wrong "
            f"name: too few to fit a false-accept rate of {self.far:.2%}, which takes {np.ceil(1 / self.far):.0f}; it "
            f"may be up to {Share(0, self.pairs).interval[1]:.0%}. Enrol more names or pictures"
        )


def check_far(far: float) -> None:
    """Raises BadInput for what is no rate that a threshold can be fitted for."""
    if not 0 < far < 1:
        raise BadInput(f"far: a false-accept rate lies between 0 and 1, as 0.01, and is not {far:g}")


def fit(embeddings: Halves, owners: npt.NDArray[np.int64], templates: Halves, far: float) -> Threshold | None:
    """The lowest threshold at which at most ``far`` of comparisons with a wrong name are accepted.

    Each of N×D ``embeddings``, the picture of the name ``owners`` says, is compared with the P×D ``templates`` of all
    names but that one. None where there is one name only, and so nothing to compare with. Raises BadInput.
    """
    check_far(far)
    if len(templates) < 2:
        return None
    most = max(1, MOST_PAIRS // len(templates))
    drawn = np.arange(len(embeddings))
    if len(drawn) > most:
        drawn = np.sort(np.random.default_rng(0).choice(drawn, most, replace=False))
    similarities = products(templates, embeddings[drawn].astype(np.float32))
    return fit_to(others(similarities, owners[drawn]), far)


def others(similarities: Floats, owners: npt.NDArray[np.int64]) -> Floats:
    """Of N×P similarities, N×(P-1): those with the names that are not the pictures' own."""
    rows, names = similarities.shape
    kept: Floats = similarities[np.arange(names) != owners[:, None]].reshape(rows, names - 1)
    return kept


def fit_to(impostors: Floats, far: float) -> Threshold:
    """The lowest threshold that accepts at most ``far`` of N×M similarities with wrong names."""
    pairs = impostors.size
    allowed = min(int(np.floor(far * pairs + 1e-9)), pairs - 1)
    first_refused = np.partition(impostors, pairs - 1 - allowed, axis=None)[pairs - 1 - allowed]
    similarity = np.nextafter(np.float32(first_refused), np.float32(2))
    accepts = impostors >= similarity
    return Threshold(float(similarity), far, pairs, int(accepts.sum()), len(impostors), int(accepts.any(axis=1).sum()))
