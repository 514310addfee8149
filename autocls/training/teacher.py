"""A teacher's answers to the training images, for the recipes that distill."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from autocls.data import ImageData
from autocls.errors import BadInput, TrialFailed
from autocls.recipe import Recipe
from autocls.training.artifact import WEIGHTS, ModelCard, load
from autocls.training.batches import EVALUATION_BATCH, Tensors, normalise, statistics
from autocls.training.inference import predict, views
from autocls.tricks.distillation import Distill, Teacher

MOST_ANSWERED = 4
"""Teachers whose answers a warm worker remembers; they take as much memory as the labels, one-hot."""

_answered: dict[tuple[str, int, str, int], torch.Tensor] = {}
"""Teachers' answers by folder, the time at which its weights were written, the images' file and their number."""


def answers(distill: Distill, data: ImageData, tensors: Tensors) -> torch.Tensor:
    """N×K log-probabilities that a teacher gives every image of ``data``, not augmented, in the teacher's own size.

    A process asks a teacher once. Raises BadInput when no model that fits the data lies in the teacher's folder, and
    TrialFailed when the teacher is a search's best and no search runs.
    """
    if not isinstance(distill, Teacher):
        raise TrialFailed(f"distill: {distill.choice}: only within a search, once a trial is complete, is there a best")
    folder = Path(distill.folder)
    file = getattr(data.images, "filename", None)
    if file is None or not (folder / WEIGHTS).is_file():
        return _ask(folder, data, tensors)
    key = (distill.folder, (folder / WEIGHTS).stat().st_mtime_ns, str(file), len(data.images))
    if key not in _answered:
        while len(_answered) >= MOST_ANSWERED:
            del _answered[next(iter(_answered))]
        _answered[key] = _ask(folder, data, tensors)
    return _answered[key].to(tensors.labels.device)


def load_teacher(folder: Path, classes: tuple[str, ...], channels: int) -> tuple[nn.Module, Recipe, ModelCard]:
    """What ``load`` gives of a teacher's model folder. Raises BadInput, also for one of other classes or channels."""
    model, recipe, card = load(folder)
    if card.labels != classes:
        raise BadInput(f"distill: the teacher in {folder} knows other classes: {', '.join(card.labels)}; "
                       f"the data's are {', '.join(classes)}")  # fmt: skip
    if card.multilabel:
        raise BadInput(f"distill: the teacher in {folder} gives images any number of labels: nothing learns those")
    if card.channels != channels:
        raise BadInput(f"distill: the teacher in {folder} takes {card.channels} channels, the data have {channels}")
    return model, recipe, card


def _ask(folder: Path, data: ImageData, tensors: Tensors) -> torch.Tensor:
    model, recipe, card = load_teacher(folder, data.classes, data.images.shape[1])
    device = tensors.labels.device
    mean, std = statistics(card.mean, card.std, device)
    size = (card.image_size, card.image_size)
    order = torch.split(torch.arange(len(data.labels), device=device), EVALUATION_BATCH)
    inputs = (
        normalise(F.interpolate(images, size, mode="bilinear", antialias=True), mean, std)
        for images in tensors.floats(order)
    )
    probabilities = recipe.loss.probabilities(predict(model.to(device), inputs, views(recipe)))
    # Not every loss trains logits that softmax may read, but each gives probabilities.
    return probabilities.clamp(min=torch.finfo(torch.float32).tiny).log()
