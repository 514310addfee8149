"""What a classifier answers to labelled images: which classes it mistakes, and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from autocls.report.run import Run
from autocls.report.wilson import interval
from autocls.verdict.wording import percent

MOST_CLASSES = 40
"""Of a whole confusion matrix."""
MOST_CONFUSED = 20
"""Of one of more classes."""
BINS = 15
"""As many as Guo et al. have."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Of N images their class, the one that was given, and with what probability."""

    classes: tuple[str, ...]
    """By their index in the others."""
    label: npt.NDArray[np.int64]
    given: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float64]
    """0..1, NaN where it is not known."""

    @classmethod
    def of(cls, run: Run) -> "Answers":
        """Those of a run's winner on the sealed test part; none when it was not opened."""
        table = run.answers
        known = [str(name) for name in run.summary.get("classes") or []]
        most = int(table[["label", "winner"]].to_numpy().max(initial=-1)) + 1
        classes = (*known, *(str(i) for i in range(len(known), most)))
        label, given = (table[column].to_numpy(np.int64) for column in ("label", "winner"))
        return cls(classes, label, given, table["confidence"].to_numpy(np.float64))

    def __len__(self) -> int:
        return len(self.label)

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Of each image, whether its class was given."""
        found: npt.NDArray[np.bool_] = self.label == self.given
        return found


@dataclass(frozen=True)
class Confusion:
    """How often each class was taken for each."""

    names: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    """A row for each true class, a column for each given one."""
    images: npt.NDArray[np.int64]
    """Of each true class, those that were taken for a class that is not among these too."""

    def most_confused(self) -> "Confusion":
        """The whole, or the classes with the most mistakes of very many, in their order."""
        if len(self.names) <= MOST_CLASSES:
            return self
        wrong = self.mistakes.sum(axis=0) + self.mistakes.sum(axis=1)
        kept = np.sort(np.argsort(-wrong, kind="stable")[:MOST_CONFUSED])
        return Confusion(tuple(self.names[i] for i in kept), self.counts[np.ix_(kept, kept)], self.images[kept])

    @property
    def mistakes(self) -> npt.NDArray[np.int64]:
        """The counts without the right ones."""
        return self.counts - np.diag(np.diag(self.counts))

    @property
    def finding(self) -> str:
        """Which mistake is the most frequent, in one line."""
        wrong, images = self.mistakes, int(self.counts.sum())
        if not wrong.any():
            return f"No mistake on {images:,} images"
        true, given = np.unravel_index(wrong.argmax(), wrong.shape)
        most, all_wrong = int(wrong.max()), int(wrong.sum())
        if most == 1:
            return f"No class is taken for the same other one twice in {all_wrong:,} mistakes on {images:,} images"
        return f"{most:,} of {all_wrong:,} mistakes are “{self.names[true]}” taken for “{self.names[given]}”"


@dataclass(frozen=True)
class ClassScore:
    """How well one class is told from the others."""

    name: str
    precision: float
    """NaN where the class was never given."""
    recall: float
    """NaN without an image of it, likewise ``low`` and ``high``."""
    low: float
    """Of recall's 95 % interval, likewise ``high``."""
    high: float
    f1: float
    support: int
    """Images of it."""


@dataclass(frozen=True)
class Bin:
    """Answers of about the same confidence."""

    confidence: float
    """Their mean, likewise ``right``."""
    right: float
    low: float
    """Of the 95 % interval of ``right``, likewise ``high``."""
    high: float
    n: int
    start: float
    """Confidences of the bin are above this, and at most ``end``."""
    end: float


@dataclass(frozen=True)
class Calibration:
    """How sure the answers are, and how often they are right."""

    bins: tuple[Bin, ...]
    """Those of ``BINS`` equal parts of 0..1 that hold an answer."""
    confidence: float
    right: float
    n: int

    @property
    def error(self) -> float:
        """The expected calibration error (Guo et al. 2017, arXiv:1706.04599)."""
        return sum(b.n * abs(b.right - b.confidence) for b in self.bins) / self.n

    @property
    def finding(self) -> str:
        """Whether the answers are as often right as they say, in one line."""
        low, high = interval(self.right, self.n)
        if low <= self.confidence <= high:
            said = "Can't be told from well calibrated overall"
        else:
            said = f"{'Over' if self.confidence > self.right else 'Under'}-confident"
        says = f"says {percent(self.confidence)}, is right in {percent(self.right)}"
        return f"{said}: {says} (expected calibration error {100 * self.error:.1f} points)"


def confusion(said: Answers) -> Confusion | None:
    """None when there are no answers."""
    if not len(said):
        return None
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(said.label, said.given, labels=range(len(said.classes)))
    return Confusion(said.classes, counts, counts.sum(axis=1))


def class_scores(said: Answers) -> list[ClassScore]:
    """Each class's, the one with the lowest recall first; empty when there are no answers."""
    if not len(said):
        return []
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(
        said.label, said.given, labels=range(len(said.classes)), zero_division=np.nan
    )
    return sorted(
        (
            ClassScore(name, float(precision), float(recall), *certain(float(recall), int(n)), float(f1), int(n))
            for name, precision, recall, f1, n in zip(said.classes, *columns, strict=True)
        ),
        key=lambda score: (np.isnan(score.recall), score.recall),
    )


def hardest(scores: Sequence[ClassScore]) -> str:
    """What the classes' scores say, in one line."""
    known = [score for score in scores if score.support]
    if not known:
        return "No class has an image in the test part"
    if known[0].recall == 1:
        return "Every class is recognised every time"
    worst = known[0]
    return (
        f"“{worst.name}” is recognised least often: in {percent(worst.recall)} of {worst.support:,} images "
        f"(95 % {100 * worst.low:.0f} to {100 * worst.high:.0f} %)"
    )


def calibration(said: Answers) -> Calibration | None:
    """None when it is not known how sure the answers are."""
    known = ~np.isnan(said.confidence)
    return calibration_of(said.confidence[known], said.right[known]) if known.any() else None


def calibration_of(confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> Calibration:
    """How often what is said with each confidence is right, of one answer at least."""
    table, place = pd.DataFrame({"confidence": confidence, "right": right}).astype(float), bin_of(confidence)
    bins = tuple(_bin(table[place == i], int(i)) for i in np.unique(place))
    return Calibration(bins, float(table["confidence"].mean()), float(table["right"].mean()), len(table))


def bin_of(confidence: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Which of ``BINS`` equal parts of 0..1 each confidence lies in."""
    place: npt.NDArray[np.int64] = np.clip(np.ceil(confidence * BINS) - 1, 0, BINS - 1).astype(np.int64)
    return place


def _bin(part: pd.DataFrame, i: int) -> Bin:
    right, n = float(part["right"].mean()), len(part)
    return Bin(float(part["confidence"].mean()), right, *certain(right, n), n, i / BINS, (i + 1) / BINS)


def certain(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``n`` images, NaN of none."""
    return interval(share, n) if n else (np.nan, np.nan)
