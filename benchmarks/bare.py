"""The limit: the same training as autocls', as the plainest loop over tensors in memory that gives the same numbers."""

import math
import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training.network import build
from autocls.tricks.optimizer import Adam, Sgd
from autocls.tricks.schedule import Cosine
from benchmarks.workload import split

LOOP = ("flip", "rotate", "crop", "color", "erase", "mix", "label_smoothing", "optimizer", "weight_decay", "schedule",
        "batch_size", "epochs")  # fmt: skip
"""The slots that the loop reads; those of the network are read where it is built, the others must be neutral."""
NETWORK = ("architecture", "image_size", "shortcut", "downsample", "conv", "attention", "norm", "activation", "head",
           "head_norm", "dropout", "stochastic_depth", "init")  # fmt: skip
VALIDATED_AT_ONCE = 512


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to."""

    loss: float
    accuracy: float
    """On the validation part."""
    training: float
    """Seconds, without validation."""


def train(recipe: Recipe, data: ImageData, seed: int, epochs: int | None = None) -> list[tuple[float, float]]:
    """Loss and validation accuracy after each of the recipe's epochs, or of the first few of them."""
    return [(epoch.loss, epoch.accuracy) for epoch in islice(steps(recipe, data, seed), epochs)]


def steps(recipe: Recipe, data: ImageData, seed: int) -> Iterator[Epoch]:
    """The recipe's epochs, one after the other."""
    if recipe.without((*LOOP, *NETWORK)) != Recipe():
        raise ValueError(f"the bare loop knows only {', '.join((*NETWORK, *LOOP))}")
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    classes, size = len(data.classes), recipe.batch_size
    model = build(recipe, classes, data.images.shape[1])
    optimizer = _optimizer(recipe, model)
    rate = recipe.optimizer.lr

    mean, std = (torch.tensor(s).view(-1, 1, 1) for s in (data.mean, data.std))
    images = torch.tensor(data.images[data.split.train]).float().div_(255)
    targets = F.one_hot(torch.tensor(data.labels[data.split.train]), classes).float()
    if recipe.label_smoothing:
        targets = targets * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes
    val_images = ((torch.tensor(data.images[data.split.val]).float().div_(255) - mean) / std).split(VALIDATED_AT_ONCE)
    val_labels = torch.tensor(data.labels[data.split.val])
    before = [trick for trick in (recipe.flip, recipe.rotate, recipe.crop, recipe.color) if trick is not None]

    for epoch in range(recipe.epochs):
        began = time.perf_counter()
        model.train()
        drawn = torch.randperm(len(images), generator=generator).split(size)
        order = [index for index in drawn if len(index) > 1]
        total = torch.zeros(())
        for i, index in enumerate(order):
            x, y = images[index], targets[index]
            for trick in before:
                x = trick.apply(x, generator)
            x = (x - mean) / std
            if recipe.erase is not None:
                x = recipe.erase.apply(x, generator)
            if recipe.mix is not None:
                x, y = recipe.mix.apply(x, y, generator)
            if recipe.schedule is not None:
                done = (epoch + i / len(order)) / recipe.epochs
                for group in optimizer.param_groups:
                    group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done))
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        mean_loss, trained = float(total) / len(order), time.perf_counter()
        model.eval()
        with torch.inference_mode():
            answers = torch.cat([model(x) for x in val_images]).argmax(1)
        yield Epoch(mean_loss, float((answers == val_labels).double().mean()), trained - began)


def _optimizer(recipe: Recipe, model: torch.nn.Module) -> torch.optim.Optimizer:
    """The recipe's, of weights, which decay, and of biases and norms, which don't."""
    if not isinstance(recipe.schedule, Cosine | None):
        raise ValueError(f"the bare loop knows no schedule but a cosine, and not {recipe.schedule}")
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    match recipe.optimizer:
        case Sgd(lr=lr, momentum=momentum, nesterov=nesterov):
            return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov)
        case Adam(lr=lr):
            return torch.optim.Adam(groups, lr=lr)
    raise ValueError(f"the bare loop knows the optimizers sgd and adam, and not {recipe.optimizer.choice}")


Trial = tuple[str, int]
"""A recipe in YAML, and how many of its epochs were trained."""


def seconds_per_epoch(
    trials: Sequence[Trial], source: Path, seed: int, seconds: float, processes: int = 2
) -> tuple[float, int]:
    """What an epoch of these trials takes a process when so many train at once, and of how many epochs that was seen.

    Each process trains trials drawn at random, as far as they were trained, for about so many seconds.
    """
    shuffled = random.Random(seed).sample(list(trials), len(trials))
    shares = [shuffled[i::processes] for i in range(processes)]
    split(source, seed)  # decoded once, before the processes look for it
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        seen = pool.starmap(_sample, [(share, source, seed, seconds) for share in shares])
    taken, epochs = (sum(column) for column in zip(*seen, strict=True))
    return taken / epochs, int(epochs)


def _sample(trials: Sequence[Trial], source: Path, seed: int, seconds: float) -> tuple[float, int]:
    """The seconds that training took, and the epochs that were trained."""
    torch.set_num_threads(1)
    data = split(source, seed)
    train(Recipe(image_size=data.images.shape[-1]), data, seed, epochs=1)  # torch's first steps take longer
    began, epochs = time.perf_counter(), 0
    for recipe, trained in trials:
        train(Recipe.from_yaml(recipe), data, seed, trained)
        epochs += trained
        if time.perf_counter() - began > seconds:
            break
    return time.perf_counter() - began, epochs
