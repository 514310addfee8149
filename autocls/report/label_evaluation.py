"""What a multi-label model comes to on labelled images, in words, as JSON and as a page."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autocls.report import labels
from autocls.report.answers import BINS, bin_of
from autocls.report.data import label_charts
from autocls.report.evaluation import MISTAKES, RESAMPLES, Measure, finite
from autocls.report.labels import LabelAnswers, LabelScore
from autocls.report.page import place, plotly
from autocls.verdict.wording import percent, shares


@dataclass(frozen=True, eq=False)
class LabelEvaluation:
    """A multi-label model's answers to labelled images."""

    model: str
    data: str
    """Which images these are, as a person reads it: ``photos/, the test part``."""
    said: LabelAnswers
    notes: tuple[str, ...] = ()
    """What else is to be known of the images, such as those that can't be read."""

    @cached_property
    def scores(self) -> list[LabelScore]:
        """Of each label, the worst told first."""
        return labels.label_scores(self.said)

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The model's numbers, with intervals as of a single-label evaluation: over draws of the images."""
        said, table, chance = labels.overall(self.said, self.scores), _Table(self.said), np.random.default_rng(0)
        n = len(self.said)
        drawn = [np.bincount(chance.integers(0, n, n), minlength=n).astype(np.float64) for _ in range(RESAMPLES)]
        calibration = labels.calibration(self.said)

        def bootstrapped(name: str, value: float, of: Callable[[npt.NDArray[np.float64]], float]) -> Measure:
            return Measure.bootstrapped(name, value, map(of, drawn))

        return (
            bootstrapped("mAP", said.mean_average_precision, table.mean_average_precision),
            bootstrapped("macro-F1", said.macro_f1, table.macro_f1),
            bootstrapped("micro-F1", table.micro_f1(np.ones(n)), table.micro_f1),
            Measure.counted("all labels right", said.exact, n),
            bootstrapped("calibration error", calibration.error if calibration else np.nan, table.calibration_error),
        )

    @property
    def heading(self) -> str:
        """What was evaluated on how much, in one line."""
        there = int(self.said.there.any(axis=0).sum())
        of = f"{there:,}" if there == len(self.said.classes) else f"{there:,} of the {len(self.said.classes):,}"
        return f"{self.data}: {len(self.said):,} images with {of} labels, {self.said.there.sum(1).mean():.2f} an image"


class _Table:
    """What the numbers of resampled images are computed from; ``times`` (N) is how often each image was drawn."""

    def __init__(self, said: LabelAnswers) -> None:
        self._there, self._given = said.there.astype(np.float64), said.given.astype(np.float64)
        self._order = np.argsort(-said.probability, axis=0, kind="stable")
        self._sorted = np.take_along_axis(self._there, self._order, axis=0)
        self._gap = self._there - said.probability
        self._bin = bin_of(said.probability.ravel())

    def mean_average_precision(self, times: npt.NDArray[np.float64]) -> float:
        drawn = times[self._order]
        found = np.cumsum(drawn * self._sorted, axis=0)
        precision = found / np.maximum(np.cumsum(drawn, axis=0), 1.0)
        images = found[-1]
        if not images.any():
            return math.nan
        return float(((drawn * self._sorted * precision).sum(0)[images > 0] / images[images > 0]).mean())

    def macro_f1(self, times: npt.NDArray[np.float64]) -> float:
        right, either = self._counts(times)
        there = times @ self._there > 0
        if not there.any():
            return math.nan
        return float((2 * right[there] / either[there]).mean())

    def micro_f1(self, times: npt.NDArray[np.float64]) -> float:
        right, either = self._counts(times)
        return float(2 * right.sum() / max(either.sum(), 1.0))

    def calibration_error(self, times: npt.NDArray[np.float64]) -> float:
        gap = np.bincount(self._bin, (times[:, None] * self._gap).ravel(), minlength=BINS)
        return float(np.abs(gap).sum() / (times.sum() * self._gap.shape[1]))

    def _counts(self, times: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Of each label how often it was rightly given, and how often it was there and was given, added."""
        return times @ (self._there * self._given), times @ (self._there + self._given)


def text(of: LabelEvaluation) -> str:
    """The evaluation for a terminal."""
    lines = [of.heading, *of.notes, ""]
    lines += [f"{measure.name:<20} {measure}" for measure in of.measures]
    width = max(len(name) for name in ("label", *of.said.classes))
    lines += ["", f"{'label':<{width}}      AP  threshold  recall  (95 %)            precision      F1   images"]
    return "\n".join([*lines, *(_line(score, width) for score in of.scores), "", f"{labels.hardest(of.scores)}."])


def _line(score: LabelScore, width: int) -> str:
    average, recall, precision, f1 = (
        percent(value).removesuffix(" %")
        for value in (score.average_precision, score.recall, score.precision, score.f1)
    )
    certain = shares(score.low, score.high).removesuffix(" %")
    return (
        f"{score.name:<{width}}  {average:>6}  {score.threshold:>9.3f}  {recall:>6}  {certain:<16}  {precision:>9}  "
        f"{f1:>6}  {score.support:>7,}"
    )


def as_json(of: LabelEvaluation) -> str:
    """The evaluation for programs."""
    plain = {
        "model": of.model,
        "data": of.data,
        "images": len(of.said),
        "notes": of.notes,
        "measures": {m.name: finite({"value": m.value, "low": m.low, "high": m.high}) for m in of.measures},
        "labels": [finite(asdict(score)) for score in of.scores],
    }
    return json.dumps(plain, ensure_ascii=False, indent=2)


def html(of: LabelEvaluation) -> str:
    """The evaluation as a page that needs no network."""
    return place(
        "label_evaluation.html.j2",
        of=of,
        charts={name: chart for name, chart in label_charts(of.said).items() if chart},
        hardest=labels.hardest(of.scores),
        mistakes=_mistakes(of.said),
        plotly=plotly(),
    )


def _mistakes(said: LabelAnswers) -> Sequence[tuple[str, str, str]]:
    """The images with a label farthest beyond its threshold: name, true labels, given labels."""
    beyond = np.where(said.wrong, np.abs(said.probability - said.threshold), -1.0).max(axis=1)
    farthest = [int(row) for row in np.argsort(-beyond, kind="stable")[:MISTAKES] if beyond[row] >= 0]
    return [(said.names[row], said.named(said.there[row]), said.named(said.given[row])) for row in farthest]
