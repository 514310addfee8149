"""What a run folder keeps for its page besides the trials: answers on the sealed part, pictures, associations."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as F

from autocls.data import ImageData, Prepared
from autocls.files import whole
from autocls.recipe import Recipe
from autocls.search.associations import associations
from autocls.search.record import Record
from autocls.training import batches

ANSWERS, PICTURES, ASSOCIATIONS = "test.parquet", "pictures.npz", "associations.json"
SAMPLES = 60
"""Images of the training part that are shown, of each class the same number."""
MISTAKES = 24
LARGEST = 96
"""Pixels of a thumbnail's side, at the most."""

Probabilities = npt.NDArray[np.floating]
"""N×K, of each image and class."""


def write_answers(folder: Path, prepared: Prepared, winner: Probabilities, baseline: Probabilities | None) -> None:
    """Write ``test.parquet``: what the winner and the baseline said of each image of the sealed test part.

    Where the baseline says nothing, what the folder has of it stays.
    """
    names, labels = prepared.named("test")
    table = pd.DataFrame({"name": names, "label": labels} | _columns("winner", "confidence", winner))
    if baseline is not None:
        its = _columns("baseline", "baseline_confidence", baseline)
    elif (folder / ANSWERS).is_file():
        earlier = pd.read_parquet(folder / ANSWERS)
        its = {name: earlier[name].to_numpy() for name in ("baseline", "baseline_confidence")}
    else:
        its = {"baseline": np.full(len(table), -1), "baseline_confidence": np.full(len(table), np.nan)}
    with whole(folder / ANSWERS) as partial:
        table.assign(**its).to_parquet(partial, index=False)


def _columns(label: str, confidence: str, said: Probabilities) -> dict[str, npt.NDArray[np.generic]]:
    return {label: said.argmax(axis=1), confidence: said.max(axis=1).astype(float)}


def write_pictures(folder: Path, recipe: Recipe, data: ImageData) -> None:
    """Write ``pictures.npz``: samples, the same as the recipe's training sees them, and mistakes of ``test.parquet``.

    Thumbnails are uint8, N×H×W×C.
    """
    answers = pd.read_parquet(folder / ANSWERS)
    wrong = answers[answers["winner"] != answers["label"]].nlargest(MISTAKES, "confidence").index.to_numpy()
    shown = _samples(data)
    images = torch.from_numpy(data.images[shown])
    mistaken = torch.from_numpy(data.images[data.split.test[wrong]])
    with whole(folder / PICTURES) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            samples=_thumbnails(images.float() / 255),
            labels=data.labels[shown],
            augmented=_thumbnails(_augmented(recipe, data, images)),
            mistakes=_thumbnails(mistaken.float() / 255),
            rows=wrong,
        )


def _samples(data: ImageData) -> npt.NDArray[np.int64]:
    """Rows of training images, class by class: the first ones, which are in no order."""
    each = max(1, SAMPLES // len(data.classes))
    labels = data.labels[data.split.train]
    return np.concatenate(
        [data.split.train[labels == label][:each] for label in range(min(SAMPLES, len(data.classes)))]
    )


def _augmented(recipe: Recipe, data: ImageData, images: torch.Tensor) -> torch.Tensor:
    """B×C×H×W images in 0..1 as a training batch has them at the end of the training."""
    tensors, generator = batches.Tensors.of(data, torch.device("cpu")), torch.Generator().manual_seed(0)
    labels = torch.zeros(len(images), dtype=torch.int64)
    batch = batches.augmented(recipe, tensors, images.float() / 255, labels, generator)
    return (batch.images * tensors.std + tensors.mean).clamp(0, 1)


def _thumbnails(images: torch.Tensor) -> npt.NDArray[np.uint8]:
    if images.shape[-1] > LARGEST and len(images):
        images = F.interpolate(images, size=(LARGEST, LARGEST), mode="bilinear", antialias=True)
    thumbnails: npt.NDArray[np.uint8] = (images * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return thumbnails


def write_associations(folder: Path, study: Record) -> None:
    """Write ``associations.json``: what went along with good scores, of a study opened with its answers."""
    with whole(folder / ASSOCIATIONS) as partial:
        associations(study).to_json(partial, orient="records", indent=2)
