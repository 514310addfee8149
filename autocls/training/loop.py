"""The training loop: a plain generator of one EpochResult per epoch."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from autocls.data import ImageData
from autocls.errors import TrialFailed
from autocls.recipe import Recipe
from autocls.training import batches, network
from autocls.training.metrics import metric as metric_named

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class EpochResult:
    """What one epoch of training came to."""

    epoch: int
    """From 1."""
    score: float
    """The metric on the validation part, in 0..1."""
    seconds: float
    """Training and validation, wall-clock."""
    loss: float | None = None
    """Mean training loss of the epoch's batches."""
    parameters: int | None = None
    """Numbers that training can change."""
    weights: Callable[[], Weights] | None = None
    """Copies the weights that were validated to the CPU; to be called before the next epoch starts."""


def train(
    recipe: Recipe, data: ImageData, seed: int = 0, *, metric: str = "accuracy", device: torch.device | None = None
) -> Iterator[EpochResult]:
    """Train ``recipe`` on the training part of ``data``, validating after each epoch.

    ``data`` must have been opened at the recipe's image size. The seed decides initial weights, order and
    augmentation. Raises NotApplicable when a trick has no place in this network, TrialFailed when warm-up takes all the
    epochs or the loss is no longer finite.
    """
    scorer = metric_named(metric)
    if recipe.warmup >= recipe.epochs:
        raise TrialFailed(f"warmup: {recipe.warmup} of {recipe.epochs} epochs leave none to train in at the full rate")
    device = device or default_device()
    torch.manual_seed(seed)
    generator = torch.Generator(device).manual_seed(seed)
    model = network.build(recipe, len(data.classes), data.images.shape[1]).to(device)
    tensors = batches.Tensors.of(data, device)
    optimizer = recipe.optimizer.build(parameter_groups(model, recipe.weight_decay))
    scale = recipe.lr_scaling.factor(recipe.batch_size) if recipe.lr_scaling else 1.0
    rates = [group["lr"] * scale for group in optimizer.param_groups]
    average = recipe.ema.follow(model) if recipe.ema else None
    validated = average.module if average else model
    truth = data.labels[data.split.val]
    parameters, scores, step = network.count_parameters(model), list[float](), 0

    for epoch in range(1, recipe.epochs + 1):
        started = time.perf_counter()
        model.train()
        total = torch.zeros((), device=device)
        epoch_order = batches.order(data.split.train, recipe.batch_size, generator)
        for i, index in enumerate(epoch_order):
            factor = rate_factor(recipe, epoch - 1 + i / len(epoch_order), 1 / len(epoch_order), scores)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            images, targets = batches.augmented(recipe, tensors, index, generator)
            loss = recipe.loss.compute(model(images), targets)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
            step += 1
            if average:
                average.update(model, step)
            total += loss.detach()
        mean_loss = float(total) / len(epoch_order)
        if not np.isfinite(mean_loss):
            raise TrialFailed(f"the loss is {mean_loss} in epoch {epoch}")
        logits = predict(validated, batches.evaluation(tensors, data.split.val))
        scores.append(float(scorer(truth, logits.argmax(1).cpu().numpy())))
        seconds = time.perf_counter() - started
        yield EpochResult(epoch, scores[-1], seconds, mean_loss, parameters, lambda: weights_of(validated))


def rate_factor(recipe: Recipe, done: float, step: float, scores: Sequence[float]) -> float:
    """The learning rate's factor after ``done`` epochs: warm-up in steps of ``step`` epochs, then the schedule."""
    if done < recipe.warmup:
        return (done + step) / recipe.warmup
    if recipe.schedule is None:
        return 1.0
    return recipe.schedule.factor((done - recipe.warmup) / (recipe.epochs - recipe.warmup), scores)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """The weights, which decay, and the biases and norms, which don't."""
    trained = [p for p in model.parameters() if p.requires_grad]
    weights, others = [p for p in trained if p.ndim > 1], [p for p in trained if p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [g for g in groups if g["params"]]


@torch.inference_mode()
def predict(model: nn.Module, inputs: Iterator[torch.Tensor]) -> torch.Tensor:
    """N×K logits of batches of inputs."""
    model.eval()
    return torch.cat([model(images) for images in inputs])


def evaluate(model: nn.Module, data: ImageData, part: np.ndarray, metric: str, device: torch.device) -> float:
    """The metric of ``model`` on a part of ``data``, in 0..1."""
    tensors = batches.Tensors.of(data, device)
    logits = predict(model.to(device), batches.evaluation(tensors, part))
    return float(metric_named(metric)(data.labels[part], logits.argmax(1).cpu().numpy()))


def weights_of(model: nn.Module) -> Weights:
    """A copy of the model's weights and buffers on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def default_device() -> torch.device:
    """The first GPU that this process may use, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
