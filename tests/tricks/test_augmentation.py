"""Augmentations against torchvision's, at the parameters that they drew."""

import pytest
import torch
import torchvision.transforms.v2.functional as reference
from scipy import stats
from torchvision.transforms.v2 import RandomResizedCrop

from autocls.errors import NotApplicable
from autocls.tricks.augmentation import (
    Both,
    Brightness,
    Color,
    Contrast,
    Crop,
    Cutout,
    Degrees,
    Flip,
    Horizontal,
    Jitter,
    Reflect,
    Resized,
    Saturation,
    Shift,
    Vertical,
    Window,
)  # fmt: skip


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


@pytest.mark.parametrize(("flip", "shares"), [(Vertical(p=0.25), [0.75, 0, 0.25, 0]), (Both(p=0.5), [0.25] * 4)])
def test_flips_mirror_each_axis_with_its_probability(flip: Flip, shares: list[float]):
    one = images()[0]
    right, down = reference.horizontal_flip, reference.vertical_flip
    turned = torch.stack([one, right(one), down(one), right(down(one))])
    flipped = flip.apply(one.expand(2000, -1, -1, -1), seeded())
    same = (flipped.unsqueeze(1) == turned).flatten(2).all(2)
    assert (same.sum(1) == 1).all()
    assert same.float().mean(0).tolist() == pytest.approx(shares, abs=0.04)


@pytest.mark.parametrize(("crop", "mode"), [(Shift(padding=2), "constant"), (Reflect(padding=2), "reflect")])
def test_crops_cut_the_padded_image_out_at_any_place(crop: Crop, mode: str):
    one = images(3, 12, 20)[0]
    padded = reference.pad(one, [2], padding_mode=mode)
    places = torch.stack([padded[:, top : top + 12, left : left + 20] for top in range(5) for left in range(5)])
    cut = crop.apply(one.expand(1000, -1, -1, -1), seeded())
    found = (cut.unsqueeze(1) == places).flatten(2).all(2)
    assert (found.sum(1) == 1).all()
    assert stats.chisquare(found.sum(0).tolist()).pvalue > 0.001


def windows(crop: Crop, height: int, width: int) -> torch.Tensor:
    """Top, left, height and width of 1500 windows, read off what they make of ramps down and across."""
    down, across = (torch.arange(side) / side for side in (height, width))
    ramps = torch.stack([down.view(-1, 1).expand(height, width), across.expand(height, width)])
    enlarged = crop.apply(ramps.expand(1500, -1, -1, -1), seeded())
    places = enlarged[:, 0, :, 0] * height, enlarged[:, 1, 0] * width
    start, length = [], []
    for place, side in zip(places, (height, width), strict=True):
        middle, step = place[:, side // 2], place[:, side // 2] - place[:, side // 2 - 1]  # the edges are held back
        length.append(step * side)
        start.append(middle + 0.5 - (side // 2 + 0.5) * step)
    found = torch.stack(start + length)
    torch.testing.assert_close(found, found.round(), atol=1e-3, rtol=0)
    return found.round().int()


@pytest.mark.parametrize(
    ("scale", "ratio", "height", "width", "alike"),
    [
        (0.08, 4 / 3, 20, 20, ("top", "left", "height", "width")),
        (0.3, 2, 24, 20, ("top", "left", "height", "width")),
        (0.7, 4 / 3, 12, 30, ("top", "height", "width")),  # where none of ten fits, torchvision cuts out the middle
    ],
)
def test_resized_draws_windows_as_torchvision_does(
    scale: float, ratio: float, height: int, width: int, alike: tuple[str, ...]
):
    """The same places and sizes (Kolmogorov-Smirnov at 1 in 1,000 each)."""
    mine = dict(
        zip(("top", "left", "height", "width"), windows(Resized(scale=scale, ratio=ratio), height, width), strict=True)
    )
    theirs = RandomResizedCrop(20, (scale, 1), (1 / ratio, ratio))
    torch.manual_seed(0)
    drawn = [theirs.make_params([torch.zeros(3, height, width)]) for _ in range(1500)]
    for name in alike:
        assert stats.ks_2samp(mine[name].numpy(), [d[name] for d in drawn]).pvalue > 0.001, name


def test_window_is_a_share_of_the_side_at_any_place():
    top, left, height, width = windows(Window(share=0.75), 12, 20)
    assert (height.unique().tolist(), width.unique().tolist()) == ([9], [15])
    for start, places in ((top, 4), (left, 6)):
        assert stats.chisquare(torch.bincount(start, minlength=places).tolist()).pvalue > 0.001


def test_window_is_enlarged_as_torchvision_does():
    before = images(3, 12, 20)
    top, left, *_ = windows(Window(share=0.75), 12, 20)
    enlarged = Window(share=0.75).apply(before[:1].expand(1500, -1, -1, -1), seeded())
    for i in range(20):
        expected = reference.resized_crop(before[0], int(top[i]), int(left[i]), 9, 15, [12, 20])
        torch.testing.assert_close(enlarged[i], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("color", [Brightness, Contrast, Saturation])
def test_colours_are_torchvisions(color: type[Color]):
    before = images()
    adjust = getattr(reference, f"adjust_{color.name}")
    changed = color(strength=0.5).apply(before, seeded())
    for image, result, factor in zip(before, changed, drawn(0.5, seeded()), strict=True):
        torch.testing.assert_close(result, adjust(image, 1 + factor))


@pytest.mark.parametrize(("channels", "found"), [(1, "1 channel"), (4, "4 channels")])
def test_saturation_refuses_images_without_colours(channels: int, found: str):
    with pytest.raises(NotApplicable, match=f"^saturation: not applicable: images have {found}, not red, green and"):
        Saturation().apply(images(channels), seeded())


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
