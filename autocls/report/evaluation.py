"""What a model comes to on labelled images, in words, as JSON and as a page."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from autocls.report import answers
from autocls.report.answers import Answers, ClassScore
from autocls.report.data import answer_charts
from autocls.report.page import place, plotly
from autocls.report.wilson import interval
from autocls.verdict.wording import percent, shares

RESAMPLES = 1000
TOP = 5
_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Measure:
    """One number with its 95 % interval over draws of the images."""

    name: str
    value: float
    low: float
    high: float
    share: bool
    """Whether it lies in 0..1, and reads as a percentage."""

    @classmethod
    def counted(cls, name: str, right: float, n: int) -> "Measure":
        """The share ``right`` of ``n`` images, with Wilson's interval, which stays honest at 100 %."""
        return cls(name, right, *interval(right, n), share=True)

    @classmethod
    def bootstrapped(cls, name: str, value: float, draws: Iterable[float], share: bool = True) -> "Measure":
        """A value with the middle 95 % of what it was on bootstrap draws of the images (Efron 1979).

        They are moved by what their mean differs from the value: of the calibration error, which noise can only raise,
        drawing again raises it once more. Draws are left out in which the value isn't known (NaN), as where few images
        have a label at all.
        """
        values = np.array([draw for draw in draws if not math.isnan(draw)])
        if math.isnan(value) or not len(values):
            return cls(name, value, math.nan, math.nan, share)
        low, high = np.quantile(values, [0.025, 0.975]) - values.mean() + value
        return cls(name, value, max(float(low), 0.0), min(float(high), 1.0 if share else math.inf), share)

    def __str__(self) -> str:
        if self.share:
            return f"{percent(self.value)} ({shares(self.low, self.high)})"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model's answers to N labelled images of K classes."""

    model: str
    data: str
    """Which images these are, as a person reads it: ``photos/, the test part``."""
    names: tuple[str, ...]
    classes: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    """N, index into ``classes``."""
    probabilities: npt.NDArray[np.float32]
    """N×K, 0..1."""
    notes: tuple[str, ...] = ()
    """What else is to be known of the images, such as those that can't be read."""

    @cached_property
    def said(self) -> Answers:
        """The answers, as the tables and charts take them."""
        given, sure = self.probabilities.argmax(axis=1), self.probabilities.max(axis=1)
        return Answers(self.classes, self.labels, given, sure.astype(np.float64))

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The model's numbers."""
        table = _Table.of(self.labels, self.probabilities)
        n, chance = len(self.labels), np.random.default_rng(0)
        drawn: dict[str, list[float]] = {name: [] for name in _NUMBERS}
        for _ in range(RESAMPLES):
            draw = table.take(chance.integers(0, n, n))
            for name, number in _NUMBERS.items():
                drawn[name].append(number(draw))

        def bootstrapped(name: str, share: bool = True) -> Measure:
            return Measure.bootstrapped(name, _NUMBERS[name](table), drawn[name], share)

        among_top = Measure.counted(f"top-{TOP} accuracy", float(table.among_top.mean()), n)
        return (
            Measure.counted("accuracy", float(table.right.mean()), n),
            bootstrapped("balanced accuracy"),
            bootstrapped("macro-F1"),
            *([among_top] if len(self.classes) > TOP else ()),
            bootstrapped("log-loss", share=False),
            bootstrapped("calibration error"),
        )

    @cached_property
    def scores(self) -> list[ClassScore]:
        """Of each class that has an image or was given, the one with the lowest recall first."""
        return [score for score in answers.class_scores(self.said) if score.support or not np.isnan(score.precision)]

    @property
    def heading(self) -> str:
        """What was evaluated on how much, in one line."""
        there = len(np.unique(self.labels))
        of = f"{there:,}" if there == len(self.classes) else f"{there:,} of the {len(self.classes):,}"
        return f"{self.data}: {len(self.labels):,} images of {of} classes"


