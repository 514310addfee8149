"""The images that an exported classifier is checked, calibrated and measured on."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from autocls.data import prepare, to_square
from autocls.deploy.export.checking import BATCHES
from autocls.deploy.export.formats import Pixels
from autocls.errors import BadInput, unknown
from autocls.training.artifact import ModelCard

log = logging.getLogger("autocls")

CALIBRATION = 256
"""Images whose activations say the ranges of a statically quantised network."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Images of a user's data, as the network takes them."""

    name: str
    calibration: Pixels
    """Some of the train part."""
    test: Pixels
    labels: npt.NDArray[np.int64] | None
    """Of the test part: the columns of the network's answers; None of multi-label images."""

    @classmethod
    def of(cls, card: ModelCard, source: str | Path) -> "Samples":
        """The images of a source that ``prepare`` takes, split as the model's training split them. Raises BadInput."""
        prepared = prepare(source, seed=card.seed, sizes=[card.image_size], skip_bad=True)
        for label in prepared.classes:
            if label not in card.labels:
                raise BadInput(f"--data {source}: the model can't tell this: {unknown('label', label, card.labels)}")
        for note in prepared.notes:
            log.info("%s", note)
        data = prepared.at(card.image_size)
        columns = np.array([card.labels.index(name) for name in data.classes])
        some = np.random.default_rng(0).permutation(data.split.train)[:CALIBRATION]

        def taken(rows: npt.NDArray[np.intp]) -> Pixels:
            return np.stack([as_taken(image, card.channels) for image in data.images[rows]])

        labels = None if data.multilabel else columns[data.labels[data.split.test]]
        return cls(prepared.name, taken(some), taken(data.split.test), labels)

    def checked(self) -> Pixels:
        """The images to check an export on."""
        return np.concatenate([self.test, self.calibration])[: sum(BATCHES)]


def as_taken(image: Pixels, channels: int) -> Pixels:
    """A C×S×S image of data that may all be grey, or in colour, with the channels that a network takes."""
    plain = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    return to_square(Image.fromarray(np.ascontiguousarray(plain)), image.shape[-1], channels)


def generated(channels: int, size: int, number: int = sum(BATCHES)) -> Pixels:
    """Random pictures from smooth to rough, the same each time: for a model whose data are not at hand."""
    random = np.random.default_rng(0)
    sides = [side for side in (1, 2, 4, 8, 16, 32, 64) if side < size] + [size]

    def plane(side: int) -> Pixels:
        rough = Image.fromarray(random.integers(0, 256, (side, side), dtype=np.uint8))
        return np.asarray(rough.resize((size, size), Image.Resampling.BILINEAR))

    return np.stack([np.stack([plane(sides[i % len(sides)]) for _ in range(channels)]) for i in range(number)])
