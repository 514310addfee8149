"""Slot ``tta``: what is shown to a trained network instead of the image alone."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field

from autocls.domains import Int
from autocls.tricks.base import Aspect, Trick


class Tta(Trick):
    """Test-time augmentation: the mean of the logits of several views, in validation, test and use."""

    shows_in: ClassVar[Aspect] = Aspect.ANSWERS

    @abstractmethod
    def views(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """The views of B×C×H×W normalised images, each of their shape; the images themselves are the first."""


class Mirror(Tta):
    """The image and its mirror image."""

    paper = "Krizhevsky et al. 2012, NeurIPS"
    when = "Things that have no left and right; every answer costs twice."
    interactions = "flip: a network trained with horizontal is sure of both views already."

    def views(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        return images, images.flip(-1)


class Shifts(Tta):
    """The image, and the image moved up, down, left and right; the edge is repeated."""

    paper = "Krizhevsky et al. 2012, NeurIPS"
    when = "Small images, in which a pixel is much; every answer costs five times."
    interactions = "crop: a network trained with shift gains less."
    pixels: Annotated[int, Int(1, 3), Field(gt=0, le=32)] = 1

    def views(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        n, (height, width) = self.pixels, images.shape[-2:]
        padded = F.pad(images, [n] * 4, mode="replicate")
        corners = ((n, n), (0, n), (2 * n, n), (n, 0), (n, 2 * n))
        return [padded[..., y : y + height, x : x + width] for y, x in corners]
