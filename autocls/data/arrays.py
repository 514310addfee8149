"""Images that are arrays already: an .npz file, and the digits that come with scikit-learn."""

import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from autocls.data.listing import Item, Listing, few
from autocls.errors import BadInput


def list_npz(file: Path) -> Listing:
    """The images ``x`` (uint8, N×H×W or N×H×W×C with C in 1, 3, 4) and labels ``y`` (N integers or strings).

    Raises `BadInput`, saying what was found, for anything else.
    """
    images, labels = _load(file)
    if images.dtype != np.uint8:
        raise BadInput(f"{file}: x must be uint8 (0..255) and is {images.dtype}")
    if images.ndim not in (3, 4) or 0 in images.shape or (images.ndim == 4 and images.shape[3] not in (1, 3, 4)):
        raise BadInput(f"{file}: x must be N×H×W or N×H×W×C with C in 1, 3, 4 and is {_shape(images)}")
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iuU":
        raise BadInput(
            f"{file}: y must be {len(images)} integers or strings, one per image, "
            f"and is {_shape(labels)} of {labels.dtype}"
        )
    empty = [str(row) for row in np.flatnonzero(labels.astype(str) == "")]
    if empty:
        raise BadInput(f"{file}: y is empty in row {few(empty)}")
    return Listing(file.stem, _items(images, labels))


def list_digits() -> Listing:
    """1,797 handwritten digits, 8×8, grey."""
    from sklearn.datasets import load_digits  # slow to import, and few need it

    digits = load_digits()
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)
    return Listing("digits", _items(images, digits.target))


def _load(file: Path) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            if not {"x", "y"} <= set(arrays):
                raise BadInput(f"{file}: needs the arrays x and y and has {', '.join(arrays) or 'none'}")
            return arrays["x"], arrays["y"]
    except BadInput:
        raise
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise BadInput(f"{file}: not an .npz of plain arrays ({error})") from error


def _items(images: npt.NDArray[np.generic], labels: npt.NDArray[np.generic]) -> list[Item]:
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    return [
        Item(f"row {row}", (str(label),), "train", partial(Image.fromarray, image))
        for row, (image, label) in enumerate(zip(images, labels, strict=True))
    ]


def _shape(array: npt.NDArray[np.generic]) -> str:
    return "×".join(map(str, array.shape)) or "a single value"
