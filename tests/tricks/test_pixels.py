"""Operations on batches against torchvision's on single images, at equal parameters."""

import math

import pytest
import torch
import torchvision.transforms.v2.functional as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from autocls.tricks import pixels

SHAPES = pytest.mark.parametrize("shape", [(8, 3, 20, 20), (8, 1, 16, 24)], ids=["colour", "wide grey"])


def images(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def each(operation, batch: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
    """torchvision's operation on one image after the other."""
    listed = zip(*(p.tolist() for p in parameters), strict=True) if parameters else [()] * len(batch)
    return torch.stack([operation(image, *values) for image, values in zip(batch, listed, strict=True)])


def affine(image: torch.Tensor, angle=0.0, translate=(0, 0), shear=(0.0, 0.0), center=None) -> torch.Tensor:
    bilinear = reference.InterpolationMode.BILINEAR
    return reference.affine(image, angle, list(translate), 1.0, list(shear), bilinear, center=center)


@SHAPES
@pytest.mark.parametrize("kind", ["turned", "sheared along x", "sheared along y", "moved"])
def test_geometry_is_torchvisions(kind: str, shape: tuple[int, ...]):
    before, zero, amount = images(*shape), torch.zeros(8), torch.linspace(-0.5, 0.7, 8)
    right, down = torch.arange(-3, 5), torch.arange(5, -3, -1)
    angle, shear, shift, expected = {
        "turned": (amount, (zero, zero), (zero, zero), lambda i, a: affine(i, -math.degrees(a))),
        "sheared along x": (zero, (amount, zero), (zero, zero), lambda i, a: _sheared(i, a, 0)),
        "sheared along y": (zero, (zero, amount), (zero, zero), lambda i, a: _sheared(i, 0, a)),
        "moved": (zero, (zero, zero), (right, down), lambda i, _: affine(i, translate=next(places))),
    }[kind]
    places = zip(right.tolist(), down.tolist(), strict=True)
    changed = pixels.warp(before, pixels.affine((shape[2], shape[3]), angle, shear, shift))
    torch.testing.assert_close(changed, each(expected, before, amount), atol=1e-4, rtol=0)


def _sheared(image: torch.Tensor, x: float, y: float) -> torch.Tensor:
    return affine(image, shear=[math.degrees(math.atan(x)), math.degrees(math.atan(y))], center=[0, 0])


def test_turned_and_then_moved():
    """The two at once are what one after the other is, away from the edges."""
    before, angle, shift = images(8, 1, 21, 21), torch.linspace(-1, 1, 8), torch.full((8,), 3.0)
    still, size = (torch.zeros(8), torch.zeros(8)), (21, 21)
    turned = pixels.warp(before, pixels.affine(size, angle, still, still))
    after = pixels.warp(turned, pixels.affine(size, still[0], still, (shift, -shift)))
    at_once = pixels.warp(before, pixels.affine(size, angle, still, (shift, -shift)))
    torch.testing.assert_close(at_once[..., :-3, 3:], after[..., :-3, 3:], atol=1e-4, rtol=0)


@SHAPES
def test_enlarged_is_torchvisions_resized_crop(shape: tuple[int, ...]):
    height, width = shape[2:]
    before = images(*shape)
    sides = torch.tensor([1, 3, 5, 8, 11, 13, 15, 16]), torch.tensor([16, 14, 11, 9, 7, 4, 2, 1])
    top, left = (height - sides[0]) // 2, torch.zeros(8, dtype=torch.long)
    expected = each(lambda i, *w: reference.resized_crop(i, *w, size=[height, width]), before, top, left, *sides)
    torch.testing.assert_close(pixels.enlarge(before, top, left, *sides), expected, atol=1e-5, rtol=0)


@SHAPES
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "sharpness"])
def test_factors_are_torchvisions(name: str, shape: tuple[int, ...]):
    before, factor = images(*shape), torch.linspace(0, 1.99, 8)
    expected = each(getattr(reference, f"adjust_{name}"), before, factor)
    torch.testing.assert_close(getattr(pixels, name)(before, factor), expected, atol=1e-5, rtol=0)


@SHAPES
def test_solarize_is_torchvisions(shape: tuple[int, ...]):
    before, threshold = images(*shape), torch.linspace(0, 1, 8)
    assert torch.equal(pixels.solarize(before, threshold), each(reference.solarize, before, threshold))


@SHAPES
def test_autocontrast_is_torchvisions(shape: tuple[int, ...]):
    before = 0.3 + images(*shape) / 3
    before[0, 0] = 0.4  # a channel of a single value
    torch.testing.assert_close(pixels.autocontrast(before), each(reference.autocontrast, before), atol=1e-5, rtol=0)


BYTES = st.builds(
    lambda seed, darkest, levels, height, width: torch.randint(
        darkest, min(256, darkest + levels), (4, 2, height, width), generator=torch.Generator().manual_seed(seed)
    ).byte(),
    st.integers(0, 1000), st.integers(0, 255), st.integers(1, 256), st.integers(1, 33), st.integers(1, 33),
)  # fmt: skip


@given(BYTES)
@settings(max_examples=60, deadline=None)
def test_equalize_is_torchvisions_of_bytes(levels: torch.Tensor):
    assert torch.equal((pixels.equalize(levels / 255) * 255).round().byte(), reference.equalize(levels))


@given(BYTES, st.lists(st.integers(0, 8), min_size=4, max_size=4))
@settings(max_examples=60, deadline=None)
def test_posterize_is_torchvisions_of_bytes(levels: torch.Tensor, bits: list[int]):
    posterized = pixels.posterize(levels / 255, torch.tensor(bits, dtype=torch.float32))
    expected = torch.stack([reference.posterize(image, b) for image, b in zip(levels, bits, strict=True)])
    assert torch.equal((posterized * 255).round().byte(), expected)


def test_white_stays_within_range():
    """Bilinear weights may sum to a little over 1, and solarize would make a little less than 0 of it."""
    white, angle = torch.ones(100, 1, 28, 28), torch.linspace(-3, 3, 100)
    still = torch.zeros(100), torch.zeros(100)
    turned = pixels.warp(white, pixels.affine((28, 28), angle, still, still))
    assert 0 <= turned.min() <= turned.max() <= 1
