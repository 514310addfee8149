"""Slots ``flip``, ``rotate``, ``crop``, ``color`` and ``erase``: changes to training images, a whole batch at once.

Every image of a batch draws its own parameters from the generator given, so that a run can be repeated. ``erase``
comes after normalisation, where 0 is the data's mean; the others before it, where images are in 0..1 and 0 is black.
"""

from abc import ABC, abstractmethod
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field

from autocls.domains import Int, Uniform
from autocls.tricks.base import Trick


class Augmentation(ABC):
    """A random change to training images that leaves their label true."""

    @abstractmethod
    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Changed images, of the shape and device of ``images`` (B×C×H×W floats)."""


class Flip(Trick, Augmentation):
    """Mirrored images, for things that have no left and right (or no up and down)."""


class Horizontal(Flip):
    """Mirror left and right with a probability. Not for digits and letters."""

    paper = "Krizhevsky et al. 2012, NeurIPS"
    p: Annotated[float, Field(gt=0, le=1)] = 0.5

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        flipped = _rand(images, generator) < self.p
        return torch.where(flipped.view(-1, 1, 1, 1), images.flip(-1), images)


class Rotate(Trick, Augmentation):
    """Turned images, for things that stand at any angle."""


class Degrees(Rotate):
    """Turn by an angle drawn evenly from ±max degrees; corners that come in are black."""

    paper = "Simard et al. 2003, ICDAR"
    max: Annotated[float, Uniform(5, 30), Field(gt=0, le=180, description="degrees")] = 15.0

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        angle = (2 * _rand(images, generator) - 1) * (self.max * torch.pi / 180)
        cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
        height, width = images.shape[-2:]
        # grid_sample's axes run -1..1 whatever the sides, so the rotation is scaled to stay one in pixels
        ratio = height / width
        theta = torch.stack([cos, -sin * ratio, zero, sin / ratio, cos, zero], dim=1).view(-1, 2, 3)
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


class Crop(Trick, Augmentation):
    """Images cut out at random places."""


class Shift(Crop):
    """Pad each side with black, and cut the original size out at a random place."""

    paper = "He et al. 2016, arXiv:1512.03385"
    padding: Annotated[int, Int(1, 4), Field(gt=0, le=64, description="pixels a side")] = 2

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        batch, _, height, width = images.shape
        padded = F.pad(images, [self.padding] * 4)
        offset = torch.randint(0, 2 * self.padding + 1, (2, batch, 1), generator=generator, device=images.device)
        rows = (offset[0] + torch.arange(height, device=images.device)).view(batch, 1, height, 1)
        columns = (offset[1] + torch.arange(width, device=images.device)).view(batch, 1, 1, width)
        images_, channels = _index(batch, images.device), torch.arange(images.shape[1], device=images.device)
        return padded[images_, channels.view(1, -1, 1, 1), rows, columns]


class Color(Trick, Augmentation):
    """Images under other light."""


class Jitter(Color):
    """Brightness, contrast and (of colour images) saturation times factors drawn from 1 ± strength."""

    paper = "Howard 2013, arXiv:1312.5402"
    strength: Annotated[float, Uniform(0.1, 0.5), Field(gt=0, le=1)] = 0.3

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        brightness, contrast, saturation = (
            (1 + self.strength * (2 * _rand(images, generator) - 1)).view(-1, 1, 1, 1) for _ in range(3)
        )
        images = (images * brightness).clamp(0, 1)
        mean = _grey(images).mean(dim=(1, 2, 3), keepdim=True)
        images = torch.lerp(mean.expand_as(images), images, contrast.expand_as(images)).clamp(0, 1)
        if images.shape[1] == 3:
            images = torch.lerp(_grey(images).expand_as(images), images, saturation.expand_as(images)).clamp(0, 1)
        return images


class Erase(Trick, Augmentation):
    """Images with a part missing, so that the network looks at the rest too."""


class Cutout(Erase):
    """Blank one square at a random place of every image; it may reach over the edge."""

    paper = "DeVries & Taylor 2017, arXiv:1708.04552"
    size: Annotated[float, Uniform(0.15, 0.5), Field(gt=0, lt=1, description="share of the image's side")] = 0.3

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        height, width = images.shape[-2:]
        half = self.size * max(height, width) / 2
        middle = _rand(images, generator, 2)
        rows = torch.arange(height, device=images.device) + 0.5 - middle[0].unsqueeze(1) * height
        columns = torch.arange(width, device=images.device) + 0.5 - middle[1].unsqueeze(1) * width
        blank = (rows.abs() < half).unsqueeze(2) & (columns.abs() < half).unsqueeze(1)
        return images.masked_fill(blank.unsqueeze(1), 0.0)


def _rand(images: torch.Tensor, generator: torch.Generator, *leading: int) -> torch.Tensor:
    return torch.rand(*leading, len(images), generator=generator, device=images.device)


def _index(batch: int, device: torch.device) -> torch.Tensor:
    return torch.arange(batch, device=device).view(-1, 1, 1, 1)


def _grey(images: torch.Tensor) -> torch.Tensor:
    """ITU-R 601 luma, as torchvision weighs it; B×1×H×W."""
    if images.shape[1] != 3:
        return images.mean(dim=1, keepdim=True)
    red, green, blue = images.unbind(1)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).unsqueeze(1)
