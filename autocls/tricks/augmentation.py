"""Slots ``flip``, ``rotate``, ``crop``, ``color`` and ``erase``: changes to training images, a whole batch at once.

Every image of a batch draws its own parameters from the generator given, so that a run can be repeated. ``erase``
comes after normalisation, where 0 is the data's mean; the others before it, where images are in 0..1 and 0 is black.
"""

import math
from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field

from autocls.domains import Int, Uniform
from autocls.errors import NotApplicable
from autocls.tricks import pixels
from autocls.tricks.base import Aspect, Trick
from autocls.tricks.draws import below, uniform

Probability = Annotated[float, Field(gt=0, le=1, description="probability")]


class Augmentation(ABC):
    """A random change to training images that leaves their label true."""

    shows_in: ClassVar[Aspect] = Aspect.BATCH

    @abstractmethod
    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Changed images, of the shape and device of ``images`` (B×C×H×W floats)."""


class Flip(Trick, Augmentation):
    """Mirrored images, for things that have no left and right (or no up and down)."""


class Horizontal(Flip):
    """Mirror left and right with a probability."""

    paper = "Krizhevsky et al. 2012, NeurIPS"
    when = "Helps where a mirrored thing is the same thing, as with most photos; harms with digits, letters and signs."
    p: Probability = 0.5

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return _mirrored(images, -1, self.p, generator)


class Vertical(Flip):
    """Mirror up and down with a probability."""

    paper = "Cireşan et al. 2013, MICCAI"
    when = "Helps where nothing says what is up, as under a microscope or from the air; harms with everyday photos."
    p: Probability = 0.5

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return _mirrored(images, -2, self.p, generator)


class Both(Flip):
    """Mirror left and right, and up and down, each with a probability of its own draw."""

    paper = "Cireşan et al. 2013, MICCAI"
    when = "Helps where an image has neither left nor up, as under a microscope or from the air; else it harms."
    interactions = "Both flips at once are half a turn: with rotate it covers every position."
    p: Probability = 0.5

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return _mirrored(_mirrored(images, -1, self.p, generator), -2, self.p, generator)


class Rotate(Trick, Augmentation):
    """Turned images, for things that stand at any angle."""


class Degrees(Rotate):
    """Turn by an angle drawn evenly from ±max degrees; corners that come in are black."""

    paper = "Simard et al. 2003, ICDAR"
    when = "Helps where things stand a little aslant, as handwriting does; harms where the angle tells (6 from 9)."
    interactions = "A policy turns images too: one of the two is enough."
    max: Annotated[float, Uniform(5, 30), Field(gt=0, le=180, description="degrees")] = 15.0

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        most = math.radians(self.max)
        angle = uniform(images, generator, -most, most)
        still = torch.zeros_like(angle), torch.zeros_like(angle)
        return pixels.warp(images, pixels.affine((images.shape[-2], images.shape[-1]), angle, still, still))


class Crop(Trick, Augmentation):
    """Images cut out at random places."""


class Shift(Crop):
    """Pad each side with black, and cut the original size out at a random place."""

    paper = "He et al. 2016, arXiv:1512.03385"
    when = "Helps nearly always with small images, whose things are not quite centred; little where they are."
    padding: Annotated[int, Int(1, 4), Field(gt=0, le=64, description="pixels a side")] = 2

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return _cut_out(images, F.pad(images, [self.padding] * 4), generator)


class Reflect(Crop):
    """Pad each side with its mirror image, and cut the original size out at a random place."""

    paper = "Zagoruyko & Komodakis 2016, arXiv:1605.07146"
    when = "Helps as shift does, and better where images fill their frame; not on a black ground, where it is the same."
    # a reflection is shorter than the side, and the shortest side of images is 8
    padding: Annotated[int, Int(1, 4), Field(gt=0, le=7, description="pixels a side")] = 4

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return _cut_out(images, F.pad(images, [self.padding] * 4, mode="reflect"), generator)


class Resized(Crop):
    """Cut out a window of a random area, aspect ratio and place, and enlarge it to the original size."""

    paper = "Szegedy et al. 2015, arXiv:1409.4842"
    when = "Helps with photos, whose things come in all sizes; with small or tightly cut images only at a high scale."
    interactions = "Wants long training; erase and mix take a further part of what the window leaves."
    scale: Annotated[float, Uniform(0.08, 0.8), Field(gt=0, lt=1, description="smallest share of the area")] = 0.08
    ratio: Annotated[float, Field(ge=1, le=10, description="largest ratio of the sides, either way")] = 4 / 3

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        height, width = self._sides(images, generator)
        return _enlarged(images, height, width, generator)

    def _sides(self, images: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Those of a window for each image: the first of ten that fits, else the largest of legal ratio."""
        height, width = images.shape[-2:]
        area = height * width * uniform(images, generator, self.scale, 1, 10)
        ratio = uniform(images, generator, -math.log(self.ratio), math.log(self.ratio), 10).exp()
        heights, widths = (area / ratio).sqrt().round(), (area * ratio).sqrt().round()
        fits = (heights > 0) & (heights <= height) & (widths > 0) & (widths <= width)
        first = fits.int().argmax(dim=0, keepdim=True)
        most = min(height, round(width * self.ratio)), min(width, round(height * self.ratio))
        return (
            torch.where(fits.any(0), heights.gather(0, first)[0], most[0]),
            torch.where(fits.any(0), widths.gather(0, first)[0], most[1]),
        )


