"""Slot ``policy``: a few operations drawn for each image from a fixed set, instead of one trick at a time.

Sets, strengths and probabilities are torchvision's. Unlike its, images stay floats between two operations, geometry is
bilinear, and saturation is left out of the set for images that aren't RGB, instead of doing nothing.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Annotated, NamedTuple

import torch
from pydantic import Field

from autocls.domains import Int
from autocls.tricks import draws, pixels
from autocls.tricks.augmentation import Augmentation
from autocls.tricks.base import Trick


class Op(Enum):
    """What a policy may do to an image."""

    IDENTITY = auto()
    SHEAR_X = auto()
    SHEAR_Y = auto()
    TRANSLATE_X = auto()
    TRANSLATE_Y = auto()
    ROTATE = auto()
    BRIGHTNESS = auto()
    SATURATION = auto()
    CONTRAST = auto()
    SHARPNESS = auto()
    POSTERIZE = auto()
    SOLARIZE = auto()
    AUTOCONTRAST = auto()
    EQUALIZE = auto()


PIXEL: Mapping[Op, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    Op.BRIGHTNESS: lambda images, strength: pixels.brightness(images, 1 + strength),
    Op.SATURATION: lambda images, strength: pixels.saturation(images, 1 + strength),
    Op.CONTRAST: lambda images, strength: pixels.contrast(images, 1 + strength),
    Op.SHARPNESS: lambda images, strength: pixels.sharpness(images, 1 + strength),
    Op.POSTERIZE: lambda images, strength: pixels.posterize(images, strength.round()),
    Op.SOLARIZE: pixels.solarize,
    Op.AUTOCONTRAST: lambda images, _: pixels.autocontrast(images),
    Op.EQUALIZE: lambda images, _: pixels.equalize(images),
}
"""The operations that leave every pixel in its place."""

GEOMETRY = (Op.SHEAR_X, Op.SHEAR_Y, Op.TRANSLATE_X, Op.TRANSLATE_Y, Op.ROTATE)
SIGNED = {*GEOMETRY, Op.BRIGHTNESS, Op.SATURATION, Op.CONTRAST, Op.SHARPNESS}
"""The operations that go either way, with equal probability."""

Strengths = Mapping[Op, tuple[float, float]]
"""Of each operation of a set, its strength at the lowest and at the highest magnitude; linear in between."""


class Policy(Trick, Augmentation):
    """Images after a few operations that each of them draws from a fixed set."""


class Randaugment(Policy):
    """A number of operations drawn from fourteen (thirteen without colours), all at one magnitude."""

    paper = "Cubuk et al. 2020, arXiv:1909.13719"
    when = "Helps long training with little data; harms short training, and where turn or colour decides the class."
    interactions = "Turns, shifts and changes colours by itself: rotate, crop and color add to it."
    ops: Annotated[int, Int(1, 3), Field(ge=1, le=10, description="operations an image")] = 2
    magnitude: Annotated[int, Int(3, 20), Field(ge=0, le=30, description="of 30")] = 9

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        height, width = images.shape[-2:]
        strengths = _set(0.3, (150 / 331 * width, 150 / 331 * height), 30, 0.9, (8, 4))
        magnitude = images.new_full((self.ops, len(images)), self.magnitude / 30)
        return _operate(images, {Op.IDENTITY: (0, 0), **strengths}, magnitude, generator)


class Trivialaugment(Policy):
    """One operation drawn from fourteen (thirteen without colours), at a magnitude drawn from a wide range."""

    paper = "Müller & Hutter 2021, arXiv:2103.10158"
    when = "Helps long training with nothing to tune; harms short training, and 32 pixels of shift empty a small image."
    interactions = "Turns, shifts and changes colours by itself: rotate, crop and color add to it."

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        strengths = _set(0.99, (32, 32), 135, 0.99, (8, 2))
        magnitude = draws.below(31, images, generator, 1) / 30
        return _operate(images, {Op.IDENTITY: (0, 0), **strengths}, magnitude, generator)


class Augmix(Policy):
    """A blend of the image with chains of one to three drawn operations on it."""

    paper = "Hendrycks et al. 2020, arXiv:1912.02781"
    when = "Helps against blur, noise and weather that training images don't show; little where there is none."
    interactions = (
        "Turns, shifts and changes colours by itself, but mildly at low severity: goes with rotate, crop and color."
    )
    severity: Annotated[int, Int(2, 10), Field(ge=1, le=10, description="magnitudes below it, of ten")] = 3
    width: Annotated[int, Field(ge=1, le=10, description="chains")] = 3
    depth: Annotated[int, Field(ge=0, le=10, description="operations a chain; 0 draws 1, 2 or 3")] = 0
    alpha: Annotated[float, Field(gt=0, le=10, description="of the Beta and Dirichlet of the shares")] = 1.0

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        height, width = images.shape[-2:]
        chains = images.repeat(self.width, 1, 1, 1)
        magnitude = draws.below(self.severity, chains, generator, self.depth or 3) / 9
        depth = None if self.depth else 1 + draws.below(3, chains, generator)
        chains = _operate(chains, _set(0.3, (width / 3, height / 3), 30, 0.9, (4, 0)), magnitude, generator, depth)
        shares = draws.dirichlet(self.alpha, self.width, images, generator)
        mixed = torch.einsum("nbchw,bn->bchw", chains.view(self.width, *images.shape), shares)
        share = draws.beta(self.alpha, images, generator)
        return torch.lerp(images, mixed, pixels.column(share).expand_as(images)).clamp_(0, 1)


def _set(
    shear: float, shift: tuple[float, float], degrees: float, factor: float, bits: tuple[float, float]
) -> Strengths:
    """The operations that all policies share, at the strengths of one: tangent, pixels, degrees, 1 ± factor, bits."""
    return {
        Op.SHEAR_X: (0, shear),
        Op.SHEAR_Y: (0, shear),
        Op.TRANSLATE_X: (0, shift[0]),
        Op.TRANSLATE_Y: (0, shift[1]),
        Op.ROTATE: (0, degrees),
        Op.BRIGHTNESS: (0, factor),
        Op.SATURATION: (0, factor),
        Op.CONTRAST: (0, factor),
        Op.SHARPNESS: (0, factor),
        Op.POSTERIZE: bits,
        Op.SOLARIZE: (1, 0),
        Op.AUTOCONTRAST: (0, 0),
        Op.EQUALIZE: (0, 0),
    }


class _Part(NamedTuple):
    """Which images of a batch drew one operation, and how strong each of them gets it."""

    which: torch.Tensor
    strength: torch.Tensor


def _operate(
    images: torch.Tensor,
    strengths: Strengths,
    magnitude: torch.Tensor,
    generator: torch.Generator,
    depth: torch.Tensor | None = None,
) -> torch.Tensor:
    """The images after L operations drawn for each, at L×B magnitudes in 0..1; after only ``depth`` of L if given."""
    ops = [op for op in strengths if op is not Op.SATURATION or images.shape[1] == 3]
    steps = torch.arange(len(magnitude), device=images.device).unsqueeze(1)
    drawn = draws.below(len(ops), images, generator, len(magnitude))
    sign = 2 * draws.below(2, images, generator, len(magnitude)) - 1
    if depth is not None:
        drawn = drawn.where(steps < depth, len(ops))
    # the only wait for the device: how many images drew which operation in all steps
    counts = (drawn.unsqueeze(2) == torch.arange(len(ops) + 1, device=images.device)).sum(1).tolist()
    for step, count in enumerate(counts):
        parts = {}
        for op, which in zip(ops, torch.split(drawn[step].argsort(), count), strict=False):
            low, high = strengths[op]
            strength = low + (high - low) * magnitude[step, which]
            parts[op] = _Part(which, strength * sign[step, which] if op in SIGNED else strength)
        images = _operated(images, parts)
    return images


def _operated(images: torch.Tensor, parts: Mapping[Op, _Part]) -> torch.Tensor:
    """The images after one operation each: pixels part by part, all geometry in a single warp."""
    result = images.clone()
    for op, change in PIXEL.items():
        if op in parts and len(parts[op].which):
            which, strength = parts[op]
            result[which] = change(images[which], strength)
    moved = torch.cat([parts[op].which for op in GEOMETRY])
    if len(moved):
        result[moved] = pixels.warp(images[moved], _matrices(images, parts)[moved])
    return result


def _matrices(images: torch.Tensor, parts: Mapping[Op, _Part]) -> torch.Tensor:
    """What the geometry of each image is, for ``pixels.warp``; where there is none, nothing moves."""

    def of(op: Op) -> torch.Tensor:
        return images.new_zeros(len(images)).index_copy(0, *parts[op])

    shear = of(Op.SHEAR_X), of(Op.SHEAR_Y)
    shift = of(Op.TRANSLATE_X).trunc(), of(Op.TRANSLATE_Y).trunc()
    return pixels.affine((images.shape[-2], images.shape[-1]), of(Op.ROTATE).deg2rad(), shear, shift)