@dataclass(frozen=True, eq=False)
class _Table:
    """What the numbers are computed from, a row an image."""

    label: npt.NDArray[np.int64]
    given: npt.NDArray[np.int64]
    right: npt.NDArray[np.bool_]
    among_top: npt.NDArray[np.bool_]
    confidence: npt.NDArray[np.float64]
    surprise: npt.NDArray[np.float64]
    place: npt.NDArray[np.int64]

    @classmethod
    def of(cls, labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> "_Table":
        given, sure = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float64)
        own = np.take_along_axis(probabilities, labels[:, None], axis=1).astype(np.float64)
        likelier = (probabilities > own).sum(axis=1)
        surprise = -np.log(np.maximum(own[:, 0], _SMALLEST))
        return cls(labels, given, given == labels, likelier < TOP, sure, surprise, answers.bin_of(sure))

    def take(self, rows: npt.NDArray[np.int64]) -> "_Table":
        return _Table(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def balanced_accuracy(self) -> float:
        right, there, _ = self._counts()
        return float((right[there > 0] / there[there > 0]).mean())

    def macro_f1(self) -> float:
        right, there, given = self._counts()
        either = there + given
        return float((2 * right[either > 0] / either[either > 0]).mean())

    def log_loss(self) -> float:
        return float(self.surprise.mean())

    def calibration_error(self) -> float:
        gap = np.bincount(self.place, self.right - self.confidence)
        return float(np.abs(gap).sum() / len(self.right))

    def _counts(self) -> tuple[npt.NDArray[np.int64], ...]:
        """Of each class: how often it was rightly given, how often it was there, how often it was given."""
        classes = int(max(self.label.max(), self.given.max())) + 1
        return tuple(np.bincount(of, minlength=classes) for of in (self.label[self.right], self.label, self.given))


_NUMBERS: dict[str, Callable[[_Table], float]] = {
    "balanced accuracy": _Table.balanced_accuracy,
    "macro-F1": _Table.macro_f1,
    "log-loss": _Table.log_loss,
    "calibration error": _Table.calibration_error,
}


def text(of: Evaluation) -> str:
    """The evaluation for a terminal."""
    confused = answers.confusion(of.said)
    lines = [of.heading, *of.notes, ""]
    lines += [f"{measure.name:<20} {measure}" for measure in of.measures]
    width = max(len(name) for name in ("class", *of.classes))
    lines += ["", f"{'class':<{width}}  recall  (95 %)            precision  F1       images"]
    lines += [_class_line(score, width) for score in of.scores]
    if confused is not None:
        lines += ["", f"{confused.finding}.", *_matrix(confused.most_confused())]
    return "\n".join(lines)


def _class_line(score: ClassScore, width: int) -> str:
    recall, precision, f1 = (percent(value).removesuffix(" %") for value in (score.recall, score.precision, score.f1))
    certain = shares(score.low, score.high).removesuffix(" %")
    return f"{score.name:<{width}}  {recall:>6}  {certain:<16}  {precision:>9}  {f1:>6}  {score.support:>7,}"


def _matrix(confused: answers.Confusion) -> list[str]:
    """The counts, true classes downwards; of many classes it is left to the page."""
    if len(confused.names) > 12:
        return [f"The page and --json have the counts of all {len(confused.names):,} classes."]
    cells = [["", *confused.names]] + [
        [name, *map(str, row)] for name, row in zip(confused.names, confused.counts.tolist(), strict=True)
    ]
    first, *others = (max(map(len, column)) for column in zip(*cells, strict=True))
    return ["true class below, given class beside:"] + [
        "  ".join([row[0].ljust(first), *(cell.rjust(w) for cell, w in zip(row[1:], others, strict=True))])
        for row in cells
    ]


def as_json(of: Evaluation) -> str:
    """The evaluation for programs."""
    confused = answers.confusion(of.said)
    plain = {
        "model": of.model,
        "data": of.data,
        "images": len(of.labels),
        "notes": of.notes,
        "measures": {m.name: {"value": m.value, "low": m.low, "high": m.high} for m in of.measures},
        "classes": [finite(asdict(score)) for score in of.scores],
        "confusion": {"classes": of.classes, "counts": confused.counts.tolist() if confused else []},
    }
    return json.dumps(plain, ensure_ascii=False, indent=2)


def finite(values: dict[str, Any]) -> dict[str, Any]:
    """Values as JSON has them, None for what is not known."""
    return {name: None if value != value else value for name, value in values.items()}


def html(of: Evaluation) -> str:
    """The evaluation as a page that needs no network."""
    drawn = {name: chart for name, chart in answer_charts(of.said).items() if chart}
    return place(
        "evaluation.html.j2",
        of=of,
        charts=drawn,
        hardest=answers.hardest(of.scores),
        mistakes=_mistakes(of),
        broad=len(of.classes) > 6,
        plotly=plotly(),
    )


MISTAKES = 50


def _mistakes(of: Evaluation) -> Sequence[tuple[str, str, str, float]]:
    """The most confident ones: name, true class, given class, with what probability."""
    wrong = np.flatnonzero(~of.said.right)
    surest = wrong[np.argsort(-of.said.confidence[wrong], kind="stable")][:MISTAKES]
    return [
        (of.names[i], of.classes[of.labels[i]], of.classes[of.said.given[i]], float(of.said.confidence[i]))
        for i in surest
    ]
