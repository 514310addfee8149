"""What the data is, and what the winner makes of it: the charts, tables and pictures of the page's section."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autocls.report import answers, content, labels, pictures
from autocls.report.answers import Answers, Calibration, ClassScore, Confusion
from autocls.report.figures import BLUE, GREY, ORANGE, SKY, Chart, chart, label, plural, rounded, shortened
from autocls.report.labels import LabelAnswers, LabelScore, Overall
from autocls.report.pictures import Mistake, Sheet
from autocls.report.run import Run
from autocls.verdict.wording import percent

FEW_CLASSES = 20
"""More are drawn, and their table is folded."""
WRITTEN, TICKED = 12, 60
"""So many classes' cells have their numbers in them, and so many have their names beside them."""
MOST_BARS = 1000
INK = "#16191d"
"""On cells, which are pale on a dark page too."""
_PARTS = (("train", BLUE), ("validation", SKY), ("sealed test", ORANGE))


@dataclass(frozen=True)
class Data:
    """What the page shows of the data beside its charts."""

    classes: list[tuple[str, int, int, int]]
    """Each with its images in the train, validation and test parts."""
    sizes: str
    balance: str
    broad: bool
    """Whether the confusion needs more room than a phone has."""
    samples: Sheet | None
    augmented: Sheet | None
    scores: list[ClassScore]
    """Empty where images have any number of labels, as ``label_scores`` is where they have one class."""
    label_scores: list[LabelScore]
    overall: Overall
    """Of labels."""
    hardest: str
    mistakes: list[Mistake]
    wrong: int
    """Of the test part's images."""


def data(run: Run) -> Data:
    """The section."""
    classes, said, of_labels = content.classes(run.summary), Answers.of(run), LabelAnswers.of(run)
    scores, label_scores = answers.class_scores(said), labels.label_scores(of_labels)
    return Data(
        classes,
        sizes(content.images(run.summary)),
        balance(classes),
        len(classes) > 6 and max(len(name) for name, *_ in classes) > 5,
        pictures.sheet(run, "samples"),
        pictures.sheet(run, "augmented"),
        scores,
        label_scores,
        labels.overall(of_labels, label_scores),
        labels.hardest(label_scores) if label_scores else answers.hardest(scores),
        pictures.mistakes(run),
        int((~said.right).sum()) + int(of_labels.wrong.any(axis=1).sum()),
    )


def charts(run: Run) -> dict[str, Chart | None]:
    """The section's charts by name; None where there is nothing to draw."""
    of_labels = LabelAnswers.of(run)
    said = label_charts(of_labels) if len(of_labels) else answer_charts(Answers.of(run))
    return {"classes": class_chart(content.classes(run.summary)), **said}


def label_charts(said: LabelAnswers) -> dict[str, Chart | None]:
    """Of answers to images with any number of labels; None where there is nothing to draw."""
    calibration = labels.calibration(said)
    return {"calibration": calibration_chart(calibration) if calibration else None}


def answer_charts(said: Answers) -> dict[str, Chart | None]:
    """Of answers to labelled images; None where there is nothing to draw."""
    confusion, calibration = answers.confusion(said), answers.calibration(said)
    return {
        "confusion": confusion_chart(confusion) if confusion else None,
        "calibration": calibration_chart(calibration) if calibration else None,
    }


def sizes(parts: Sequence[int]) -> str:
    """How many images each part has, in a sentence."""
    whole = sum(parts)
    if not whole:
        return ""
    train, validate, test = (f"{n:,} ({100 * n / whole:.0f} %)" for n in parts)
    return f"Of {whole:,} images {train} train, {validate} validate and {test} are the sealed test part"


def balance(classes: Sequence[tuple[str, int, int, int]]) -> str:
    """How unequal the classes are, in one line."""
    images = [(train + val + test, name) for name, train, val, test in classes]
    if not images or not any(n for n, _ in images):
        return ""
    (least, smallest), (most, largest) = min(images), max(images)
    if most <= 1.2 * least:
        return f"{len(classes):,} classes of nearly the same size"
    if not least:
        return f"“{shortened(smallest)}” has no image, “{shortened(largest)}” {most:,}"
    return f"“{shortened(largest)}” has {most / least:.1f} times the images of “{shortened(smallest)}”"


def class_chart(classes: Sequence[tuple[str, int, int, int]]) -> Chart | None:
    """Images of each class and part, the largest class first; None for few classes, whose table says it all."""
    if len(classes) <= FEW_CLASSES or not any(any(images) for _, *images in classes):
        return None
    ordered = sorted(classes, key=lambda row: -(row[1] + row[2] + row[3]))
    step = math.ceil(len(ordered) / MOST_BARS)
    drawn, said = ordered[::step], "" if step == 1 else f" (every {step}th of {len(classes):,} is drawn)"
    out = chart(balance(classes) + said, "class, the largest first", "images")
    out["data"] = [
        {
            "type": "bar", "name": name, "x": list(range(len(drawn))), "y": [row[i] for row in drawn],
            "marker": {"color": color}, "customdata": [label(row[0]) for row in drawn],
            "hovertemplate": f"%{{customdata}}, {name}: %{{y:,}} images<extra></extra>",
        }
        for i, (name, color) in enumerate(_PARTS, 1)
    ]  # fmt: skip
    out["layout"] |= {"barmode": "stack", "bargap": 0.1}
    out["layout"]["yaxis"] |= {"tickformat": ",d", "rangemode": "tozero"}
    ticks = list(range(len(drawn))) if len(drawn) <= TICKED else []
    out["layout"]["xaxis"] |= {
        "tickvals": ticks, "ticktext": [label(shortened(drawn[i][0], 14)) for i in ticks], "tickangle": -60,
    }  # fmt: skip
    return out


