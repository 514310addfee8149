"""The training that both peers tune, written as PyTorch's, Ray Tune's and Optuna's own tutorials write it.

Images are augmented one by one with torchvision's transforms and batched by a DataLoader. Nothing here knows autocls;
the space is that of ``benchmarks/mnist_tricks.yaml``.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from optuna import Trial
from PIL import Image
from torch import nn, optim
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

EPOCHS = 9

Config = Mapping[str, Any]
Arrays = Mapping[str, np.ndarray]


def suggest(trial: Trial) -> None:
    """Ask for all that the space leaves open; the answers, by name, are a trial's config."""
    trial.suggest_categorical("norm", ["none", "batch"])
    activation = trial.suggest_categorical("activation", ["relu", "elu", "leaky_relu", "prelu", "tanh"])
    if activation == "elu":
        trial.suggest_float("elu_alpha", 0.5, 1.5)
    elif activation == "leaky_relu":
        trial.suggest_float("leaky_relu_slope", 0.005, 0.3)
    if trial.suggest_categorical("rotate", [False, True]):
        trial.suggest_float("rotate_degrees", 5, 20)
    if trial.suggest_categorical("crop", [False, True]):
        trial.suggest_int("crop_padding", 1, 3)
    if trial.suggest_categorical("erase", [False, True]):
        trial.suggest_float("erase_size", 0.15, 0.5)
    trial.suggest_categorical("label_smoothing", [0.0, 0.1])
    if trial.suggest_categorical("optimizer", ["sgd", "adam"]) == "sgd":
        trial.suggest_float("sgd_lr", 0.01, 0.3, log=True)
        trial.suggest_float("sgd_momentum", 0.8, 0.98)
    else:
        trial.suggest_float("adam_lr", 3e-4, 1e-2, log=True)
    trial.suggest_float("weight_decay", 1e-6, 1e-3, log=True)
    trial.suggest_categorical("schedule", ["constant", "cosine"])
    trial.suggest_categorical("batch_size", [32, 64, 128])


class Net(nn.Module):
    """LeNet with the config's activation and norm."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.features = nn.Sequential(*convolution(1, 6, config), *convolution(6, 16, config))
        self.classifier = nn.Sequential(
            nn.Linear(16 * 7 * 7, 120), activation(config),
            nn.Linear(120, 84), activation(config),
            nn.Linear(84, 10),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(torch.flatten(self.features(x), 1))
        return logits


def convolution(inputs: int, outputs: int, config: Config) -> list[nn.Module]:
    norm = [nn.BatchNorm2d(outputs)] if config["norm"] == "batch" else []
    return [nn.Conv2d(inputs, outputs, 5, padding=2), *norm, activation(config), nn.MaxPool2d(2)]


def activation(config: Config) -> nn.Module:
    match config["activation"]:
        case "elu":
            return nn.ELU(config["elu_alpha"])
        case "leaky_relu":
            return nn.LeakyReLU(config["leaky_relu_slope"])
        case "prelu":
            return nn.PReLU()
        case "tanh":
            return nn.Tanh()
    return nn.ReLU()


class Digits(Dataset[tuple[torch.Tensor, int]]):
    """Digits in memory, each made a PIL image and transformed when it is asked for, as torchvision's MNIST does."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform: transforms.Compose) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def loaders(data: Arrays, config: Config) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Those of the train part, augmented, and of the val part."""
    before, after = [], []
    if config["rotate"]:
        before.append(transforms.RandomRotation(config["rotate_degrees"]))
    if config["crop"]:
        before.append(transforms.RandomCrop(28, padding=config["crop_padding"]))
    if config["erase"]:
        area = config["erase_size"] ** 2
        after.append(transforms.RandomErasing(p=1.0, scale=(area, area), ratio=(1.0, 1.0)))
    plain = [transforms.ToTensor(), transforms.Normalize(data["mean"].tolist(), data["std"].tolist())]
    train = Digits(data["train_x"], data["train_y"], transforms.Compose([*before, *plain, *after]))
    val = Digits(data["val_x"], data["val_y"], transforms.Compose(plain))
    return DataLoader(train, batch_size=config["batch_size"], shuffle=True), DataLoader(val, batch_size=1000)


class Training:
    """A config's network with all that trains it; ``epoch`` trains once over the train part and validates."""

    def __init__(self, config: Config, data: Arrays, seed: int) -> None:
        torch.manual_seed(seed)
        self.net = Net(config)
        self.train_loader, self.val_loader = loaders(data, config)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=config["label_smoothing"])
        decay = config["weight_decay"]
        self.optimizer: optim.Optimizer = (
            optim.SGD(self.net.parameters(), lr=config["sgd_lr"], momentum=config["sgd_momentum"], nesterov=True,
                      weight_decay=decay)
            if config["optimizer"] == "sgd"
            else optim.Adam(self.net.parameters(), lr=config["adam_lr"], weight_decay=decay)
        )  # fmt: skip
        self.scheduler = CosineAnnealingLR(self.optimizer, EPOCHS) if config["schedule"] == "cosine" else None

    def epoch(self) -> float:
        """The accuracy on the val part after one more epoch."""
        self.net.train()
        for inputs, labels in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.net(inputs), labels)
            loss.backward()
            self.optimizer.step()
        if self.scheduler is not None:
            self.scheduler.step()
        self.net.eval()
        correct = total = 0
        with torch.no_grad():
            for inputs, labels in self.val_loader:
                correct += int((self.net(inputs).argmax(1) == labels).sum())
                total += len(labels)
        return correct / total


def arguments(about: str | None) -> argparse.Namespace:
    """What each peer is started with."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--data", type=Path, required=True, help="the parts, as workload.write_parts writes them")
    parser.add_argument("--seconds", type=float, required=True, help="from the start of the process")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="a folder, which gets result.json and weights.pt")
    return parser.parse_args()


def load(file: Path) -> dict[str, np.ndarray]:
    """The parts in a file."""
    with np.load(file) as arrays:
        return dict(arrays)


def began() -> float:
    """When this process started, imports and all, as ``time.time`` counts."""
    return psutil.Process().create_time()


def left(seconds: float) -> float:
    """What is left of the seconds that this process has from its start."""
    return seconds - (time.time() - began())


Point = tuple[int, float, float]
"""An epoch: its trial's number, when it was validated as ``time.time`` counts, and its validation score."""


def write(out: Path, points: Sequence[Point], config: Config, weights: Any) -> None:
    """Write what a search came to: its trials, (seconds since its start, score) of each epoch, and its winner."""
    torch.save(weights, out / "weights.pt")
    start = began()
    result = {
        "trials": len({trial for trial, _, _ in points}),
        "points": sorted((at - start, score) for _, at, score in points),
        "config": dict(config),
    }
    (out / "result.json").write_text(json.dumps(result), encoding="utf-8")
