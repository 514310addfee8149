"""What a multi-label classifier answers to labelled images: how well it tells each label, and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autocls.report.answers import Calibration, ClassScore, calibration_of, certain
from autocls.report.run import Run
from autocls.verdict.wording import percent


@dataclass(frozen=True, eq=False)
class LabelAnswers:
    """Of N images and K labels which are there, with what probability each was said, and from which on it counts."""

    classes: tuple[str, ...]
    names: tuple[str, ...]
    """The images'."""
    there: npt.NDArray[np.bool_]
    """N×K."""
    probability: npt.NDArray[np.float64]
    """N×K, 0..1."""
    threshold: npt.NDArray[np.float64]
    """K, 0..1."""

    @classmethod
    def of(cls, run: Run) -> "LabelAnswers":
        """Those of a run's winner on the sealed test part; none when it was not opened, or images have one class."""
        table, known = run.label_answers, tuple(str(name) for name in run.summary.get("classes") or [])
        labels = int(table["label"].max()) + 1 if len(table) else len(known)
        shape = (len(table) // max(labels, 1), labels)
        return cls(
            (*known, *(str(i) for i in range(len(known), labels))),
            tuple(table["name"][::labels]) if len(table) else (),
            table["there"].to_numpy(np.bool_).reshape(shape),
            table["probability"].to_numpy(np.float64).reshape(shape),
            table["threshold"].to_numpy(np.float64)[:labels] if len(table) else np.ones(labels),
        )

    def __len__(self) -> int:
        return len(self.there)

    @property
    def given(self) -> npt.NDArray[np.bool_]:
        """N×K, which labels were said."""
        found: npt.NDArray[np.bool_] = self.probability >= self.threshold
        return found

    @property
    def wrong(self) -> npt.NDArray[np.bool_]:
        """N×K, which labels were said though they aren't there, or not said though they are."""
        found: npt.NDArray[np.bool_] = self.given != self.there
        return found

    def named(self, labels: npt.NDArray[np.bool_]) -> str:
        """Labels as a person reads them: ``cat, ball``."""
        return ", ".join(np.array(self.classes, object)[labels]) or "nothing"


@dataclass(frozen=True)
class LabelScore(ClassScore):
    """How well one label is told, given from its threshold on."""

    threshold: float
    average_precision: float
    """Over all thresholds; NaN without an image of it."""


@dataclass(frozen=True)
class Overall:
    """What all labels come to together."""

    images: int
    mean_average_precision: float
    macro_f1: float
    exact: float
    """The share of images with all labels right."""

    def __str__(self) -> str:
        return (
            f"Mean average precision {percent(self.mean_average_precision)}, macro-F1 {percent(self.macro_f1)} at the "
            f"thresholds; all labels right in {percent(self.exact)} of {self.images:,} images"
        )


@dataclass(frozen=True)
class LabelCalibration(Calibration):
    """How sure it is of labels, image by image and label by label, and how often they are there."""

    @property
    def finding(self) -> str:
        """How probable labels are made and how often they are there, in one line."""
        return (
            f"Labels are made {percent(self.confidence)} probable on average, and {percent(self.right)} are there "
            f"(expected calibration error {100 * self.error:.1f} points)"
        )


def label_scores(said: LabelAnswers) -> list[LabelScore]:
    """Each label's, the one with the lowest average precision first; empty when there are no answers."""
    if not len(said):
        return []
    from sklearn.metrics import average_precision_score, precision_recall_fscore_support

    columns = precision_recall_fscore_support(said.there, said.given, average=None, zero_division=np.nan)
    scores = []
    for k, (precision, recall, f1, n) in enumerate(zip(*columns, strict=True)):
        average = average_precision_score(said.there[:, k], said.probability[:, k]) if n else np.nan
        known = float(recall) if n else np.nan
        scores.append(
            LabelScore(
                said.classes[k],
                float(precision),
                known,
                *certain(known, int(n)),
                float(f1),
                int(n),
                float(said.threshold[k]),
                float(average),
            )
        )
    return sorted(scores, key=lambda score: (np.isnan(score.average_precision), score.average_precision))


def overall(said: LabelAnswers, scores: Sequence[LabelScore]) -> Overall:
    """What all labels come to; the means are over those that have an image."""
    there = [score for score in scores if score.support]
    precision = float(np.mean([score.average_precision for score in there])) if there else np.nan
    f1 = float(np.mean([score.f1 for score in there])) if there else np.nan
    return Overall(len(said), precision, f1, float((~said.wrong.any(axis=1)).mean()) if len(said) else np.nan)


def hardest(scores: Sequence[LabelScore]) -> str:
    """What the labels' scores say, in one line."""
    known = [score for score in scores if score.support]
    if not known:
        return "No label has an image here"
    worst = known[0]
    return (
        f"“{worst.name}” is told worst: average precision {percent(worst.average_precision)}, and at its threshold "
        f"{percent(worst.recall)} of {worst.support:,} images are found (95 % {100 * worst.low:.0f} to "
        f"{100 * worst.high:.0f} %)"
    )


def calibration(said: LabelAnswers) -> LabelCalibration | None:
    """Over all pairs of an image and a label; None when there are no answers."""
    if not len(said):
        return None
    found = calibration_of(said.probability.ravel(), said.there.ravel())
    return LabelCalibration(found.bins, found.confidence, found.right, found.n)
