"""Every trick there is, and the one row that its tests need."""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from autocls.probe import Bench
from autocls.recipe import Recipe, kind
from autocls.tricks.base import Trick

_FOLDER = tempfile.TemporaryDirectory(prefix="autocls-bench-")
BENCH = Bench(Path(_FOLDER.name))
"""Observes runs; its folder is a teacher, and holds weights to start from."""


class Row(NamedTuple):
    """How a trick is tried out: as YAML writes it, on what network, and where it has no place."""

    written: Any = None
    """Its smallest interesting form; its bare name unless said."""
    on: str = "lenet"
    not_on: str | None = None
    beside: dict[str, Any] = {}  # noqa: RUF012  (nobody changes it)
    """Other slots' choices without which it can't be."""


ROWS = {
    "architecture.lenet": Row({"lenet": {"width": 2}}),
    "architecture.alexnet": Row(),
    "architecture.vgg11": Row(),
    "architecture.vgg13": Row(),
    "architecture.vgg16": Row(),
    "architecture.vgg19": Row(),
    "architecture.resnet18": Row(),
    "architecture.resnet34": Row(),
    "architecture.resnet50": Row(),
    "architecture.resnet101": Row(),
    "architecture.cifar_resnet": Row({"cifar_resnet": {"depth": 20}}),
    "architecture.googlenet": Row(),
    "architecture.inception_v3": Row(),
    "architecture.inception_v4": Row(),
    "architecture.densenet121": Row(),
    "architecture.densenet169": Row(),
    "architecture.densenet201": Row(),
    "architecture.nasnet_large": Row(),
    "architecture.nasnet_mobile": Row(),
    "architecture.xception": Row(),
    "architecture.seresnet18": Row(),
    "architecture.seresnet34": Row(),
    "architecture.seresnet50": Row(),
    "architecture.seresnet101": Row(),
    "architecture.senet154": Row(),
    "architecture.mobilenet_v1": Row({"mobilenet_v1": {"width": 0.25}}),
    "architecture.mobilenet_v2": Row({"mobilenet_v2": {"width": 0.25}}),
    "architecture.shufflenet_v1": Row({"shufflenet_v1": {"groups": 3, "width": 0.25}}),
    "architecture.shufflenet_v2": Row({"shufflenet_v2": {"width": 0.5}}),
    "architecture.squeezenet1_0": Row(),
    "architecture.squeezenet1_1": Row(),
    "architecture.timm:": Row("timm:resnet18"),
    "architecture.torchvision:": Row("torchvision:squeezenet1_1"),
    "weights.hub": Row(),
    "weights.file": Row({"file": f"{_FOLDER.name}/weights.safetensors"}),
    "shortcut.residual": Row(not_on="cifar_resnet"),
    "downsample.stride": Row(not_on="mobilenet_v2"),
    "conv.multi_scale": Row(),
    "conv.deformable": Row({"deformable": {"layers": 1}}),
    "conv.grouped": Row({"grouped": {"groups": 2}}, on="cifar_resnet", not_on="lenet"),
    "conv.dilated": Row({"dilated": {"rate": 2}}, on="cifar_resnet"),
    "attention.squeeze_excite": Row(not_on="timm:mobilenetv3_small_050"),
    "norm.batch": Row(not_on="cifar_resnet"),
    "norm.sync_batch": Row(),
    "norm.layer": Row(),
    "norm.instance": Row(),
    "norm.group": Row({"group": {"groups": 8}}, on="cifar_resnet"),
    "activation.relu": Row(on="mobilenet_v2", not_on="lenet"),
    "activation.relu6": Row(not_on="mobilenet_v2"),
    "activation.leaky_relu": Row({"leaky_relu": {"slope": 0.3}}, on="cifar_resnet"),
    "activation.prelu": Row(),
    "activation.rrelu": Row(),
    "activation.elu": Row({"elu": {"alpha": 0.5}}),
    "activation.selu": Row(),
    "activation.gelu": Row(),
    "activation.silu": Row(),
    "activation.mish": Row(),
    "activation.hardswish": Row(),
    "activation.sigmoid": Row(),
    "activation.tanh": Row(),
    "head.fully_convolutional": Row(not_on="cifar_resnet"),
    "head_norm.batch": Row(not_on="cifar_resnet"),
    "head_norm.layer": Row(not_on="cifar_resnet"),
    "dropout.head": Row({"head": 0.5}),
    "dropout.channels": Row({"channels": 0.1}),
    "stochastic_depth.linear": Row({"linear": 0.2}, on="cifar_resnet", not_on="lenet"),
    "init.kaiming": Row(),
    "init.xavier": Row(on="cifar_resnet"),
    "init.orthogonal": Row(),
    "freeze.head_first": Row(beside={"weights": {"file": f"{_FOLDER.name}/weights.safetensors"}}),
    "freeze.head_only": Row(beside={"weights": {"file": f"{_FOLDER.name}/weights.safetensors"}}),
    "flip.horizontal": Row(),
    "flip.vertical": Row(),
    "flip.both": Row(),
    "rotate.degrees": Row({"degrees": 10}),
    "crop.shift": Row({"shift": 2}),
    "crop.reflect": Row({"reflect": 2}),
    "crop.resized": Row({"resized": {"scale": 0.3}}),
    "crop.window": Row({"window": 0.8}),
    "color.jitter": Row({"jitter": 0.3}),
    "color.brightness": Row({"brightness": 0.3}),
    "color.contrast": Row({"contrast": 0.3}),
    "color.saturation": Row({"saturation": 0.3}, not_on="grey"),
    "policy.randaugment": Row({"randaugment": {"ops": 2, "magnitude": 9}}),
    "policy.trivialaugment": Row(),
    "policy.augmix": Row({"augmix": {"severity": 5}}),
    "erase.cutout": Row({"cutout": 0.3}),
    "mix.mixup": Row({"mixup": 0.2}),
    "mix.cutmix": Row({"cutmix": 1.0}),
    "mix.ricap": Row({"ricap": 0.3}),
    "sampling.balanced": Row(),
    "progressive.grow": Row(on="cifar_resnet", not_on="lenet"),
    "class_weights.inverse": Row(),
    "class_weights.effective_number": Row(),
    "loss.cross_entropy": Row(),
    "loss.mse": Row(),
    "loss.bce": Row(),
    "loss.focal": Row(),
    "loss.asymmetric": Row(),
    "distill.teacher": Row({"teacher": _FOLDER.name}),
    "distill.best": Row(),
    "optimizer.sgd": Row({"sgd": {"lr": 0.01, "momentum": 0.8}}),
    "optimizer.adam": Row({"adam": {"lr": 0.01}}),
    "optimizer.adamw": Row({"adamw": {"lr": 0.01}}),
    "optimizer.adabound": Row({"adabound": {"lr": 0.01}}),
    "optimizer.rmsprop": Row(),
    "optimizer.lamb": Row(),
    "optimizer.lion": Row(),
    "optimizer.timm:": Row({"timm:adan": {"lr": 0.01}}),
    "clip.norm": Row({"norm": 0.1}),
    "clip.adaptive": Row(),
    "schedule.cosine": Row(),
    "schedule.cosine_restarts": Row(),
    "schedule.step": Row(),
    "schedule.one_cycle": Row(),
    "schedule.plateau": Row({"plateau": {"patience": 1}}),
    "lr_scaling.linear": Row({"linear": {"base": 16}}),
    "averaging.ema": Row({"ema": 0.9}),
    "averaging.swa": Row({"swa": 0.5}),
    "tta.mirror": Row(),
    "tta.shifts": Row({"shifts": 2}),
}


class Case(NamedTuple):
    """One choice of one slot, with its row (None if it has none)."""

    slot: str
    choice: str
    trick: type[Trick]
    row: Row | None

    @property
    def key(self) -> str:
        return f"{self.slot}.{self.choice}"

    @property
    def written(self) -> Any:
        return self.choice if self.row is None or self.row.written is None else self.row.written

    @property
    def made(self) -> Trick:
        return getattr(self.recipe(), self.slot)

    def recipe(self, **others: Any) -> Recipe:
        """The baseline at a size that is quick, on the row's network, with the trick on."""
        row = self.row or Row()
        return Recipe(
            **{"architecture": row.on, "batch_size": 8, "epochs": 14, **row.beside, self.slot: self.written, **others}
        )


def cases(*slots: str) -> list[Case]:
    """Every choice of these slots (of all slots if none is named)."""
    kinds = {slot: tricks for slot in slots or Recipe.model_fields if (tricks := kind(slot))}
    return [
        Case(slot, name, trick, ROWS.get(f"{slot}.{name}"))
        for slot, tricks in kinds.items()
        for name, trick in tricks.choices().items()
    ]
