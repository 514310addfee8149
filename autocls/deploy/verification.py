"""How well names are told apart: rank-1, the ROC of accepting and refusing, and how sure each figure is.

Some pictures of each name are enrolled; each of the others, a probe, is compared with every name. A comparison with its
own name should be accepted, one with another refused.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autocls.deploy.gallery import Gallery
from autocls.deploy.nearest import Floats, products
from autocls.deploy.threshold import Share, Threshold, others
from autocls.errors import BadInput

FARS = (0.1, 0.01, 0.001)
ENROLLED = 5
"""Pictures of each name that are enrolled."""
_WORK = 200_000_000
"""Comparisons that all resamples together count."""

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure in 0..1 with its 95 % interval: the probes resampled, the enrolled pictures as they are."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2%} ({self.low:.2%} to {self.high:.2%})"


@dataclass(frozen=True)
class AtWork:
    """The threshold that the enrolled pictures alone gave, held against the probes."""

    threshold: Threshold
    accepted_right: Share
    """Comparisons with the own name that it accepts."""
    accepted_wrong: Share
    """Comparisons with another name that it accepts."""
    strangers: Share
    """Probes that some other name accepts, their own name taken out."""
    recognised: Share
    """Probes whose most similar name is their own and accepts them."""


@dataclass(frozen=True)
class Verification:
    """What an evaluation found."""

    names: int
    enrolled: int
    """Pictures, of all names together."""
    probes: int
    wrong_pairs: int
    """Comparisons with another name than the probe's; those with its own are as many as the probes."""
    resamples: int
    rank1: Share
    """Probes whose most similar name is their own."""
    auc: Estimate
    """The chance that a comparison with the own name is more similar than one with another."""
    eer: Estimate
    """The error rate where as many right comparisons are refused as wrong ones are accepted."""
    tar: tuple[tuple[float, Estimate | None], ...]
    """At each false-accept rate, the share of right comparisons accepted; None where the wrong ones are too few."""
    roc: tuple[tuple[float, float], ...]
    """False-accept rate and true-accept rate, rising; at most a hundred points."""
    at_work: AtWork


@dataclass(frozen=True, eq=False)
class Scores:
    """Q×P similarities of probes with names, and whose each probe is."""

    similarities: Floats
    owners: npt.NDArray[np.int64]

    @property
    def rank1(self) -> Share:
        """Probes whose most similar name is their own."""
        return Share(int((self.similarities.argmax(axis=1) == self.owners).sum()), len(self.owners))

    @property
    def own(self) -> Floats:
        """Q similarities with the probe's own name."""
        own: Floats = self.similarities[np.arange(len(self.owners)), self.owners]
        return own

    @property
    def wrong(self) -> Floats:
        """Q×(P-1) similarities with the other names."""
        return others(self.similarities, self.owners)


def as_json(found: Verification) -> str:
    """The numbers for programs; each share with its interval."""

    def plain(value: object) -> object:
        if isinstance(value, Share):
            low, high = value.interval
            return {"value": value.value, "low": low, "high": high, "count": value.count, "n": value.n}
        if is_dataclass(value) and not isinstance(value, type):
            return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
        return value

    tar = [{"far": far, "tar": plain(rate)} for far, rate in found.tar]
    roc = [{"far": far, "tar": tar} for far, tar in found.roc]
    whole = {each.name: plain(getattr(found, each.name)) for each in fields(found)}
    return json.dumps({**whole, "tar": tar, "roc": roc}, indent=2)


