"""LeNet-5."""

import torch
from torch import nn


class LeNet(nn.Module):
    """Two 5×5 convolutions, each pooled, and three linear layers.

    As in LeCun et al. 1998, "Gradient-based learning applied to document recognition", with three usual changes: ReLU
    for tanh, max pooling for trainable subsampling, and convolutions padded to keep their size, so that images from
    4 pixels on pass. ``width`` multiplies the 6 and 16 channels and the 120 and 84 hidden units.
    """

    def __init__(self, classes: int, channels: int, image_size: int, width: float = 1.0) -> None:
        super().__init__()
        c1, c2, h1, h2 = (round(n * width) for n in (6, 16, 120, 84))
        side = image_size // 2 // 2
        self.features = nn.Sequential(
            nn.Conv2d(channels, c1, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(c1, c2, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Linear(c2 * side * side, h1), nn.ReLU(),
            nn.Linear(h1, h2), nn.ReLU(),
            nn.Linear(h2, classes),
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """B×C×S×S images to B×classes logits."""
        logits: torch.Tensor = self.classifier(self.features(images).flatten(1))
        return logits
