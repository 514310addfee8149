"""Operations on a batch of images, each with a parameter of its own.

``images`` are B×C×H×W floats in 0..1 and parameters B numbers; what comes back has the shape and the range of
``images``, which are left as they are. At equal parameters it is what torchvision does to a single image.
"""

import torch
import torch.nn.functional as F


def column(values: torch.Tensor) -> torch.Tensor:
    """B numbers in the shape that broadcasts over B images."""
    return values.view(-1, 1, 1, 1)


def affine(
    size: tuple[int, int],
    angle: torch.Tensor,
    shear: tuple[torch.Tensor, torch.Tensor],
    shift: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """Where the pixels of changed images of ``size`` come from: B×2×3 matrices, in pixels around the centre.

    An image is turned by ``angle`` (radians, counter-clockwise) around the centre or sheared (x and y, as tangents)
    along the top and left edge, and then moved by ``shift`` (pixels right and down). Not turned and sheared at once.
    """
    (height, width), (right, down) = size, shift
    cos, sin = angle.cos(), angle.sin()
    across, along = shear[0] - sin, shear[1] + sin
    x = shear[0] * (height / 2) - cos * right - across * down
    y = shear[1] * (width / 2) - along * right - cos * down
    return torch.stack([cos, across, x, along, cos, y], dim=1).view(-1, 2, 3)


def warp(images: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """The images whose pixels come from where ``matrix`` (see ``affine``) says; black where nothing was."""
    sides = images.shape[-1], images.shape[-2]
    across, down = (torch.arange(side, device=images.device) - (side - 1) / 2 for side in sides)
    # grid_sample's axes run -1..1 whatever the sides
    matrix = matrix * (2 / matrix.new_tensor(sides)).unsqueeze(1)
    along_row = matrix[:, :, :1] * across
    along_column = matrix[:, :, 1:2] * down + matrix[:, :, 2:]
    # affine_grid makes the same of a matrix product per pixel, in 20 times the time
    grid = along_row.unsqueeze(2) + along_column.unsqueeze(3)
    return _sample(images, grid.permute(0, 2, 3, 1), "zeros")


def enlarge(
    images: torch.Tensor, top: torch.Tensor, left: torch.Tensor, height: torch.Tensor, width: torch.Tensor
) -> torch.Tensor:
    """Of each image the window at (top, left) of height×width pixels, enlarged bilinearly to the image's size."""
    rows = _from_window(top, height, images.shape[-2])
    columns = _from_window(left, width, images.shape[-1])
    x = columns.unsqueeze(1).expand(-1, images.shape[-2], -1)
    y = rows.unsqueeze(2).expand(-1, -1, images.shape[-1])
    return _sample(images, torch.stack([x, y], dim=3), "border")


def _sample(images: torch.Tensor, grid: torch.Tensor, outside: str) -> torch.Tensor:
    """The images at the places of ``grid``, bilinear; weights that sum to a little over 1 don't leave 0..1."""
    return F.grid_sample(images, grid, mode="bilinear", padding_mode=outside, align_corners=False).clamp_(0, 1)


def _from_window(start: torch.Tensor, length: torch.Tensor, side: int) -> torch.Tensor:
    """B×side places, in grid_sample's -1..1, that the pixels of an enlarged window come from along one side."""
    start, length = start.unsqueeze(1), length.unsqueeze(1)
    middles = torch.arange(side, device=start.device) + 0.5
    # the first and last pixel's middle is as far as it goes: what is outside the window stays outside
    places = torch.minimum((middles * length / side).clamp(min=0.5), length - 0.5)
    return (start + places) * (2 / side) - 1


def take(images: torch.Tensor, source: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """The pixels at (source, row, column), three B×H×W indices (or what broadcasts to it); all channels."""
    channels, height, width = images.shape[1:]
    channel = torch.arange(channels, device=images.device).view(-1, 1, 1)
    place = ((source.unsqueeze(1) * channels + channel) * height + rows.unsqueeze(1)) * width + columns.unsqueeze(1)
    # one index over all the numbers: indexing by four takes 4 times as long
    return images.flatten().index_select(0, place.flatten()).view(place.shape)


def brightness(images: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Light times ``factor``."""
    return (images * column(factor)).clamp(0, 1)


def contrast(images: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Distance from the image's mean grey times ``factor``."""
    return _blend(grey(images).mean(dim=(1, 2, 3), keepdim=True), images, factor)


def saturation(images: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Distance from each pixel's grey times ``factor``."""
    return _blend(grey(images), images, factor)


def sharpness(images: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Distance from the smoothed image times ``factor``; the outermost pixels stay."""
    smooth = images.clone()
    inner = smooth[..., 1:-1, 1:-1]
    inner.mul_(4 / 13).add_(F.avg_pool2d(images, 3, stride=1), alpha=9 / 13)  # the middle of 3×3 counts five times
    return _blend(smooth, images, factor)


def posterize(images: torch.Tensor, bits: torch.Tensor) -> torch.Tensor:
    """Only the first ``bits`` of each value's eight."""
    step = column(2 ** (8 - bits))
    return (_levels(images) / step).floor() * step / 255


def solarize(images: torch.Tensor, threshold: torch.Tensor) -> torch.Tensor:
    """Values from ``threshold`` on inverted."""
    return torch.where(images >= column(threshold), 1 - images, images)


def autocontrast(images: torch.Tensor) -> torch.Tensor:
    """Each channel stretched to 0..1; one that has a single value stays."""
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    return torch.where(high > low, (images - low) / (high - low), images).clamp(0, 1)


def equalize(images: torch.Tensor) -> torch.Tensor:
    """Each channel's values spread so that all of a byte's 256 levels are used as evenly as may be.

    A pixel's new level is the number of pixels darker than it, in units of what would make up one level.
    """
    levels = _levels(images).long().flatten(2)
    # counted and not sorted: a tenth of the time
    count = levels.new_zeros(*levels.shape[:2], 256).scatter_add_(2, levels, torch.ones_like(levels))
    darker = (count.cumsum(2) - count).gather(2, levels)
    step = darker.amax(dim=2, keepdim=True) // 255
    spread = ((darker + step // 2) // step.clamp(min=1)).clamp(max=255)
    return torch.where(step > 0, spread, levels).view_as(images).to(images.dtype) / 255


def grey(images: torch.Tensor) -> torch.Tensor:
    """ITU-R 601 luma, as torchvision weighs it; B×1×H×W."""
    if images.shape[1] != 3:
        return images.mean(dim=1, keepdim=True)
    red, green, blue = images.unbind(1)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).unsqueeze(1)


def _blend(plain: torch.Tensor, images: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """``plain`` at factor 0, the images at 1, beyond them above."""
    return torch.lerp(plain.expand_as(images), images, column(factor).expand_as(images)).clamp(0, 1)


def _levels(images: torch.Tensor) -> torch.Tensor:
    """The images in the 256 levels of a byte, 0..255."""
    return (images * 255).round()
