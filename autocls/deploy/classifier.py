"""A trained classifier at work: images in, labels with probabilities out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from autocls.data import read_image, to_square
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.training.artifact import ModelCard, load
from autocls.training.batches import EVALUATION_BATCH, normalise, statistics
from autocls.training.inference import default_device, predict, views

Picture = str | Path | Image.Image | np.ndarray


@dataclass(frozen=True)
class Prediction:
    """Labels with their probabilities (0..1), the likeliest first."""

    ranked: tuple[tuple[str, float], ...]

    @property
    def label(self) -> str:
        return self.ranked[0][0]

    def __str__(self) -> str:
        return ", ".join(f"{label} {percent(p)}" for label, p in self.ranked)


def percent(probability: float) -> str:
    """``95 %``; ``<1 %`` rather than a 0 that it is not."""
    return "<1 %" if 0 < probability < 0.005 else f"{probability:.0%}".replace("%", " %")


class Classifier:
    """A trained network with its labels and preprocessing."""

    def __init__(self, model: nn.Module, recipe: Recipe, card: ModelCard) -> None:
        self._device = default_device()
        self._model = model.to(self._device)
        self.recipe = recipe
        self.card = card

    @classmethod
    def load(cls, folder: str | Path) -> "Classifier":
        """The classifier in a model folder. Raises BadInput."""
        return cls(*load(Path(folder)))

    @property
    def labels(self) -> tuple[str, ...]:
        return self.card.labels

    def predict_proba(self, pictures: Iterable[Picture]) -> np.ndarray:
        """N×K probabilities in the order of ``labels``.

        A picture is a path, a PIL image, or a uint8 array (H×W or H×W×C). Raises BadInput for one that can't be read.
        """
        prepared = [to_square(_open(p), self.card.image_size, self.card.channels) for p in pictures]
        if not prepared:
            return np.empty((0, len(self.labels)))
        mean, std = statistics(self.card.mean, self.card.std, self._device)
        images = torch.from_numpy(np.stack(prepared)).to(self._device)
        batches = (normalise(part.float() / 255, mean, std) for part in torch.split(images, EVALUATION_BATCH))
        probabilities: np.ndarray = (
            self.recipe.loss.probabilities(predict(self._model, batches, views(self.recipe))).cpu().numpy()
        )
        return probabilities

    def predict(self, pictures: Sequence[Picture], top: int = 3) -> list[Prediction]:
        """The ``top`` likeliest labels of each picture; takes what ``predict_proba`` takes."""
        if top < 1:
            raise BadInput(f"top must be at least 1, not {top}")
        out = []
        for row in self.predict_proba(pictures):
            likeliest = np.argsort(-row, kind="stable")[:top]
            out.append(Prediction(tuple((self.labels[i], float(row[i])) for i in likeliest)))
        return out


def _open(picture: Picture) -> Image.Image:
    if isinstance(picture, Image.Image):
        return picture
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
