"""NASNet-A (4 @ 1056), the mobile one, put together from timm's cells: timm has the large one only."""

from typing import Any

import torch
from torch import nn

FILTERS = 1056 // 24
"""Of the first cells: the last ones put out 24 times as many channels."""
STEM = 32
CELLS = 4
"""A stage; the first of them brings its two inputs to one size."""


class NasnetMobile(nn.Module):
    """Three stages of four cells between two reductions; every cell sees the outputs of the two before it.

    As in Zoph et al. 2018, "Learning transferable architectures for scalable image recognition".
    """

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        from timm.layers.conv_bn_act import ConvNormAct
        from timm.models.nasnet import CellStem0, CellStem1, ReductionCell0, ReductionCell1

        f = FILTERS
        self.conv0 = ConvNormAct(channels, STEM, 3, stride=2, padding=0, apply_act=False, norm_kwargs={"eps": 1e-3})
        self.cell_stem_0 = CellStem0(STEM, f // 4, "same")
        self.cell_stem_1 = CellStem1(STEM, f // 2, "same")
        self.cells = nn.ModuleList(
            [
                *_stage(f, prev=f, last=2 * f),
                ReductionCell0(6 * f, 2 * f, 6 * f, 2 * f, "same"),
                *_stage(2 * f, prev=6 * f, last=8 * f),
                ReductionCell1(12 * f, 4 * f, 12 * f, 4 * f, "same"),
                *_stage(4 * f, prev=12 * f, last=16 * f),
            ]
        )
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(24 * f, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """B×C×H×W images to B×classes logits."""
        stem = self.conv0(images)
        previous = self.cell_stem_0(stem)
        last = self.cell_stem_1(stem, previous)
        for cell in self.cells:
            previous, last = last, cell(last, previous)
        logits: torch.Tensor = self.linear(self.pool(self.relu(last)).flatten(1))
        return logits


def _stage(filters: int, *, prev: int, last: int) -> list[nn.Module]:
    """A stage's cells, the last two outputs before it of ``prev`` and ``last`` channels."""
    from timm.models.nasnet import FirstCell, NormalCell

    first: Any = FirstCell(prev, filters // 2, last, filters, "same")
    second = NormalCell(last, filters, 6 * filters, filters, "same")
    rest = [NormalCell(6 * filters, filters, 6 * filters, filters, "same") for _ in range(CELLS - 2)]
    return [first, second, *rest]
