"""Slots ``shortcut``, ``downsample`` and ``conv``: the layers of the network's trunk."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import nn

from autocls.domains import Int, OneOf
from autocls.surgery import Site
from autocls.tricks.base import Trick
from autocls.tricks.surgery import Replacement


class Shortcut(Trick, Replacement):
    """Ways around the layers of a plain network."""

    place: ClassVar[str] = "convolution without a shortcut around it"

    def select(self, sites: list[Site]) -> Iterable[Site]:
        return [] if any(site.residual for site in sites) else filter(is_spatial, sites)


class Residual(Shortcut):
    """Add what goes into each convolution to what comes out of it, through a 1×1 convolution where shapes differ."""

    paper = "He et al. 2016, arXiv:1512.03385"
    when = "Deep plain networks (VGG), whose gradients fade; a LeNet gains little."
    interactions = "Opens stochastic_depth on plain networks."

    def replace(self, site: Site) -> nn.Module | None:
        conv = site.module
        assert isinstance(conv, nn.Conv2d)
        if site.in_shape == site.out_shape:
            return _WithShortcut(conv, nn.Identity())
        project = nn.Conv2d(conv.in_channels, conv.out_channels, 1, _pair(conv.stride), bias=False)
        return _WithShortcut(conv, project) if _gives(project, site) else None


class _WithShortcut(nn.Module):
    def __init__(self, branch: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.branch(images) + self.shortcut(images)
        return out


class Downsample(Trick, Replacement):
    """How a network that pools halves its feature maps."""

    neutral: ClassVar[str] = "pool"
    place: ClassVar[str] = "pooling layer that a convolution could stand for"


class Stride(Downsample):
    """A strided convolution of the same size in place of each pooling layer, so that shrinking is learned."""

    paper = "Springenberg et al. 2015, arXiv:1412.6806"
    when = "Plain networks that pool, given enough images to learn it from; adds parameters and time at every pool."

    def replace(self, site: Site) -> nn.Module | None:
        pool = site.module
        if not isinstance(pool, nn.MaxPool2d | nn.AvgPool2d) or len(site.in_shape) != 3:
            return None
        channels = site.in_shape[0]
        kernel, stride = _single(pool.kernel_size), _single(pool.stride)
        for padding in range(kernel):  # pools that round up need a padding of their own to keep the shape
            conv = nn.Conv2d(channels, channels, kernel, stride, padding)
            if _gives(conv, site):
                return conv
        return None


class Conv(Trick, Replacement):
    """What the network's k×k convolutions (k odd, 3 or more) compute."""

    neutral: ClassVar[str] = "default"
    place: ClassVar[str] = "k×k convolution that could be one"

    def select(self, sites: list[Site]) -> Iterable[Site]:
        return filter(is_spatial, sites)


class MultiScale(Conv):
    """1×1, 3×3 and 5×5 convolutions side by side in place of each dense one, half of the channels from the 3×3."""

    paper = "Szegedy et al. 2015, arXiv:1409.4842"
    when = "Objects of very different sizes. From random weights only: no pretrained kernel fits."
    interactions = "norm: each of the three kernels gets its own."

    def replace(self, site: Site) -> nn.Module | None:
        conv = site.module
        assert isinstance(conv, nn.Conv2d)
        quarter = conv.out_channels // 4
        keeps_size = all(2 * p == k - 1 for p, k in zip(_pair(conv.padding), conv.kernel_size, strict=True))
        if conv.groups > 1 or conv.dilation != (1, 1) or not quarter or not keeps_size:
            return None
        channels = {1: quarter, 3: conv.out_channels - 2 * quarter, 5: quarter}
        return _SideBySide(
            _like(conv, out_channels=n, kernel_size=kernel, padding=kernel // 2) for kernel, n in channels.items()
        )


class _SideBySide(nn.ModuleList):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(images) for branch in self], dim=1)


class Deformable(Conv):
    """Convolutions that look where a second convolution tells them to, in the last dense layers of the trunk."""

    paper = "Dai et al. 2017, arXiv:1703.06211"
    when = "Things that bend, turn and come in many poses. Costs two to ten times the layer's time, most on a CPU."
    layers: Annotated[int, Int(1, 4), Field(gt=0, description="how many, counted from the last")] = 2

    def select(self, sites: list[Site]) -> Iterable[Site]:
        dense = [s for s in super().select(sites) if isinstance(s.module, nn.Conv2d) and s.module.groups == 1]
        return dense[-self.layers :]

    def replace(self, site: Site) -> nn.Module | None:
        assert isinstance(site.module, nn.Conv2d)
        return DeformableConv(site.module)


