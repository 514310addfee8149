"""A training epoch as torchvision's and timm's own scripts do it: a DataLoader of PIL images, changed one by one.

Both are written after their scripts: torchvision's ``references/classification`` and timm's ``train.py``. Where these
have no such augmentation as autocls', the nearest of theirs stands for it. They are spared what their scripts do
besides: reading files, decoding, logging and accuracies.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import timm.data
import timm.optim
import timm.scheduler
import torch
from PIL import Image
from timm.loss import SoftTargetCrossEntropy
from torch import nn
from torch.utils.data import DataLoader, Dataset, default_collate
from torchvision import transforms
from torchvision.transforms import v2

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training.network import build

DEGREES, STRENGTH, SHARE, ALPHA, RATE, MOMENTUM = 15, 0.3, 0.3, 0.2, 0.01, 0.9


@dataclass
class Pictures(Dataset[tuple[object, int]]):
    """The training part as PIL images from memory, which is kinder than files."""

    images: npt.NDArray[np.uint8]
    """N×H×W, or N×H×W×3."""
    labels: npt.NDArray[np.int64]
    transform: Callable[[Image.Image], object]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[object, int]:
        return self.transform(Image.fromarray(self.images[row])), int(self.labels[row])


def torchvision_epochs(recipe: Recipe, data: ImageData, augment: bool, workers: int) -> Iterator[float]:
    """Seconds of each training epoch."""
    turned = [transforms.RandomHorizontalFlip(), transforms.RandomRotation(DEGREES, v2.InterpolationMode.BILINEAR)]
    recoloured = transforms.ColorJitter(STRENGTH, STRENGTH, STRENGTH)
    erased = transforms.RandomErasing(p=1, scale=(SHARE**2, SHARE**2), ratio=(1, 1))
    plain = [
        transforms.PILToTensor(),
        transforms.ConvertImageDtype(torch.float),
        transforms.Normalize(data.mean, data.std),
    ]
    chain = transforms.Compose([*turned, recoloured, *plain, erased] if augment else plain)
    collate = partial(_mixed, v2.MixUp(alpha=ALPHA, num_classes=len(data.classes))) if augment else default_collate
    loader = DataLoader(
        _pictures(data, chain), recipe.batch_size, shuffle=True, num_workers=workers, collate_fn=collate,
        persistent_workers=workers > 0,
    )  # fmt: skip
    model = _network(recipe, data)
    optimizer = torch.optim.SGD(model.parameters(), RATE, MOMENTUM, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs)
    criterion = nn.CrossEntropyLoss()
    for _ in range(recipe.epochs):
        began = time.perf_counter()
        model.train()
        for image, target in loader:
            loss = criterion(model(image), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
        schedule.step()
        yield time.perf_counter() - began


def timm_epochs(recipe: Recipe, data: ImageData, augment: bool, workers: int) -> Iterator[float]:
    """Seconds of each training epoch."""
    size, classes = data.images.shape[1:], len(data.classes)
    pictures: Any = _pictures(data, transforms.Compose([]))  # timm asks for a class of its own, and uses no more of it
    loader = timm.data.create_loader(
        pictures, tuple(size), recipe.batch_size, is_training=True, no_aug=not augment, scale=(1, 1), ratio=(1, 1),
        color_jitter=STRENGTH, re_prob=float(augment), mean=data.mean, std=data.std, num_workers=workers,
        device=torch.device("cpu"), persistent_workers=workers > 0,
    )  # fmt: skip
    if augment:  # timm turns images in its policies only
        turned = transforms.RandomRotation(DEGREES, v2.InterpolationMode.BILINEAR)
        pictures.transform = transforms.Compose([turned, pictures.transform])
    mixed = timm.data.Mixup(mixup_alpha=ALPHA, label_smoothing=0, num_classes=classes) if augment else None
    model = _network(recipe, data)
    optimizer = timm.optim.create_optimizer_v2(model, "sgd", RATE, momentum=MOMENTUM)
    schedule, _ = timm.scheduler.create_scheduler_v2(
        optimizer, "cosine", recipe.epochs, warmup_epochs=0, step_on_epochs=False, updates_per_epoch=len(loader)
    )
    criterion = SoftTargetCrossEntropy() if augment else nn.CrossEntropyLoss()
    updates = 0
    for _ in range(recipe.epochs):
        began = time.perf_counter()
        model.train()
        for image, target in loader:
            if mixed is not None:
                image, target = mixed(image, target)
            loss = criterion(model(image), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            updates += 1
            schedule.step_update(updates)
        yield time.perf_counter() - began


def _mixed(mix: v2.MixUp, batch: list[tuple[torch.Tensor, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    images, targets = mix(*default_collate(batch))
    return images, targets


def _pictures(data: ImageData, transform: Callable[[Image.Image], object]) -> Pictures:
    pixels = data.images[data.split.train].transpose(0, 2, 3, 1)
    images = np.ascontiguousarray(pixels[..., 0] if pixels.shape[3] == 1 else pixels)
    return Pictures(images, data.labels[data.split.train], transform)


def _network(recipe: Recipe, data: ImageData) -> nn.Module:
    torch.manual_seed(0)
    return build(recipe, len(data.classes), data.images.shape[1])
