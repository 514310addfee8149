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
from autocls.training.artifact import ModelCard
from autocls.training.calibration import calibrated_labels

ANSWERS, LABEL_ANSWERS = "test.parquet", "test_labels.parquet"
PICTURES, ASSOCIATIONS = "pictures.npz", "associations.json"
SAMPLES = 60
"""Images of the training part that are shown, of each class the same number."""
MISTAKES = 24
LARGEST = 96
"""Pixels of a thumbnail's side, at the most."""

Probabilities = npt.NDArray[np.floating]
"""N×K, of each image and class."""


def write_answers(
    folder: Path, prepared: Prepared, card: ModelCard, winner: Probabilities, baseline: Probabilities | None
) -> None:
    """Write what the winner, whose card it is, and the baseline said of each image of the sealed test part.

    It is ``test.parquet``, and ``test_labels.parquet`` where images have any number of labels. Where the baseline says
    nothing, what the folder has of it stays.
    """
    if card.thresholds is None:
        _write_classes(folder, prepared, winner, baseline)
    else:
        said = calibrated_labels(winner, card.temperature, card.shift)
        _write_labels(folder, prepared, said, card.thresholds, baseline)


def _write_labels(
    folder: Path,
    prepared: Prepared,
    winner: Probabilities,
    thresholds: tuple[float, ...],
    baseline: Probabilities | None,
) -> None:
    """A row for each image and label, image by image."""
    names, there = prepared.named("test")
    images, labels = there.shape
    kept = folder / LABEL_ANSWERS
    if baseline is not None:
        its = baseline.ravel()
    else:
        its = pd.read_parquet(kept)["baseline"].to_numpy() if kept.is_file() else np.full(there.size, np.nan)
    table = {
        "name": np.repeat(names, labels),
        "label": np.tile(np.arange(labels), images),
        "there": there.ravel(),
        "probability": winner.ravel(),
        "threshold": np.tile(thresholds, images),
        "baseline": its.astype(float),
    }
    with whole(kept) as partial:
        pd.DataFrame(table).to_parquet(partial, index=False)


def _write_classes(folder: Path, prepared: Prepared, winner: Probabilities, baseline: Probabilities | None) -> None:
    """A row for each image."""
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
    """Write ``pictures.npz``: samples, the same as the recipe's training sees them, and mistakes of the test part.

    Thumbnails are uint8, N×H×W×C.
    """
    wrong = _mistaken_labels(folder) if data.multilabel else _mistaken_classes(folder)
    shown, labels = _samples(data)
    images = torch.from_numpy(data.images[shown])
    mistaken = torch.from_numpy(data.images[data.split.test[wrong]])
    with whole(folder / PICTURES) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            samples=_thumbnails(images.float() / 255),
            labels=labels,
            augmented=_thumbnails(_augmented(recipe, data, shown)),
            mistakes=_thumbnails(mistaken.float() / 255),
            rows=wrong,
        )


def _mistaken_classes(folder: Path) -> npt.NDArray[np.int64]:
    """Which of the test part's images are taken for another class, the most confident mistakes first."""
    answers = pd.read_parquet(folder / ANSWERS)
    return answers[answers["winner"] != answers["label"]].nlargest(MISTAKES, "confidence").index.to_numpy(np.int64)


def _mistaken_labels(folder: Path) -> npt.NDArray[np.int64]:
    """Which of the test part's images are wrongly given or refused a label, the farthest from its threshold first."""
    said = pd.read_parquet(folder / LABEL_ANSWERS)
    beyond = said["probability"] - said["threshold"]
    image = np.arange(len(said)) // (said["label"].max() + 1)
    farthest = beyond.abs()[(beyond >= 0) != said["there"]].groupby(image[(beyond >= 0) != said["there"]]).max()
    return farthest.nlargest(MISTAKES).index.to_numpy(np.int64)


def _samples(data: ImageData) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of training images, and the class that each is of: the first ones of each, which are in no order."""
    each, train = max(1, SAMPLES // len(data.classes)), data.split.train
    rows = [train[data.having(label)[train]][:each] for label in range(min(SAMPLES, len(data.classes)))]
    return np.concatenate(rows), np.repeat(np.arange(len(rows)), [len(of_class) for of_class in rows])


def _augmented(recipe: Recipe, data: ImageData, rows: npt.NDArray[np.int64]) -> torch.Tensor:
    """The images in these rows, B×C×H×W in 0..1, as a training batch has them at the end of the training."""
    tensors, generator = batches.Tensors.of(data, torch.device("cpu")), torch.Generator().manual_seed(0)
    images, labels = torch.from_numpy(data.images[rows]).float() / 255, tensors.labels[torch.from_numpy(rows)]
    batch = batches.augmented(recipe, tensors, images, labels, generator)
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
