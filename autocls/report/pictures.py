"""Thumbnails as images that stand in the page itself."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from autocls.report.answers import names
from autocls.report.run import Run
from autocls.verdict.wording import percent

TINY = 48
"""Pictures of at most so many pixels a side are kept exactly, and shown enlarged without smoothing."""
SHOWN = 56
"""About so many pixels a picture takes on the page."""
MOST_ROWS, MOST_EACH, MOST_MISTAKES = 12, 8, 18
GAP = 2
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
    """An image that the winner took for another class."""

    picture: Picture
    name: str
    true: str
    given: str
    confidence: float


def sheet(run: Run, which: str) -> Sheet | None:
    """The pictures ``samples`` or ``augmented``, by class; None without them."""
    pictures, labels = run.pictures.get(which), run.pictures.get("labels")
    if pictures is None or labels is None or not len(pictures):
        return None
    said = names(run)
    there = np.unique(labels)
    kept = [int(label) for label in there[:MOST_ROWS]]
    rows = [pictures[labels == label][:MOST_EACH] for label in kept]
    classes = tuple(said[label] if label < len(said) else str(label) for label in kept)
    how = "as they are" if which == "samples" else "as the winner's training saw them"
    alt = f"Training images {how}, a row for each class: {', '.join(classes)}"
    side, wide = max(pictures.shape[1:3]), max(map(len, rows))
    scale = _scale(side)
    return Sheet(classes, len(there) - len(kept), _picture(_grid(rows, wide), alt, side, scale))


def mistakes(run: Run) -> list[Mistake]:
    """The most confident mistakes on the test part, as far as there are pictures of them."""
    pictures, rows = run.pictures.get("mistakes"), run.pictures.get("rows")
    if pictures is None or rows is None or run.answers.empty:
        return []
    said, out = names(run), []
    for pixels, row in list(zip(pictures, rows, strict=False))[:MOST_MISTAKES]:
        answer = run.answers.iloc[int(row)]
        true, given = said[int(answer["label"])], said[int(answer["winner"])]
        alt = f"{answer['name']}: “{true}” taken for “{given}”, {percent(float(answer['confidence']))} sure"
        side = max(pixels.shape[:2])
        picture = _picture(pixels, alt, side, 2 * SHOWN / side if side > TINY else 2 * _scale(side))
        out.append(Mistake(picture, str(answer["name"]), true, given, float(answer["confidence"])))
    return out


def _grid(rows: list[Pixels], wide: int) -> Pixels:
    """Rows of pictures on a clear ground, whose last channel says where there is one."""
    high, across, channels = rows[0].shape[1:]
    out: Pixels = np.zeros((len(rows) * (high + GAP) - GAP, wide * (across + GAP) - GAP, channels + 1), np.uint8)
    for i, row in enumerate(rows):
        for j, pixels in enumerate(row):
            at = np.s_[i * (high + GAP) : i * (high + GAP) + high, j * (across + GAP) : j * (across + GAP) + across]
            out[at] = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=-1)
    return out


def _scale(side: int) -> float:
    """How much a picture is enlarged: tiny ones by whole numbers, so that all their pixels are alike."""
    return max(1, round(SHOWN / side)) if side <= TINY else SHOWN / side


def _picture(pixels: Pixels, alt: str, side: int, scale: float) -> Picture:
    """Tiny pictures are PNG; larger ones are WebP, which takes a tenth of the page."""
    tiny, out = side <= TINY, io.BytesIO()
    # "L", "LA", "RGB" or "RGBA" by the number of channels
    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    if tiny:
        image.save(out, "png", optimize=True)
    else:
        image.save(out, "webp", quality=75)
    kind = "png" if tiny else "webp"
    uri = f"data:image/{kind};base64,{base64.b64encode(out.getvalue()).decode()}"
    high, wide = pixels.shape[:2]
    return Picture(uri, alt, round(wide * scale), round(high * scale), tiny)
