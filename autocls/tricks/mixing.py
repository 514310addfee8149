"""Slot ``mix``: training images made of several, with the targets of all of them."""

from abc import abstractmethod
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from autocls.domains import Log
from autocls.tricks import draws, pixels
from autocls.tricks.base import Aspect, Trick


class Mix(Trick):
    """Images and targets mixed across the batch."""

    shows_in: ClassVar[Aspect] = Aspect.BATCH

    @abstractmethod
    def apply(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mixed B×C×H×W images and B×K targets, which are shares of those given: one-hot rows still sum to 1."""


class Mixup(Mix):
    """Each image blended with another of its batch, and so are their targets; the share is Beta(alpha, alpha)."""

    paper = "Zhang et al. 2018, arXiv:1710.09412"
    when = "Helps long training of a network that overfits, and its probabilities; slows short training down."
    interactions = "Softens targets, as label_smoothing does: with both, less of each."
    alpha: Annotated[float, Log(0.05, 1.0), Field(gt=0, le=10)] = 0.2

    def apply(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        keep = draws.beta(self.alpha, images, generator)
        partner = _shuffled(images, generator)
        others, their = images.index_select(0, partner), targets.index_select(0, partner)
        mixed = torch.lerp(others, images, pixels.column(keep).expand_as(images))
        return mixed, torch.lerp(their, targets, keep.unsqueeze(1).expand_as(targets))


class Cutmix(Mix):
    """A box of another image of the batch pasted into each image; targets are shared by area.

    The box has the image's shape and a share of 1 - Beta(alpha, alpha) of its area; its middle may be any pixel, and
    what would stick out is cut off.
    """

    paper = "Yun et al. 2019, arXiv:1905.04899"
    when = "Helps long training where any part of a thing tells what it is; harms where one small detail decides."
    interactions = "Softens targets, as label_smoothing does, and hides parts, as erase does: with them, less of each."
    alpha: Annotated[float, Log(0.2, 2.0), Field(gt=0, le=10)] = 1.0

    def apply(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        side = (1 - draws.beta(self.alpha, images, generator)).sqrt()
        rows = _stretch(images, images.shape[-2], side, generator)
        columns = _stretch(images, images.shape[-1], side, generator)
        pasted = rows.unsqueeze(2) & columns.unsqueeze(1)
        partner = _shuffled(images, generator)
        area = pasted.float().mean(dim=(1, 2)).unsqueeze(1)
        mixed = torch.where(pasted.unsqueeze(1), images.index_select(0, partner), images)
        return mixed, torch.lerp(targets, targets[partner], area.expand_as(targets))


class Ricap(Mix):
    """Four crops of four images patched together, unscaled; targets are shared by area.

    Where the four meet is drawn from Beta(beta, beta) of each side, for every image anew.
    """

    paper = "Takahashi et al. 2018, arXiv:1811.09030"
    when = "Helps long training where any part of a thing tells what it is; harms where only the whole does."
    interactions = "Crops and softens targets by itself: with crop, erase and label_smoothing, less of each."
    beta: Annotated[float, Log(0.1, 1.0), Field(gt=0, le=10)] = 0.3

    def apply(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        height, width = images.shape[-2:]
        middle_row, middle_column = draws.beta(self.beta, images, generator, 2)
        above = (middle_row * height).round().long()
        before = (middle_column * width).round().long()
        # what differs between patches is 2 (upper, lower) × 2 (left, right) × B
        heights = torch.stack([above, height - above]).unsqueeze(1)
        widths = torch.stack([before, width - before]).unsqueeze(0)
        source = torch.stack([_shuffled(images, generator) for _ in range(4)])
        top = draws.below(height - heights + 1, images, generator, 2, 2)
        left = draws.below(width - widths + 1, images, generator, 2, 2)
        top[1] -= above  # the lower patches start there
        left[:, 1] -= before

        row = torch.arange(height, device=images.device).view(1, -1, 1)
        column = torch.arange(width, device=images.device).view(1, 1, -1)
        patch = 2 * (row >= above.view(-1, 1, 1)) + (column >= before.view(-1, 1, 1))

        def at_each_pixel(of_patches: torch.Tensor) -> torch.Tensor:
            return of_patches.view(4, -1).t().gather(1, patch.flatten(1)).view_as(patch)

        rows, columns = row + at_each_pixel(top), column + at_each_pixel(left)
        mixed = pixels.take(images, at_each_pixel(source), rows, columns)
        area = (heights * widths).view(4, -1, 1) / (height * width)
        return mixed, (area * targets[source]).sum(0)


def _shuffled(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """For each image the index of another (or, by chance, its own)."""
    return torch.randperm(len(images), generator=generator, device=images.device)


def _stretch(images: torch.Tensor, side: int, share: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """B×side truths: what the box covers of one side, around a random pixel, ``share`` of it before it is cut off."""
    middle, half = draws.below(side, images, generator), (share * side / 2).floor()
    place = torch.arange(side, device=images.device) - middle.unsqueeze(1)
    return (place >= -half.unsqueeze(1)) & (place < half.unsqueeze(1))
