"""Slot ``head``: from the last feature maps to logits."""

import math
from collections.abc import Iterator
from typing import ClassVar

from torch import nn

from autocls.surgery import Site
from autocls.tricks.base import Trick
from autocls.tricks.surgery import Surgery


class Head(Trick, Surgery):
    """What makes logits of the last feature maps."""

    neutral: ClassVar[str] = "default"
    place: ClassVar[str] = "hidden linear layer on flattened feature maps"


class FullyConvolutional(Head):
    """1×1 convolutions for the linear layers, and the mean of their maps of logits: no weight is tied to a place."""

    reshapes: ClassVar[bool] = True  # what stands between the linear layers sees maps
    paper = "Lin et al. 2014, arXiv:1312.4400"
    when = "LeNet, AlexNet and VGG, whose linear layers hold most of the weights; where a class may stand anywhere."
    interactions = "head_norm: no linear layer is left to normalise."

    def plan(self, sites: list[Site]) -> Iterator[tuple[str, nn.Module]]:
        linear = [s for s in sites if isinstance(s.module, nn.Linear) and len(s.out_shape) == 1]
        maps = next((s.out_shape for s in _before(sites, linear[:1]) if len(s.out_shape) == 3), None)
        if maps is None or len(linear) < 2 or math.prod(maps) != linear[0].in_shape[0]:
            return
        for site in linear:
            first, last = site is linear[0], site is linear[-1]
            into = maps[0] if first else site.in_shape[0]
            yield (
                site.path,
                nn.Sequential(
                    *([nn.Unflatten(1, maps)] if first else []),
                    nn.Conv2d(into, site.out_shape[0], 1),
                    *([nn.AdaptiveAvgPool2d(1), nn.Flatten()] if last else []),
                ),
            )


def _before(sites: list[Site], at: list[Site]) -> Iterator[Site]:
    """The sites that ran before the first of ``at``, the last of them first."""
    return reversed(sites[: sites.index(at[0])]) if at else iter(())
