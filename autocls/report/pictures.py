"""Thumbnails as images that stand in the page itself."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from autocls.report.answers import Answers
from autocls.report.labels import LabelAnswers
from autocls.report.run import Run
from autocls.verdict.wording import percent

TINY = 48
"""Pictures of at most so many pixels a side are kept exactly, and shown enlarged without smoothing."""
SHOWN = 56
"""About so many pixels a picture takes on the page."""
MOST_ROWS, MOST_EACH, MOST_MISTAKES = 12, 8, 18
GAP = 4
"""Pixels between pictures."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """An image as the page has it."""

    uri: str
    alt: str
    width: int
    """On the page, in pixels; there may be room for less."""
    height: int
    tiny: bool
    """Whether its pixels are to be seen as such."""


@dataclass(frozen=True)
class Sheet:
    """Images of some classes, a row a class."""

    classes: tuple[str, ...]
    left: int
    """Classes that there is no room for."""
    picture: Picture


@dataclass(frozen=True)
class Mistake:
    """An image that the winner took for another class, or gave other labels."""

    picture: Picture
    name: str
    true: str
    given: str
    confidence: float
    of: str = ""
    """What it is so sure of, where several things are said of an image."""


def sheet(run: Run, which: str) -> Sheet | None:
    """The pictures ``samples`` or ``augmented``, by class; None without them."""
    pictures, labels = run.pictures.get(which), run.pictures.get("labels")
    if pictures is None or labels is None or not len(pictures):
        return None
    said = Answers.of(run).classes
    there = np.unique(labels)
    kept = [int(label) for label in there[:MOST_ROWS]]
    rows = [pictures[labels == label][:MOST_EACH] for label in kept]
    classes = tuple(said[label] if label < len(said) else str(label) for label in kept)
    how = "as they are" if which == "samples" else "as the winner's training saw them"
    alt = f"Training images {how}, a row for each class: {', '.join(classes)}"
    grid = _grid([_enlarged(row) for row in rows])
    return Sheet(classes, len(there) - len(kept), _picture(grid, alt, pictures))


def mistakes(run: Run) -> list[Mistake]:
    """The most confident mistakes on the test part, as far as there are pictures of them."""
    pictures, rows = run.pictures.get("mistakes"), run.pictures.get("rows")
    if pictures is None or rows is None:
        return []
    if not run.label_answers.empty:
        return [_of_labels(LabelAnswers.of(run), pixels, int(row)) for pixels, row in _shown(pictures, rows)]
    if run.answers.empty:
        return []
    said, out = Answers.of(run).classes, []
    for pixels, row in _shown(pictures, rows):
        answer = run.answers.iloc[int(row)]
        true, given = said[int(answer["label"])], said[int(answer["winner"])]
        alt = f"{answer['name']}: “{true}” taken for “{given}”, {percent(float(answer['confidence']))} sure"
        picture = _picture(_enlarged(pixels[None], 2 * SHOWN)[0], alt, pixels[None], 2 * SHOWN)
        out.append(Mistake(picture, str(answer["name"]), true, given, float(answer["confidence"])))
    return out


def _of_labels(said: LabelAnswers, pixels: Pixels, row: int) -> Mistake:
    """An image with wrong labels; it is as sure as of the one that is wrong by most."""
    beyond = np.where(said.wrong[row], np.abs(said.probability[row] - said.threshold), -1.0)
    worst = int(beyond.argmax())
    sure = float(said.probability[row, worst] if said.given[row, worst] else 1 - said.probability[row, worst])
    true, given = said.named(said.there[row]), said.named(said.given[row])
    of = f"{'' if said.given[row, worst] else 'no '}{said.classes[worst]}"
    alt = f"{said.names[row]}: {percent(sure)} sure of “{of}”; given {given}, in truth {true}"
    picture = _picture(_enlarged(pixels[None], 2 * SHOWN)[0], alt, pixels[None], 2 * SHOWN)
    return Mistake(picture, said.names[row], true, given, sure, of)


def _shown(pictures: Pixels, rows: npt.NDArray[np.int64]) -> list[tuple[Pixels, np.int64]]:
    return list(zip(pictures, rows, strict=False))[:MOST_MISTAKES]


def _grid(rows: list[Pixels]) -> Pixels:
    """Rows of pictures on a clear ground, whose last channel says where there is one."""
    high, across, channels = rows[0].shape[1:]
    wide = max(map(len, rows))
    out: Pixels = np.zeros((len(rows) * (high + GAP) - GAP, wide * (across + GAP) - GAP, channels + 1), np.uint8)
    for i, row in enumerate(rows):
        for j, pixels in enumerate(row):
            at = np.s_[i * (high + GAP) : i * (high + GAP) + high, j * (across + GAP) : j * (across + GAP) + across]
            out[at] = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=-1)
    return out


def _tiny(pictures: Pixels) -> bool:
    return bool(max(pictures.shape[1:3]) <= TINY)


def _enlarged(pictures: Pixels, shown: int = SHOWN) -> Pixels:
    """Tiny pictures with each pixel as a square of some, so that they are about as large as they are shown."""
    times = max(1, round(shown / max(pictures.shape[1:3])))
    return pictures.repeat(times, axis=1).repeat(times, axis=2) if _tiny(pictures) else pictures


def _picture(pixels: Pixels, alt: str, of: Pixels, shown: int = SHOWN) -> Picture:
    """Pixels that hold some pictures. Tiny ones are PNG; larger ones are WebP, which takes a tenth of the page."""
    tiny, out = _tiny(of), io.BytesIO()
    # "L", "LA", "RGB" or "RGBA" by the number of channels
    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    if tiny:
        image.save(out, "png", optimize=True)
    else:
        image.save(out, "webp", quality=75)
    kind = "png" if tiny else "webp"
    uri = f"data:image/{kind};base64,{base64.b64encode(out.getvalue()).decode()}"
    scale = 1.0 if tiny else shown / max(of.shape[1:3])
    high, wide = (round(scale * side) for side in pixels.shape[:2])
    return Picture(uri, alt, wide, high, tiny)
