"""Slot ``mix``: training images made of two."""

from abc import abstractmethod
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from autocls.domains import Log
from autocls.tricks.base import Trick


class Mix(Trick):
    """Images and targets mixed across the batch."""

    @abstractmethod
    def apply(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mixed B×C×H×W images and B×K targets (rows that sum to 1)."""


class Mixup(Mix):
    """Each image blended with another of its batch, and so are their targets; the share is Beta(alpha, alpha)."""

    paper = "Zhang et al. 2018, arXiv:1710.09412"
    alpha: Annotated[float, Log(0.05, 1.0), Field(gt=0, le=10)] = 0.2

    def apply(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        # torch has no seeded Beta: numpy's generator takes its seed from ours
        seed = int(torch.randint(2**31, (1,), generator=generator, device=images.device))
        share = np.random.default_rng(seed).beta(self.alpha, self.alpha, len(images))
        keep = torch.as_tensor(share, dtype=images.dtype, device=images.device).view(-1, 1, 1, 1)
        partner = torch.randperm(len(images), generator=generator, device=images.device)
        mixed = torch.lerp(images[partner], images, keep.expand_as(images))
        flat = keep.view(-1, 1).expand_as(targets)
        return mixed, torch.lerp(targets[partner], targets, flat)
