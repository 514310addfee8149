"""From decoded images to the batches that a network trains on: gathered, augmented and normalised a batch at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training import team
from autocls.training.feed import Feed, feed
from autocls.training.labelling import Labelling, labelling

EVALUATION_BATCH = 128
"""Measured on a CPU: as fast as any size with LeNet, and 0.6 of 512's time with a residual network, whose maps are
larger than what its caches hold; and it takes a quarter of the memory."""


@dataclass(frozen=True)
class Tensors:
    """A data set for a device: its images' source, their labels, and C×1×1 statistics of the training part in 0..1.

    All but the images, if they are too many, lie on the device.
    """

    feed: Feed
    labels: torch.Tensor
    """N class numbers; of multi-label data N×K truths."""
    classes: int
    mean: torch.Tensor
    std: torch.Tensor

    @classmethod
    def of(cls, data: ImageData, device: torch.device) -> "Tensors":
        """``data`` for ``device``."""
        labels = torch.as_tensor(data.labels, device=device)
        return cls(feed(data.images, device), labels, len(data.classes), *statistics(data.mean, data.std, device))

    @property
    def labelling(self) -> Labelling:
        """What an image's labels are."""
        return labelling(multilabel=self.labels.ndim == 2)

    def floats(self, order: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        """For each of the index tensors its images, as floats in 0..1."""
        return (images.float().div_(255) for images in self.feed.batches(order))


def statistics(mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> list[torch.Tensor]:
    """Mean and standard deviation as C×1×1 tensors."""
    return [torch.tensor(s, device=device).view(-1, 1, 1) for s in (mean, std)]


def normalise(images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Images of 0..1 with the training part's mean 0 and standard deviation 1."""
    return (images - mean) / std


def order(recipe: Recipe, tensors: Tensors, part: torch.Tensor, generator: torch.Generator) -> list[torch.Tensor]:
    """An epoch of the part's indices in batches; a last batch of one image is left out, BatchNorm can't take it."""
    if recipe.sampling is None:
        drawn = torch.randperm(len(part), generator=generator, device=generator.device)
    else:
        drawn = recipe.sampling.draw(tensors.labels[part], generator)
    return [b for b in torch.split(part[drawn], recipe.batch_size) if len(b) > 1]


@dataclass(frozen=True)
class Batch:
    """What one training step sees: B×C×H×W normalised images, and B×K targets in 0..1.

    Rows of targets sum to 1, unless images have any number of labels.
    """

    images: torch.Tensor
    targets: torch.Tensor
    soft: torch.Tensor | None = None
    """A teacher's targets, of the shape of ``targets``."""
    weight: float = 1.0
    """Of its loss: another than 1 for one device's share of a batch."""

    def shared(self) -> "Batch":
        """This device's share of it."""
        share = team.share(len(self.images))
        soft = None if self.soft is None else self.soft[share.rows]
        return Batch(self.images[share.rows], self.targets[share.rows], soft, share.weight)


def augmented(
    recipe: Recipe,
    tensors: Tensors,
    images: torch.Tensor,
    labels: torch.Tensor,
    generator: torch.Generator,
    progress: float = 1.0,
    soft: torch.Tensor | None = None,
) -> Batch:
    """The training batch of B×C×H×W ``images`` in 0..1 and their ``labels``, at ``progress`` (0..1) of the training.

    ``soft`` are a teacher's targets for these very images.
    """
    if recipe.progressive is not None:
        size = recipe.progressive.size(images.shape[-1], progress)
        images = F.interpolate(images, size=(size, size), mode="bilinear", antialias=True)
    for trick in (recipe.flip, recipe.rotate, recipe.crop, recipe.color, recipe.policy):
        if trick is not None:
            images = trick.apply(images, generator)
    images = normalise(images, tensors.mean, tensors.std)
    if recipe.erase is not None:
        images = recipe.erase.apply(images, generator)
    targets = tensors.labelling.targets(labels, tensors.classes, recipe.label_smoothing)
    if recipe.mix is None:
        return Batch(images, targets, soft)
    both = targets if soft is None else torch.cat([targets, soft], dim=1)  # mixed alike, column by column
    images, both = recipe.mix.apply(images, both, generator)
    hard, *rest = both.split(tensors.classes, dim=1)
    return Batch(images, hard, *rest)


def evaluation(tensors: Tensors, part: np.ndarray) -> Iterator[torch.Tensor]:
    """The part's images in large batches, in order, as a network takes them."""
    order = torch.split(torch.as_tensor(part, device=tensors.labels.device), EVALUATION_BATCH)
    return (normalise(images, tensors.mean, tensors.std) for images in tensors.floats(order))
