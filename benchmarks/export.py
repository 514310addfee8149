"""Which networks can be exported, into which files, and how far their probabilities are from the original's.

    python -m benchmarks.export [--deeper] [--only resnet18,timm:convnext_atto]

Architectures, a choice of other libraries' networks, and every trick that operates on networks or their answers,
untrained, for colour images of 32 pixels and ten classes. Of networks that differ in depth alone it is the shallowest,
unless all are asked for. Freshly drawn networks give nearly equal probabilities to all classes, so
that a wrong export would hardly differ: statistics of batches are taken from the images shown, and the temperature is
set so that the logarithms of the probabilities have a standard deviation of 2.
"""

import argparse
import gc
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from rich.table import Table
from torch import nn

from autocls.deploy.answering import Answering
from autocls.deploy.export.checking import TOLERANCE, compare
from autocls.deploy.export.formats import FORMATS, Answer, Pixels, Probabilities, example, original
from autocls.deploy.export.samples import generated
from autocls.errors import TrialFailed
from autocls.recipe import Recipe, kind
from autocls.training.artifact import ModelCard
from autocls.training.network import build
from autocls.tricks.architecture import Architecture
from autocls.tricks.evaluation import Tta
from autocls.tricks.loss import Loss
from autocls.tricks.surgery import Surgery
from benchmarks.results import RESULTS, machine, write

SIZE, CLASSES, SPREAD = 32, 10, 2.0
IMAGES = 36
"""Batches of 1, 3 and 32."""
ELSEWHERE = (
    "timm:convnext_atto", "timm:edgenext_xx_small", "timm:efficientnet_b0", "timm:efficientnet_lite0",
    "timm:ghostnet_050", "timm:hardcorenas_a", "timm:levit_128s", "timm:mixer_s32_224", "timm:mobilenetv3_small_050",
    "timm:mobilevit_xxs", "timm:poolformer_s12", "timm:regnetx_002", "timm:repvgg_a0", "timm:resnet10t",
    "timm:vit_tiny_patch16_224", "timm:xcit_nano_12_p16_224", "torchvision:efficientnet_b0",
    "torchvision:mnasnet0_5", "torchvision:mobilenet_v3_small", "torchvision:regnet_y_400mf", "torchvision:swin_t",
)  # fmt: skip
DEEPER = (
    "vgg13", "vgg16", "vgg19", "resnet34", "resnet101", "densenet169", "densenet201", "seresnet34", "seresnet101",
)  # fmt: skip
"""The same code as a shallower one, more often."""
TRUNKS: tuple[str | Mapping[str, Any], ...] = ({"cifar_resnet": {"depth": 8}}, "lenet", "vgg11", "seresnet18")
"""What tricks are tried on: the first one where they have a place."""


