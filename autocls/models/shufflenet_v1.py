"""ShuffleNet v1, which neither torchvision nor timm has."""

from collections import OrderedDict

import torch
from torch import nn

STEM = 24
SECOND_STAGE = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Channels of stage 2 by the number of groups, from the paper's Table 1; each later stage doubles them."""
UNITS = (4, 8, 4)


class Shuffle(nn.Module):
    """Deals the channels of each group out to all groups: the next grouped convolution sees something of each."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """B×C×H×W to the same shape, the channels in another order."""
        batch, channels, *size = maps.shape
        return maps.reshape(batch, self.groups, channels // self.groups, *size).transpose(1, 2).flatten(1, 2)


class Unit(nn.Module):
    """A residual bottleneck of grouped 1×1, shuffle, depthwise 3×3 and grouped 1×1 (the paper's Figure 2, b and c).

    Where the channels grow it halves the maps, and what the pooled input lacks in channels is concatenated to it.
    """

    def __init__(self, before: int, after: int, groups: int, *, first_groups: int) -> None:
        super().__init__()
        grows = after > before
        middle, made = after // 4, after - before if grows else after
        self.branch = nn.Sequential(
            nn.Conv2d(before, middle, 1, groups=first_groups, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU(inplace=True),
            Shuffle(first_groups),
            nn.Conv2d(middle, middle, 3, 2 if grows else 1, 1, groups=middle, bias=False),
            nn.BatchNorm2d(middle),
            nn.Conv2d(middle, made, 1, groups=groups, bias=False),
            nn.BatchNorm2d(made),
        )
        self.shortcut = nn.AvgPool2d(3, 2, 1) if grows else None
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """B×before×H×W to B×after×H×W, or to maps half as high and wide."""
        made = self.branch(maps)
        joined = maps + made if self.shortcut is None else torch.cat([self.shortcut(maps), made], 1)
        out: torch.Tensor = self.relu(joined)
        return out


def shufflenet_v1(classes: int, channels: int, groups: int, width: float) -> nn.Sequential:
    """ShuffleNet ``width``× with ``groups`` groups, as in Zhang et al. 2017, arXiv:1707.01083, Table 1.

    Where a width gives channels that the groups don't divide, they are rounded to the nearest number that they do;
    the paper doesn't say how it does that.
    """
    before = _rounded(STEM * width, groups)
    after = _rounded(SECOND_STAGE[groups] * width, 4 * groups)
    network = nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(channels, before, 3, 2, 1, bias=False),
            norm=nn.BatchNorm2d(before),
            relu=nn.ReLU(inplace=True),
            maxpool=nn.MaxPool2d(3, 2, 1),
        )
    )
    for stage, units in enumerate(UNITS, 2):
        # The first 1×1 convolution of all is not grouped: it has too few channels to deal out.
        first = Unit(before, after, groups, first_groups=1 if stage == 2 else groups)
        rest = (Unit(after, after, groups, first_groups=groups) for _ in range(units - 1))
        network.add_module(f"stage{stage}", nn.Sequential(first, *rest))
        before, after = after, 2 * after
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flatten", nn.Flatten())
    network.add_module("linear", nn.Linear(before, classes))
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def _rounded(channels: float, multiple: int) -> int:
    return max(multiple, int(channels / multiple + 0.5) * multiple)
