"""A trained network's answers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training import batches
from autocls.training.labelling import labelling
from autocls.training.network import Weights
from autocls.training.numerics import Numerics

PLAIN = Numerics()
"""How a network is used, whatever it was trained with."""

Views = Callable[[torch.Tensor], Sequence[torch.Tensor]]


def views(recipe: Recipe) -> Views:
    """What the recipe shows to a trained network of a batch of images."""
    return recipe.tta.views if recipe.tta else lambda images: (images,)


@torch.inference_mode()
def predict(model: nn.Module, inputs: Iterator[torch.Tensor], views: Views, numerics: Numerics = PLAIN) -> torch.Tensor:
    """N×K logits of batches of inputs, the mean over each one's views."""
    model.eval()
    answers = ([numerics.answer(model, view) for view in views(images)] for images in inputs)
    return torch.cat([torch.stack(of_views).mean(dim=0) for of_views in answers])


@dataclass(frozen=True)
class Answers:
    """What a trained network says of a part's images."""

    score: float
    """The metric, in 0..1."""
    probabilities: npt.NDArray[np.float32]
    """N×K, 0..1, of each image and class; rows sum to 1, unless images have any number of labels."""


def examine(recipe: Recipe, model: nn.Module, data: ImageData, part: np.ndarray, metric: str) -> Answers:
    """The answers of the recipe's trained network to a part of ``data``."""
    device = default_device()
    inputs = batches.evaluation(batches.Tensors.of(data, device), part)
    logits = predict(model.to(device), inputs, views(recipe))
    task = labelling(multilabel=data.multilabel)
    score = task.metrics[task.metric(metric)](data.labels[part], logits.cpu().numpy())
    return Answers(score, task.probabilities(recipe.loss, logits).cpu().numpy())


def weights_of(model: nn.Module) -> Weights:
    """A copy of the model's weights and buffers on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def default_device() -> torch.device:
    """The first GPU that this process may use, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