def confusion_chart(whole: Confusion) -> Chart:
    """Which class was taken for which: right answers in one colour, mistakes in another, each by its share of a row."""
    part = whole.most_confused()
    k, left = len(part.names), len(whole.names) - len(part.names)
    said = f"; the {k} of {len(whole.names)} classes with the most mistakes" if left else ""
    out = chart(whole.finding + said, "given class", "true class", height=min(140 + 34 * k, 720))
    shares = part.counts / np.maximum(part.images, 1)[:, None]
    right = np.eye(k, dtype=bool)
    labels = [label(shortened(name, 16)) for name in part.names]
    hover = [[_cell(part, i, j) for j in range(k)] for i in range(k)]
    out["data"] = [
        {
            "type": "heatmap", "name": name, "z": _masked(shares, shown), "customdata": hover, "xgap": 1, "ygap": 1,
            "colorscale": [[0, pale], [1, deep]], "zmin": 0, "zmax": float(shares[shown].max(initial=1e-9)),
            "showscale": False, "hovertemplate": "%{customdata}<extra></extra>", "hoverongaps": False,
            "text": _written(part.counts), "texttemplate": "%{text}" if k <= WRITTEN else "",
            "textfont": {"color": INK},
        }
        for name, shown, pale, deep in (
            ("right", right, "#e3eef6", "#8cbcdc"), ("mistakes", ~right & (part.counts > 0), "#fae3d5", "#f0955a"),
        )
    ]  # fmt: skip
    ticks = {"tickvals": list(range(k)), "ticktext": labels, "showgrid": False, "tickformat": ""}
    aslant = k > 6 and max(map(len, part.names)) > 3
    out["layout"]["xaxis"] |= ticks | {"tickangle": -45 if aslant else 0}
    out["layout"]["yaxis"] |= ticks | {"range": [k - 0.5, -0.5], "title": {"text": "true class", "standoff": 8}}
    return out


def calibration_chart(calibration: Calibration) -> Chart:
    """How often answers of each confidence are right, above how many there are of them."""
    bins = calibration.bins
    out = chart(calibration.finding, "how sure it is", "how often it is right", height=440)
    said = [
        f"{100 * b.start:.0f} to {100 * b.end:.0f} % sure: {plural(b.n, 'image')}, right in {percent(b.right)}"
        for b in bins
    ]
    x = rounded(b.confidence for b in bins)
    out["data"] = [
        {
            "type": "scatter", "mode": "lines", "name": "as often right as sure", "x": [0, 1], "y": [0, 1],
            "hoverinfo": "skip", "line": {"color": GREY, "dash": "dash", "width": 1.5},
        },
        {
            "type": "scatter", "mode": "lines+markers", "name": "answers, 95 % intervals", "x": x,
            "y": rounded(b.right for b in bins), "customdata": said, "line": {"color": BLUE, "width": 1.5},
            "marker": {"size": 8, "color": BLUE}, "hovertemplate": "%{customdata}<extra></extra>",
            "error_y": {
                "type": "data", "symmetric": False, "color": BLUE, "thickness": 1, "width": 3,
                "array": rounded(max(b.high - b.right, 0) for b in bins),
                "arrayminus": rounded(max(b.right - b.low, 0) for b in bins),
            },
        },
        {
            "type": "bar", "showlegend": False, "name": "images", "yaxis": "y2", "marker": {"color": SKY},
            "x": rounded((b.start + b.end) / 2 for b in bins), "width": [0.9 / answers.BINS] * len(bins),
            "y": [b.n for b in bins], "customdata": said, "hovertemplate": "%{customdata}<extra></extra>",
        },
    ]  # fmt: skip
    out["layout"]["xaxis"] |= {"range": [0, 1.01], "tickformat": ".0%", "anchor": "y2"}
    out["layout"]["yaxis"] |= {"range": [0, 1.03], "tickformat": ".0%", "domain": [0.32, 1]}
    out["layout"]["yaxis2"] = {
        "domain": [0, 0.2], "title": {"text": "images"}, "rangemode": "tozero", "zeroline": False, "automargin": True,
        "nticks": 4, "tickformat": ",d",
    }  # fmt: skip
    return out


def _cell(part: Confusion, i: int, j: int) -> str:
    true, given = (label(part.names[k]) for k in (i, j))
    taken = "are recognised" if i == j else f"are taken for “{given}”"
    n, images = int(part.counts[i, j]), int(part.images[i])
    return f"{n:,} of {images:,} of “{true}” {taken} ({percent(n / max(images, 1))})"


def _masked(shares: npt.NDArray[Any], shown: npt.NDArray[Any]) -> list[list[float | None]]:
    """The shares that are shown, None for the others."""
    return [
        [round(float(share), 4) if on else None for share, on in zip(*row, strict=True)]
        for row in zip(shares, shown, strict=True)
    ]


def _written(counts: npt.NDArray[Any]) -> list[list[str]]:
    return [[f"{n:,}" if n else "" for n in row] for row in counts.tolist()]
