"""Every trick there is, and the one row that its tests need."""

from typing import Any, NamedTuple

from autocls.recipe import Recipe, kind
from autocls.tricks.base import Trick


class Row(NamedTuple):
    """How a trick is tried out: as YAML writes it, on what network, and which network has no place for it."""

    written: Any = None
    """Its smallest interesting form; its bare name unless said."""
    on: str = "lenet"
    not_on: str | None = None


ROWS = {
    "architecture.lenet": Row({"lenet": {"width": 2}}),
    "architecture.resnet18": Row(),
    "architecture.mobilenet_v2": Row({"mobilenet_v2": {"width": 0.25}}),
    "architecture.shufflenet_v2": Row({"shufflenet_v2": {"width": 0.5}}),
    "architecture.squeezenet": Row(),
    "architecture.timm:": Row("timm:resnet18"),
    "architecture.torchvision:": Row("torchvision:squeezenet1_1"),
    "downsample.stride": Row(not_on="mobilenet_v2"),
    "norm.batch": Row(not_on="resnet18"),
    "norm.group": Row({"group": {"groups": 8}}, on="resnet18"),
    "activation.relu": Row(on="mobilenet_v2"),
    "activation.elu": Row({"elu": {"alpha": 0.5}}),
    "activation.leaky_relu": Row({"leaky_relu": {"slope": 0.3}}, on="resnet18"),
    "activation.prelu": Row(),
    "activation.tanh": Row(),
    "head_norm.batch": Row(not_on="resnet18"),
    "init.kaiming": Row(),
    "init.xavier": Row(on="resnet18"),
    "flip.horizontal": Row(),
    "rotate.degrees": Row({"degrees": 10}),
    "crop.shift": Row({"shift": 2}),
    "color.jitter": Row({"jitter": 0.3}),
    "erase.cutout": Row({"cutout": 0.3}),
    "mix.mixup": Row({"mixup": 0.2}),
    "loss.cross_entropy": Row(),
    "loss.mse": Row(),
    "optimizer.sgd": Row({"sgd": {"lr": 0.01, "momentum": 0.8}}),
    "optimizer.adam": Row({"adam": {"lr": 0.01}}),
    "optimizer.adabound": Row({"adabound": {"lr": 0.01}}),
    "schedule.cosine": Row(),
    "schedule.plateau": Row({"plateau": {"patience": 1}}),
    "lr_scaling.linear": Row({"linear": {"base": 16}}),
    "ema.decay": Row({"decay": 0.9}),
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
        on = self.row.on if self.row else "lenet"
        return Recipe(**{"architecture": on, "batch_size": 8, self.slot: self.written, **others})


def cases(*slots: str) -> list[Case]:
    """Every choice of these slots (of all slots if none is named)."""
    kinds = {slot: tricks for slot in slots or Recipe.model_fields if (tricks := kind(slot))}
    return [
        Case(slot, name, trick, ROWS.get(f"{slot}.{name}"))
        for slot, tricks in kinds.items()
        for name, trick in tricks.choices().items()
    ]