class Window(Crop):
    """Cut out a window of a fixed share of each side at a random place, and enlarge it to the original size."""

    paper = "Krizhevsky et al. 2012, NeurIPS"
    when = "Helps where things are off the centre and nothing at the edge decides; harms where they fill the frame."
    share: Annotated[float, Uniform(0.6, 0.95), Field(gt=0, lt=1, description="share of the image's side")] = 0.875

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        height, width = (max(1, round(side * self.share)) for side in images.shape[-2:])
        every = images.new_ones(len(images))
        return _enlarged(images, every * height, every * width, generator)


class Color(Trick, Augmentation):
    """Images under other light."""


Strength = Annotated[float, Uniform(0.1, 0.5), Field(gt=0, le=1, description="furthest from factor 1")]


class Jitter(Color):
    """Brightness, contrast and (of colour images) saturation times factors drawn from 1 ± strength."""

    paper = "Howard 2013, arXiv:1312.5402"
    when = "Helps where light and camera change between images; harms where shade or colour tells the classes apart."
    interactions = "A policy changes the light too: one of the two is enough."
    strength: Strength = 0.3

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        light, contrast, saturation = (_factor(self.strength, images, generator) for _ in range(3))
        images = pixels.contrast(pixels.brightness(images, light), contrast)
        return pixels.saturation(images, saturation) if images.shape[1] == 3 else images


class Brightness(Color):
    """All light times a factor drawn from 1 ± strength."""

    paper = "Howard 2013, arXiv:1312.5402"
    when = "Helps where images are lit or exposed differently; harms where brightness tells the classes apart."
    interactions = "A policy changes brightness too: one of the two is enough."
    strength: Strength = 0.3

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return pixels.brightness(images, _factor(self.strength, images, generator))


class Contrast(Color):
    """Distance from the image's mean grey times a factor drawn from 1 ± strength."""

    paper = "Howard 2013, arXiv:1312.5402"
    when = "Helps where haze, ink or scanner change the contrast; harms where faint and strong are different classes."
    interactions = "A policy changes contrast too: one of the two is enough."
    strength: Strength = 0.3

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return pixels.contrast(images, _factor(self.strength, images, generator))


class Saturation(Color):
    """Distance of the colours from grey times a factor drawn from 1 ± strength; for RGB images only."""

    paper = "Howard 2013, arXiv:1312.5402"
    when = "Helps where cameras differ in colour; harms where its strength tells, as ripe from unripe."
    interactions = "A policy changes saturation too: one of the two is enough."
    strength: Strength = 0.3

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        channels = images.shape[1]
        if channels != 3:
            found = f"{channels} channel{'s' if channels != 1 else ''}"
            raise NotApplicable(f"saturation: not applicable: images have {found}, not red, green and blue")
        return pixels.saturation(images, _factor(self.strength, images, generator))


class Erase(Trick, Augmentation):
    """Images with a part missing, so that the network looks at the rest too."""


class Cutout(Erase):
    """Blank one square at a random place of every image; it may reach over the edge."""

    paper = "DeVries & Taylor 2017, arXiv:1708.04552"
    when = "Helps where a network leans on one telling detail; harms where that detail is all there is."
    interactions = "Cutmix and ricap hide parts as well: with one of them it should be small."
    size: Annotated[float, Uniform(0.15, 0.5), Field(gt=0, lt=1, description="share of the image's side")] = 0.3

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        height, width = images.shape[-2:]
        half = self.size * max(height, width) / 2
        middle = uniform(images, generator, 0, 1, 2)
        rows = torch.arange(height, device=images.device) + 0.5 - middle[0].unsqueeze(1) * height
        columns = torch.arange(width, device=images.device) + 0.5 - middle[1].unsqueeze(1) * width
        blank = (rows.abs() < half).unsqueeze(2) & (columns.abs() < half).unsqueeze(1)
        return images.masked_fill(blank.unsqueeze(1), 0.0)


def _mirrored(images: torch.Tensor, axis: int, p: float, generator: torch.Generator) -> torch.Tensor:
    flipped = uniform(images, generator, 0, 1) < p
    return torch.where(pixels.column(flipped), images.flip(axis), images)


def _factor(strength: float, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return uniform(images, generator, 1 - strength, 1 + strength)


def _cut_out(images: torch.Tensor, padded: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Of each padded image a window of the original size, at a random place."""
    height, width = images.shape[-2:]
    top, left = below(padded.shape[-2] - height + 1, images, generator, 2)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view; taking from it copies rows, not pixels
    return windows[torch.arange(len(images), device=images.device), :, top, left]


def _enlarged(
    images: torch.Tensor, height: torch.Tensor, width: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Of each image a window of height×width whole pixels at a random place, enlarged."""
    top = below(images.shape[-2] - height + 1, images, generator)
    left = below(images.shape[-1] - width + 1, images, generator)
    return pixels.enlarge(images, top, left, height, width)
