"""Slots ``downsample``, ``norm`` and ``head_norm``: surgery over the network's layers."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from autocls.domains import OneOf
from autocls.surgery import Site, operate
from autocls.tricks.base import Trick


class Surgery(ABC):
    """A trick that replaces modules of a network that is built already."""

    name: ClassVar[str]

    def select(self, sites: list[Site]) -> Iterable[Site]:
        """The sites to look at, in the order of the forward pass."""
        return sites

    @abstractmethod
    def replace(self, site: Site) -> nn.Module | None:
        """What stands at ``site`` from now on, from the same input shape to the same output shape; None: as it was."""

    def apply(self, model: nn.Module, sample: torch.Tensor) -> None:
        """Operate on ``model`` in place. Raises NotApplicable when there is no site."""
        operate(model, sample, self.select, self.replace, self.name)


class Downsample(Trick, Surgery):
    """How a network that pools halves its feature maps."""

    neutral: ClassVar[str] = "pool"


class Stride(Downsample):
    """A strided convolution of the same size in place of each pooling layer, so that shrinking is learned."""

    paper = "Springenberg et al. 2015, arXiv:1412.6806"

    def replace(self, site: Site) -> nn.Module | None:
        pool = site.module
        if not isinstance(pool, nn.MaxPool2d | nn.AvgPool2d) or len(site.in_shape) != 3:
            return None
        channels, height, width = site.in_shape
        kernel, stride = _single(pool.kernel_size), _single(pool.stride)
        for padding in range(kernel):  # pools that round up need a padding of their own to keep the shape
            out = tuple((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if out == site.out_shape[1:]:
                return nn.Conv2d(channels, channels, kernel, stride, padding)
        return None


class Norm(Trick, Surgery):
    """Normalisation of feature maps: in place of the network's own, or after each convolution if it has none."""

    def select(self, sites: list[Site]) -> Iterable[Site]:
        own = [s for s in sites if isinstance(s.module, _BatchNorm | nn.GroupNorm) and len(s.in_shape) == 3]
        return own or [site for site in sites if isinstance(site.module, nn.Conv2d)]

    def replace(self, site: Site) -> nn.Module | None:
        old = site.module
        if isinstance(old, nn.Conv2d):
            return nn.Sequential(old, self.layer(old.out_channels))
        new = self.layer(site.in_shape[0])
        if isinstance(old, type(new)) and getattr(old, "num_groups", 0) == getattr(new, "num_groups", 0):
            return None
        # timm's norm layers carry the activation (and a dropout) that follows them
        carried = [getattr(old, part) for part in ("drop", "act") if hasattr(old, part)]
        return nn.Sequential(new, *carried) if carried else new

    @abstractmethod
    def layer(self, channels: int) -> nn.Module:
        """The normalisation of ``channels`` feature maps."""


class Batch(Norm):
    """Normalise each channel over the batch: faster, steadier training at batch sizes from about 16."""

    paper = "Ioffe & Szegedy 2015, arXiv:1502.03167"

    def layer(self, channels: int) -> nn.Module:
        return nn.BatchNorm2d(channels)


class Group(Norm):
    """Normalise over groups of channels instead of over the batch: does not depend on the batch's size."""

    paper = "Wu & He 2018, arXiv:1803.08494"
    groups: Annotated[int, OneOf(8, 16, 32), Field(gt=0, description="at most; a divisor of the channels is used")] = 32

    def layer(self, channels: int) -> nn.Module:
        return nn.GroupNorm(math.gcd(self.groups, channels), channels)


class HeadNorm(Trick, Surgery):
    """1-D normalisation after the linear layers of the head, the one that gives the logits left out."""


class HeadBatch(HeadNorm):
    """BatchNorm1d after each hidden linear layer."""

    name: ClassVar[str] = "batch"
    paper = "Ioffe & Szegedy 2015, arXiv:1502.03167"

    def select(self, sites: list[Site]) -> Iterable[Site]:
        linear = [s for s in sites if isinstance(s.module, nn.Linear) and len(s.out_shape) == 1]
        return linear[:-1]

    def replace(self, site: Site) -> nn.Module | None:
        return nn.Sequential(site.module, nn.BatchNorm1d(site.out_shape[0]))


def _single(size: int | tuple[int, ...]) -> int:
    return size if isinstance(size, int) else size[0]
