"""From a recipe to the network it describes."""

import torch
from torch import nn

from autocls.recipe import Recipe


def build(recipe: Recipe, classes: int, channels: int) -> nn.Module:
    """The recipe's network, its weights drawn from torch's global generator.

    Takes B×channels×image_size×image_size floats, gives B×classes logits. The model tricks operate in the order of
    the recipe's fields. Raises NotApplicable when one of them finds no place in this architecture.
    """
    model = recipe.architecture.build(classes, channels, recipe.image_size)
    sample = torch.zeros(2, channels, recipe.image_size, recipe.image_size)
    for trick in (recipe.downsample, recipe.norm, recipe.activation, recipe.head_norm):
        if trick is not None:
            trick.apply(model, sample)
    if recipe.init is not None:
        recipe.init.apply(model)
    return model


def count_parameters(model: nn.Module) -> int:
    """How many numbers training can change."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
