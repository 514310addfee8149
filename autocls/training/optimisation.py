"""What an optimizer is given: parameter groups, and the learning rate of each step."""

from collections.abc import Sequence

from torch import nn

from autocls.recipe import Recipe


def rate_factor(recipe: Recipe, done: float, step: float, scores: Sequence[float]) -> float:
    """The learning rate's factor after ``done`` epochs: warm-up in steps of ``step`` epochs, then the schedule."""
    if done < recipe.warmup:
        return (done + step) / recipe.warmup
    if recipe.schedule is None:
        return 1.0
    return recipe.schedule.factor((done - recipe.warmup) / (recipe.epochs - recipe.warmup), scores)


MOST_LAYERS = 12
"""So many steps of layer decay at the most, as the vision transformers have that it was made for."""


def parameter_groups(model: nn.Module, weight_decay: float, layer_decay: float = 1.0) -> list[dict[str, object]]:
    """The weights, which decay, and the biases and norms, which don't; of each layer by itself if their rates differ.

    ``lr_scale`` is layer_decay^k, k the number of layers above, of which there are 12 at the most: the network's own in
    even shares (Bao et al. 2022, arXiv:2106.08254, for networks of any kind).
    """
    layers = _layers(model)
    shares = min(MOST_LAYERS, len(layers)) if layer_decay < 1 else 1
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for i, of_layer in enumerate(layers):
        for parameter in of_layer:
            if parameter.requires_grad:
                groups.setdefault((i * shares // len(layers), parameter.ndim <= 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "weight_decay": 0.0 if spared else weight_decay,
            "lr_scale": layer_decay ** (shares - 1 - share),
        }
        for (share, spared), parameters in groups.items()
    ]


def _layers(model: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of each module that has some, from below; one that several share belongs to the first."""
    seen: set[nn.Parameter] = set()
    layers = []
    for module in model.modules():
        own = [p for p in module.parameters(recurse=False) if p not in seen]
        seen.update(own)
        layers += [own] if own else []
    return layers


def hold_statistics(model: nn.Module) -> None:
    """Let norms in training mode use their running statistics and leave them as they are; dropout goes on."""
    for module in model.modules():
        if getattr(module, "running_mean", None) is not None:
            module.eval()
