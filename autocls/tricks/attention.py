"""Slot ``attention``: channels weighted by what the whole image shows."""

import itertools
from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from autocls.domains import OneOf
from autocls.surgery import GATES, Site
from autocls.tricks.base import Trick
from autocls.tricks.structure import is_spatial
from autocls.tricks.surgery import Replacement


class Attention(Trick, Replacement):
    """Weights for the feature maps, drawn from the feature maps."""

    place: ClassVar[str] = "k×k convolution without such a gate"

    def select(self, sites: list[Site]) -> Iterable[Site]:
        """Each spatial convolution, or the normalisation right after it."""
        if any(type(site.module).__name__ in GATES for site in sites):
            return []
        leaves = [site for site in sites if not any(site.module.children())]
        return [
            after if isinstance(after.module, _BatchNorm | nn.GroupNorm) and after.in_shape == conv.out_shape else conv
            for conv, after in itertools.pairwise([*leaves, leaves[-1]])
            if is_spatial(conv)
        ]


class SqueezeExcite(Attention):
    """Squeeze each feature map to its mean, and let a small network weigh the maps by it."""

    paper = "Hu et al. 2018, arXiv:1709.01507"
    when = "Networks with many channels; SENet and EfficientNet have it already."
    interactions = "activation: the gates keep their own."
    reduction: Annotated[int, OneOf(4, 8, 16), Field(gt=0, description="channels over hidden units")] = 8

    def replace(self, site: Site) -> nn.Module | None:
        from timm.layers import SqueezeExcite as Gate

        channels = site.out_shape[0]
        return nn.Sequential(site.module, Gate(channels, rd_channels=max(1, channels // self.reduction)))
