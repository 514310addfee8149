"""A trained network with all that comes before and after it: what is used, served and exported is this one module."""

from collections.abc import Sequence

import torch
from torch import nn

from autocls.recipe import Recipe
from autocls.training.artifact import ModelCard
from autocls.training.batches import normalise, statistics
from autocls.training.inference import views


class Answering(nn.Module):
    """From uint8 B×C×S×S pixels (S the card's image_size) to B×K calibrated probabilities.

    Rows sum to 1, unless the model gives images any number of labels.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, model: nn.Module, recipe: Recipe, card: ModelCard) -> None:
        super().__init__()
        self.model = model
        self._views, self._loss = views(recipe), recipe.loss
        self._labelling, self._reading = card.labelling, card.reading
        mean, std = statistics(card.mean, card.std, torch.device("cpu"))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)
        self.eval()

    def shown(self, pixels: torch.Tensor) -> Sequence[torch.Tensor]:
        """The views of ``pixels`` that the network is shown, normalised, each of their shape."""
        return self._views(normalise(pixels.float() / 255, self.mean, self.std))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits = torch.stack([self.model(view) for view in self.shown(pixels)]).mean(dim=0)
        return self._labelling.probabilities(self._loss, logits.float(), self._reading)