def part(names: Sequence[str], enrolled: int, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows to enrol, ``enrolled`` of each name, drawn at random, and the rest. Raises BadInput."""
    if enrolled < 1:
        raise BadInput(f"at least one picture of each name has to be enrolled, not {enrolled}")
    labels, people = np.array(names), sorted(set(names))
    if len(people) < 2:
        raise BadInput("an evaluation takes two names at least")
    random = np.random.default_rng(seed)
    chosen = list[npt.NDArray[np.int64]]()
    for name in people:
        rows = np.flatnonzero(labels == name)
        if len(rows) <= enrolled:
            raise BadInput(f"{name} has {len(rows)} pictures: of {enrolled} enrolled none would be left to try")
        chosen.append(random.choice(rows, enrolled, replace=False))
    of_gallery = np.sort(np.concatenate(chosen))
    return of_gallery, np.setdiff1d(np.arange(len(labels)), of_gallery)


def verify(gallery: Gallery, probes: Floats, names: Sequence[str], seed: int = 0) -> Verification:
    """How well a gallery of two names or more tells Q×D ``probes`` apart, whose ``names`` are all enrolled."""
    number = {name: row for row, name in enumerate(gallery.names)}
    scores = Scores(products(gallery.templates, probes), np.array([number[name] for name in names]))
    assert gallery.threshold is not None
    ordered = _Ordered.of(scores)
    curve = ordered.curve(np.ones(len(names)))
    reps = int(np.clip(_WORK / scores.similarities.size, 50, 1000))
    random, n = np.random.default_rng(seed), len(names)
    resampled = [ordered.curve(random.multinomial(n, np.full(n, 1 / n)).astype(float)) for _ in range(reps)]
    pairs = scores.wrong.size

    def sure(value: float, again: Sequence[float]) -> Estimate:
        low, high = np.percentile(again, [2.5, 97.5])
        return Estimate(value, float(low), float(high))

    return Verification(
        len(gallery.names), len(gallery.embeddings), n, pairs, reps,
        rank1=scores.rank1,
        auc=sure(curve.auc, [c.auc for c in resampled]),
        eer=sure(curve.eer, [c.eer for c in resampled]),
        tar=tuple(
            (far, sure(curve.tar_at(far), [c.tar_at(far) for c in resampled]) if pairs * far >= 1 else None)
            for far in FARS
        ),
        roc=curve.points(100),
        at_work=at_work(scores, gallery.threshold),
    )  # fmt: skip


def at_work(scores: Scores, threshold: Threshold) -> AtWork:
    """What a threshold does to scores that it wasn't fitted on."""
    own, wrong = scores.own >= threshold.similarity, scores.wrong >= threshold.similarity
    is_first = scores.similarities.argmax(axis=1) == scores.owners
    n = len(own)
    return AtWork(
        threshold,
        accepted_right=Share(int(own.sum()), n),
        accepted_wrong=Share(int(wrong.sum()), wrong.size),
        strangers=Share(int(wrong.any(axis=1).sum()), n),
        recognised=Share(int((own & is_first).sum()), n),
    )


@dataclass(frozen=True, eq=False)
class Curve:
    """An ROC: the rates as the threshold falls, from (0, 0) to (1, 1)."""

    far: Doubles
    tar: Doubles

    @cached_property
    def auc(self) -> float:
        """The area below it."""
        return float(np.trapezoid(self.tar, self.far))

    @cached_property
    def eer(self) -> float:
        """Where it crosses the line from (0, 1) to (1, 0)."""
        over = self.far + self.tar - 1  # rises from -1 to 1
        after = int(np.argmax(over >= 0))
        before = after - 1
        share = -over[before] / (over[after] - over[before])
        return float(self.far[before] + share * (self.far[after] - self.far[before]))

    def tar_at(self, far: float) -> float:
        """The largest true-accept rate whose false-accept rate is no larger."""
        return float(self.tar[np.searchsorted(self.far, far + 1e-12, side="right") - 1])

    def points(self, most: int) -> tuple[tuple[float, float], ...]:
        """At most so many of its points, the ends among them."""
        kept = np.unique(np.linspace(0, len(self.far) - 1, most).round().astype(int))
        return tuple((float(self.far[i]), float(self.tar[i])) for i in kept)


def roc(scores: Scores) -> Curve:
    """The curve of all comparisons."""
    return _Ordered.of(scores).curve(np.ones(len(scores.owners)))


@dataclass(frozen=True, eq=False)
class _Ordered:
    """All comparisons from the most similar to the least, so that each resample of the probes only counts."""

    probe: npt.NDArray[np.int64]
    is_own: npt.NDArray[np.bool_]
    ends: npt.NDArray[np.int64]
    """The last of each run of equal similarities: no threshold parts those."""

    @classmethod
    def of(cls, scores: Scores) -> "_Ordered":
        probes, names = scores.similarities.shape
        flat = scores.similarities.ravel()
        order = np.argsort(-flat, kind="stable")
        is_own = np.zeros(scores.similarities.shape, bool)
        is_own[np.arange(probes), scores.owners] = True
        ends = np.append(np.flatnonzero(np.diff(flat[order])), len(flat) - 1)
        return cls(order // names, is_own.ravel()[order], ends)

    def curve(self, weights: Doubles) -> Curve:
        """The curve when each probe counts as often as its weight says."""
        weight = weights[self.probe]
        right = np.cumsum(weight * self.is_own)[self.ends]
        wrong = np.cumsum(weight * ~self.is_own)[self.ends]
        return Curve(np.append(0, wrong / wrong[-1]), np.append(0, right / right[-1]))