class DeformableConv(nn.Module):
    """The convolution ``conv``, each tap of it moved by what a second convolution says; the offsets start at 0."""

    def __init__(self, conv: nn.Conv2d) -> None:
        from torchvision.ops import DeformConv2d

        super().__init__()
        self.offset = _like(conv, out_channels=2 * conv.kernel_size[0] * conv.kernel_size[1], bias=False)
        nn.init.zeros_(self.offset.weight)
        self.conv = DeformConv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
                                 conv.dilation, bias=conv.bias is not None)  # fmt: skip
        self.conv.load_state_dict(conv.state_dict())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.conv(images, self.offset(images))
        return out


class Grouped(Conv):
    """Dense convolutions cut into groups that see only their own channels, for fewer parameters."""

    paper = "Xie et al. 2017, arXiv:1611.05431"
    when = "Wide networks that must get lighter. Narrow ones lose too much: a group is not cut below 4 channels."
    groups: Annotated[int, OneOf(2, 4, 8), Field(gt=1, description="at most; a divisor of the channels is used")] = 4

    def replace(self, site: Site) -> nn.Module | None:
        conv = site.module
        assert isinstance(conv, nn.Conv2d)
        fit = [
            n for n in range(2, self.groups + 1)
            if conv.in_channels % n == conv.out_channels % n == 0 and conv.in_channels // n >= _NARROWEST
        ]  # fmt: skip
        return _like(conv, groups=max(fit)) if conv.groups == 1 and fit else None


_NARROWEST = 4


class Dilated(Conv):
    """Kernels with holes: each convolution of stride 1 sees a wider field with the same weights."""

    paper = "Yu & Koltun 2016, arXiv:1511.07122"
    when = "Large images whose classes show in the whole rather than in details; small ones are mostly padding then."
    rate: Annotated[int, OneOf(2, 3), Field(gt=1, le=16, description="pixels from one tap to the next")] = 2

    def replace(self, site: Site) -> nn.Module | None:
        conv = site.module
        assert isinstance(conv, nn.Conv2d)
        if conv.stride != (1, 1) or conv.dilation != (1, 1):
            return None
        wider = [(self.rate - 1) * (k - 1) // 2 for k in conv.kernel_size]
        padding = tuple(p + w for p, w in zip(_pair(conv.padding), wider, strict=True))
        dilated = _like(conv, dilation=self.rate, padding=padding)
        dilated.load_state_dict(conv.state_dict())
        return dilated


def is_spatial(site: Site) -> bool:
    """Whether a plain k×k convolution with k odd, at least 3, stands at ``site``."""
    conv = site.module  # subclasses pad or weigh their own way
    return (
        type(conv) is nn.Conv2d
        and max(conv.kernel_size) >= 3
        and all(k % 2 for k in conv.kernel_size)
        and not isinstance(conv.padding, str)
        and conv.padding_mode == "zeros"
        and len(site.in_shape) == 3
    )


def _like(conv: nn.Conv2d, **changes: Any) -> nn.Conv2d:
    """A new convolution with the settings of ``conv`` but for ``changes``."""
    settings = {
        name: getattr(conv, name)
        for name in ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups")
    }
    return nn.Conv2d(**{**settings, "bias": conv.bias is not None, **changes})


def _gives(conv: nn.Conv2d, site: Site) -> bool:
    """Whether ``conv`` makes the shape that came out at ``site``."""
    sides = zip(site.in_shape[1:], conv.kernel_size, conv.stride, _pair(conv.padding), strict=True)
    return tuple((side + 2 * p - k) // s + 1 for side, k, s, p in sides) == site.out_shape[1:]


def _pair(size: int | tuple[int, ...] | str) -> tuple[int, int]:
    assert not isinstance(size, str), "is_spatial leaves those out"
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _single(size: int | tuple[int, ...]) -> int:
    return size if isinstance(size, int) else size[0]
