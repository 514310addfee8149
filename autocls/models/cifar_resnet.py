"""The residual networks that He et al. trained on CIFAR-10."""

import torch
import torch.nn.functional as F
from torch import nn

STAGES = (16, 32, 64)


class PadShortcut(nn.Module):
    """A shortcut without parameters: every second pixel, and zeros for the channels that come new (option A)."""

    def __init__(self, new: int) -> None:
        super().__init__()
        self.new = new

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """B×C×H×W to B×(C + new)×⌈H/2⌉×⌈W/2⌉."""
        return F.pad(maps[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.new))


def cifar_resnet(classes: int, channels: int, depth: int) -> nn.Sequential:
    """6n+2 layers: a 3×3 convolution, three stages of n blocks on 16, 32 and 64 channels, and a linear layer.

    As in He et al. 2016, "Deep residual learning for image recognition", section 4.2.
    """
    network = nn.Sequential()
    network.add_module("conv", nn.Conv2d(channels, STAGES[0], 3, padding=1, bias=False))
    network.add_module("norm", nn.BatchNorm2d(STAGES[0]))
    network.add_module("relu", nn.ReLU(inplace=True))
    before = STAGES[0]
    for i, width in enumerate(STAGES, 1):
        network.add_module(f"stage{i}", _stage(before, width, blocks=(depth - 2) // 6))
        before = width
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flatten", nn.Flatten())
    network.add_module("linear", nn.Linear(before, classes))
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return network


def _stage(before: int, width: int, blocks: int) -> nn.Sequential:
    from torchvision.models.resnet import BasicBlock

    grows = width > before
    first = BasicBlock(before, width, 2 if grows else 1, PadShortcut(width - before) if grows else None)
    return nn.Sequential(first, *(BasicBlock(width, width) for _ in range(blocks - 1)))