@dataclass(frozen=True)
class Tried:
    """One network: of each format the largest difference in a probability, or why there is none; and the seconds."""

    name: str
    weights: int
    differences: Mapping[str, float | str]
    seconds: Mapping[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names, with commas; their rows replace those of earlier runs")
    parser.add_argument("--deeper", action="store_true", help="all depths of a network")
    asked = parser.parse_args()
    only = {name for name in asked.only.split(",") if name}
    left_out = () if asked.deeper else DEEPER
    torch.set_num_threads(1)
    tried = kept() if only else {}
    for name, recipe in itertools.chain(tricks(), networks()):
        if name in only or not (only or name in left_out):
            tried[name] = attempt(name, recipe)
            print(tried[name], flush=True)
            gc.collect()
    publish(list(tried.values()))


def kept() -> dict[str, Tried]:
    """What earlier runs found, by name: a run of some networks alone replaces theirs."""
    path = RESULTS / "export.json"
    return {row["name"]: Tried(**row) for row in json.loads(path.read_text())["networks"]} if path.exists() else {}


def publish(tried: list[Tried]) -> None:
    """Print the table, and write it with the results of the other benchmarks."""
    write("export", tabulated(tried), {"machine": machine(), "allowed": TOLERANCE, "networks": tried})


def networks() -> Iterator[tuple[str, Recipe]]:
    """Every architecture under its name, then those of other libraries."""
    for name in (*(name for name in Architecture.choices() if not name.endswith(":")), *ELSEWHERE):
        yield name, Recipe.from_plain({"architecture": name, "image_size": SIZE})


def tricks() -> Iterator[tuple[str, Recipe]]:
    """Every choice of every slot that changes how a network comes to its answer, on the first trunk that has room."""
    for slot in Recipe.model_fields:
        of = kind(slot)
        if of is None or not issubclass(of, Surgery | Tta | Loss):
            continue
        for choice in of.choices():
            for trunk in TRUNKS:
                recipe = Recipe.from_plain({"architecture": trunk, slot: choice, "image_size": SIZE})
                try:
                    build(recipe, CLASSES, 3)
                except TrialFailed:
                    continue
                yield f"{slot}: {choice} ({recipe.architecture.choice})", recipe
                break


def attempt(name: str, recipe: Recipe) -> Tried:
    """Export one network into every format."""
    images = generated(3, SIZE, IMAGES)
    network = spread(recipe, images)
    known = remembering(original(network))
    differences: dict[str, float | str] = {}
    seconds = {}
    with TemporaryDirectory() as folder:
        for format in FORMATS.values():
            began, path = time.perf_counter(), Path(folder) / format.name
            try:
                format.write(network, example(3, SIZE), path)
                answer = format.open(path)
                differences[format.name] = compare(known, answer, images, "").difference
            except Exception as error:
                differences[format.name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            seconds[format.name] = time.perf_counter() - began
    return Tried(name, sum(p.numel() for p in network.parameters()), differences, seconds)


def remembering(answer: Answer) -> Answer:
    """The same answers, without computing again what a batch of that size was answered."""
    said: dict[int, Probabilities] = {}

    def remembered(pixels: Pixels) -> Probabilities:
        if len(pixels) not in said:
            said[len(pixels)] = answer(pixels)
        return said[len(pixels)]

    return remembered


def spread(recipe: Recipe, images: Pixels) -> Answering:
    """The recipe's network, untrained, whose answers differ from image to image and from class to class."""
    torch.manual_seed(0)
    model = build(recipe, CLASSES, 3)
    card = ModelCard(tuple("abcdefghij"), 3, SIZE, (0.5,) * 3, (0.25,) * 3, "accuracy", 0.1)
    plain = Answering(model, recipe, card)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0  # the statistics are those of the last batch
    model.train()
    with torch.no_grad():
        plain(torch.from_numpy(images))
        model.eval()
        logs = plain(torch.from_numpy(images)).clamp(min=1e-30).log()
    deviation = max(float(logs.std(dim=1).mean()), 1e-4)
    return Answering(model, recipe, ModelCard(**{**vars(card), "temperature": deviation / SPREAD}))


def tabulated(tried: list[Tried]) -> Table:
    """One row for each network."""
    table = Table(title="Largest difference in a probability between the exported file and the original")
    for column in ("network", "weights", *FORMATS, "seconds to write and check"):
        table.add_column(column)
    for each in tried:
        cells = [d if isinstance(d, str) else f"{d:.1e}" for d in each.differences.values()]
        took = " / ".join(f"{s:.0f}" for s in each.seconds.values())
        table.add_row(each.name, f"{each.weights:,}", *cells, took)
    works = {
        name: sum(isinstance(d := each.differences[name], float) and d <= TOLERANCE for each in tried)
        for name in FORMATS
    }
    table.caption = "Within {:.0e}: {}; of {}.".format(
        TOLERANCE, ", ".join(f"{name} {number}" for name, number in works.items()), len(tried)
    )
    return table


if __name__ == "__main__":
    main()
