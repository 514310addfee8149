"""Augmentations against torchvision's, at the parameters that they drew."""

import pytest
import torch
import torchvision.transforms.v2.functional as reference

from autocls.tricks.augmentation import Cutout, Degrees, Horizontal, Jitter, Shift


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def images(channels: int = 3, height: int = 20, width: int = 20) -> torch.Tensor:
    return torch.rand(8, channels, height, width, generator=torch.Generator().manual_seed(0))


def drawn(strength: float, generator: torch.Generator) -> list[float]:
    """The eight values of ±strength that come next."""
    return (strength * (2 * torch.rand(8, generator=generator) - 1)).tolist()


@pytest.mark.parametrize(("height", "width"), [(20, 20), (16, 24)])
def test_degrees_turns_as_torchvision_does(height: int, width: int):
    before = images(3, height, width)
    turned = Degrees(max=30).apply(before, seeded())
    for image, result, angle in zip(before, turned, drawn(30, seeded()), strict=True):
        expected = reference.rotate(image, angle, interpolation=reference.InterpolationMode.BILINEAR)
        torch.testing.assert_close(result, expected, atol=1e-4, rtol=0)


def test_degrees_turns_either_way_and_no_further_than_max():
    corner = torch.zeros(500, 1, 21, 21)
    corner[:, :, 10, 20] = 1
    column = Degrees(max=20).apply(corner, seeded()).sum(3).argmax(2)  # the row that the right-most pixel went to
    assert column.min() < 10 < column.max()
    assert (column - 10).abs().max() <= 4  # 10 · tan 20° = 3.6


def test_horizontal_mirrors_with_its_probability():
    before = images()
    assert torch.equal(Horizontal(p=1).apply(before, seeded()), reference.horizontal_flip(before))
    many = before[:1].expand(1000, -1, -1, -1)
    mirrored = (Horizontal(p=0.25).apply(many, seeded()) != many).flatten(1).any(1)
    assert mirrored.float().mean() == pytest.approx(0.25, abs=0.05)


def test_shift_cuts_the_padded_image_out():
    before = images()
    shifted = Shift(padding=2).apply(before, seeded())
    for image, result in zip(before, shifted, strict=True):
        padded = reference.pad(image, [2])
        places = [(top, left) for top in range(5) for left in range(5)]
        assert any(torch.equal(result, padded[:, top : top + 20, left : left + 20]) for top, left in places)


def test_jitter_is_torchvisions_brightness_contrast_and_saturation():
    before, generator = images(), seeded()
    factors = zip(*(drawn(0.5, generator) for _ in range(3)), strict=True)
    jittered = Jitter(strength=0.5).apply(before, seeded())
    for image, result, (brightness, contrast, saturation) in zip(before, jittered, factors, strict=True):
        expected = reference.adjust_brightness(image, 1 + brightness)
        expected = reference.adjust_contrast(expected, 1 + contrast)
        torch.testing.assert_close(result, reference.adjust_saturation(expected, 1 + saturation))


def test_cutout_blanks_one_square_with_the_mean():
    blanked = Cutout(size=0.5).apply(torch.ones(200, 2, 20, 20), seeded()) == 0
    assert torch.equal(blanked[:, 0], blanked[:, 1])
    height, width = blanked[:, 0].any(2).sum(1), blanked[:, 0].any(1).sum(1)
    assert torch.equal(blanked[:, 0].sum((1, 2)), height * width)
    assert (height.max(), width.max()) == (10, 10)
    assert height.min() < 10, "it may reach over the edge"
