"""A trained classifier at work: images in, labels with probabilities out."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from os import cpu_count
from pathlib import Path
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

from autocls.data import read_image, to_square
from autocls.data.images import decode
from autocls.deploy.answering import Answering
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.training.artifact import ModelCard, load
from autocls.training.batches import EVALUATION_BATCH
from autocls.training.inference import default_device

TOP = 3
"""Labels that are listed of a picture unless it is said otherwise."""

Picture = str | Path | Image.Image | np.ndarray


@dataclass(frozen=True)
class Prediction:
    """Labels with their probabilities (0..1), the likeliest first; of a multi-label model only those it gives."""

    ranked: tuple[tuple[str, float], ...]

    @property
    def label(self) -> str:
        return self.ranked[0][0]

    def above(self, threshold: float) -> "Prediction":
        """The labels that are at least so probable; perhaps none."""
        return Prediction(tuple((label, p) for label, p in self.ranked if p >= threshold))

    def __bool__(self) -> bool:
        return bool(self.ranked)

    def __str__(self) -> str:
        return ", ".join(f"{label} {percent(p)}" for label, p in self.ranked)


def percent(probability: float) -> str:
    """``95 %``; ``<1 %`` rather than a 0 that it is not."""
    return "<1 %" if 0 < probability < 0.005 else f"{probability:.0%}".replace("%", " %")


@dataclass(frozen=True, eq=False)
class Predictions(Sequence[Prediction]):
    """What a classifier says of N pictures, in their order: a sequence of ``Prediction``, and the numbers behind it."""

    classes: tuple[str, ...]
    """All K labels that it knows."""
    probabilities: npt.NDArray[np.float32]
    """N×K, 0..1, the columns as in ``classes``."""
    top: int | None
    """How many labels each prediction lists at the most; None for all."""
    thresholds: tuple[float, ...] | None = None
    """Of a multi-label model the probability from which on each label is listed."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The likeliest label of each picture."""
        return tuple(self.classes[column] for column in self.probabilities.argmax(axis=1))

    def __len__(self) -> int:
        return len(self.probabilities)

    @overload
    def __getitem__(self, at: int) -> Prediction: ...
    @overload
    def __getitem__(self, at: slice) -> "Predictions": ...
    def __getitem__(self, at: int | slice) -> "Prediction | Predictions":
        if isinstance(at, slice):
            return replace(self, probabilities=self.probabilities[at])
        row = self.probabilities[at]
        listed = row >= (0.0 if self.thresholds is None else np.array(self.thresholds))
        likeliest = [column for column in np.argsort(-row, kind="stable") if listed[column]][: self.top]
        return Prediction(tuple((self.classes[column], float(row[column])) for column in likeliest))


class Classifier:
    """A trained network with its labels and preprocessing."""

    def __init__(self, model: nn.Module, recipe: Recipe, card: ModelCard) -> None:
        self._device = default_device()
        self._answering = Answering(model, recipe, card).to(self._device)
        self.recipe = recipe
        self.card = card

    @classmethod
    def load(cls, folder: str | Path) -> "Classifier":
        """The classifier in a model folder. Raises BadInput."""
        return cls(*load(Path(folder)))

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of ``predict_proba``."""
        return self.card.labels

    @property
    def answering(self) -> Answering:
        """The network with what comes before and after it, on the device where it computes."""
        return self._answering

    def predict_proba(self, pictures: Iterable[Picture], batch_size: int = EVALUATION_BATCH) -> npt.NDArray[np.float32]:
        """N×K calibrated probabilities in the order of ``labels``: 0..1, rows sum to 1 unless the model is multi-label.

        A picture is a path, a PIL image, or a uint8 array (H×W or H×W×C). Raises BadInput for one that can't be read.
        """
        rows = [
            self.answer(np.stack([self.pixels(picture) for picture in some]))
            for some in batched(iter(pictures), batch_size)
        ]
        return np.concatenate([np.empty((0, len(self.labels)), np.float32), *rows])

    def predict(
        self, pictures: Iterable[Picture], top: int | None = None, batch_size: int = EVALUATION_BATCH
    ) -> Predictions:
        """The ``top`` likeliest labels of each picture; takes and raises what ``predict_proba`` does.

        By default these are three, and of a multi-label model all that reach their thresholds.
        """
        return self.listed(self.predict_proba(pictures, batch_size), top)

    def listed(self, probabilities: npt.NDArray[np.float32], top: int | None) -> Predictions:
        """N×K ``probabilities`` as predictions, of the ``top`` likeliest labels; None as in ``predict``."""
        if top is not None and top < 1:
            raise BadInput(f"top must be at least 1, not {top}")
        thresholds = self.card.thresholds
        return Predictions(self.labels, probabilities, top or (TOP if thresholds is None else None), thresholds)

    def stream(
        self, paths: Iterable[Path], top: int | None = None, batch_size: int = EVALUATION_BATCH
    ) -> Iterator[tuple[Path, Prediction | BadInput]]:
        """What each file shows, or why it can't be read, in order, a batch at a time.

        The files of a batch are decoded by threads while the network answers to the one before, so that memory holds
        two batches however many files there are.
        """
        with ThreadPoolExecutor(max(2, cpu_count() or 2)) as pool:
            coming = (
                [(path, pool.submit(self._pixels_or_error, path)) for path in some]
                for some in batched(iter(paths), batch_size)
            )
            ready = next(coming, None)
            while ready is not None:
                following = next(coming, None)
                decoded = [(path, future.result()) for path, future in ready]
                images = [pixels for _, pixels in decoded if isinstance(pixels, np.ndarray)]
                said = iter(self.listed(self.answer(np.stack(images)), top) if images else ())
                for path, pixels in decoded:
                    yield path, next(said) if isinstance(pixels, np.ndarray) else pixels
                ready = following

    def pixels(self, picture: Picture) -> npt.NDArray[np.uint8]:
        """A picture as the network takes it: C×S×S, 0..255. Raises BadInput for one that can't be read."""
        return to_square(_open(picture), self.card.image_size, self.card.channels)

    @torch.inference_mode()
    def answer(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """B×K calibrated probabilities of B×C×S×S ``pixels``, all of them in one batch."""
        said: npt.NDArray[np.float32] = self._answering(torch.from_numpy(pixels).to(self._device)).cpu().numpy()
        return said

    def _pixels_or_error(self, path: Path) -> npt.NDArray[np.uint8] | BadInput:
        try:
            return self.pixels(path)
        except BadInput as error:
            return error


T = TypeVar("T")


def batched(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """Lists of ``size`` items, the last one shorter. Raises BadInput for a size below 1."""
    if size < 1:
        raise BadInput(f"batch_size must be at least 1, not {size}")
    return iter(lambda: list(islice(items, size)), [])


def _open(picture: Picture) -> Image.Image:
    if isinstance(picture, Image.Image):
        return decode(picture)
    if isinstance(picture, np.ndarray):
        return Image.fromarray(_pixels(picture))
    return read_image(Path(picture))


def _pixels(array: np.ndarray) -> np.ndarray:
    """The array as H×W or H×W×C. Raises BadInput when it is no picture."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if (
        array.dtype != np.uint8
        or not array.size
        or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4)))
    ):
        raise BadInput(f"a picture is a uint8 array H×W or H×W×C (C = 1, 3, 4), not {array.dtype} {array.shape}")
    return array
