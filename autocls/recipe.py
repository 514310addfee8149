"""A recipe: one complete, reproducible way to train a classifier, one choice for every slot."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from autocls.domains import Int, Log, OneOf, Uniform
from autocls.errors import unknown
from autocls.grammar import Document, Problem, Problems, each, parse, read, write
from autocls.tricks.activation import Activation
from autocls.tricks.architecture import Architecture, Lenet
from autocls.tricks.attention import Attention
from autocls.tricks.augmentation import Color, Crop, Erase, Flip, Rotate
from autocls.tricks.averaging import Averaging
from autocls.tricks.base import Trick, check, kind_of
from autocls.tricks.distillation import Distill
from autocls.tricks.dropout import Dropout, StochasticDepth
from autocls.tricks.evaluation import Tta
from autocls.tricks.finetuning import Freeze, Weights
from autocls.tricks.head import Head
from autocls.tricks.initialisation import Init
from autocls.tricks.loss import CrossEntropy, Loss
from autocls.tricks.mixing import Mix
from autocls.tricks.norm import HeadNorm, Norm
from autocls.tricks.optimizer import Clip, Optimizer, Sgd
from autocls.tricks.policy import Policy
from autocls.tricks.sampling import Progressive, Sampling
from autocls.tricks.schedule import LrScaling, Schedule
from autocls.tricks.structure import Conv, Downsample, Shortcut
from autocls.tricks.weighting import ClassWeights

K = TypeVar("K", bound=Trick)


class _Parsed:
    """Marks a field whose value may also be written as in YAML."""

    def __init__(self, kind: type[Trick]) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.kind.parse)


if TYPE_CHECKING:
    Slot: TypeAlias = K | None
    Choice: TypeAlias = K
else:

    class Slot:
        """``Slot[Kind]``: a field that holds a choice of a kind, or None for its neutral choice."""

        def __class_getitem__(cls, kind: type[Trick]) -> Any:
            return Annotated[kind | None, _Parsed(kind)]

    class Choice:
        """``Choice[Kind]``: a field that must hold a choice of a kind."""

        def __class_getitem__(cls, kind: type[Trick]) -> Any:
            return Annotated[kind, _Parsed(kind)]


class Recipe(BaseModel):
    """One choice for every slot; the order of the fields is the order in which a network is built.

    The defaults are the baseline: a plain LeNet with every trick off. A choice may be given as an instance, or as
    YAML writes it: ``Recipe(norm="batch", rotate={"degrees": 10})``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Choice[Architecture] = Lenet()
    image_size: Annotated[int, OneOf(28, 32, 64), Field(ge=8, le=1024, description="pixels a side")] = 32
    weights: Slot[Weights] = None
    shortcut: Slot[Shortcut] = None
    downsample: Slot[Downsample] = None
    conv: Slot[Conv] = None
    attention: Slot[Attention] = None
    norm: Slot[Norm] = None
    activation: Slot[Activation] = None
    head: Slot[Head] = None
    head_norm: Slot[HeadNorm] = None
    dropout: Slot[Dropout] = None
    stochastic_depth: Slot[StochasticDepth] = None
    init: Slot[Init] = None
    freeze: Slot[Freeze] = None
    layer_decay: Annotated[
        float, Uniform(0.6, 1.0), Field(gt=0, le=1, description="lr factor from each layer to the one below")
    ] = 1.0
    flip: Slot[Flip] = None
    rotate: Slot[Rotate] = None
    crop: Slot[Crop] = None
    color: Slot[Color] = None
    policy: Slot[Policy] = None
    erase: Slot[Erase] = None
    mix: Slot[Mix] = None
    sampling: Slot[Sampling] = None
    progressive: Slot[Progressive] = None
    loss: Choice[Loss] = CrossEntropy()
    class_weights: Slot[ClassWeights] = None
    label_smoothing: Annotated[float, Uniform(0.0, 0.2), Field(ge=0, lt=1, description="share of the target")] = 0.0
    distill: Slot[Distill] = None
    optimizer: Choice[Optimizer] = Sgd()
    weight_decay: Annotated[float, Log(1e-5, 1e-2), Field(ge=0, lt=1, description="not on norms and biases")] = 0.0
    clip: Slot[Clip] = None
    schedule: Slot[Schedule] = None
    warmup: Annotated[int, Int(0, 3), Field(ge=0, le=100, description="epochs")] = 0
    lr_scaling: Slot[LrScaling] = None
    batch_size: Annotated[int, OneOf(32, 64, 128), Field(ge=2, le=65536, description="images")] = 64
    epochs: Annotated[int, Int(3, 30), Field(ge=1, le=10_000)] = 9
    averaging: Slot[Averaging] = None
    tta: Slot[Tta] = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """The recipe in a YAML file. Raises Problems with every error of the file."""
        return cls.from_document(read(path))

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """The recipe in YAML text. Raises Problems with every error of the text."""
        return cls.from_document(parse(text))

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """The recipe in a parsed file. Raises Problems."""
        return document.read_as(cls.from_plain)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The recipe that YAML wrote as ``plain``; unsaid slots are neutral. Raises Problems."""
        return cls(**each(plain, decide))

    def plain(self) -> dict[str, Any]:
        """The recipe as plain YAML values, every slot and parameter spelled out."""
        return {name: written(name, getattr(self, name)) for name in type(self).model_fields}

    def differences(self, other: "Recipe") -> dict[str, str]:
        """The slots decided otherwise than in ``other``, each in one short word: ``sgd(lr=0.05, momentum=0.9)``."""
        mine, its = self.plain(), other.plain()
        return {name: _short(value) for name, value in mine.items() if value != its[name]}

    def conflicts(self) -> dict[str, str]:
        """The slots whose choice another slot's leaves no room for, and why."""
        found = {}
        if self.weights and self.init:
            found["init"] = (
                f"{self.init.choice}: not applicable: it would draw over the weights that training starts from"
            )
        if self.freeze and not self.weights:
            found["freeze"] = f"{self.freeze.choice}: not applicable: random weights are not worth keeping"
        if self.warmup >= self.epochs:
            found["warmup"] = f"warmup: {self.warmup} of {self.epochs} epochs leave none to train in at the full rate"
        return found

    def unfit(self, *, multilabel: bool) -> dict[str, str]:
        """The slots whose choice makes no sense for images of one class each or with any number of labels, and why."""
        return {
            name: f"{trick.choice}: not applicable: the images have any number of labels, and {trick.one_label}"
            + (f"; {name} can be {' or '.join(fitting(type(trick)))}" if trick.required else "")
            for name in type(self).model_fields
            if multilabel and isinstance(trick := getattr(self, name), Trick) and trick.one_label
        }

    def without(self, slots: Iterable[str]) -> Self:
        """This recipe with the neutral choice in these slots."""
        return self.model_copy(update={name: type(self).model_fields[name].default for name in slots})

    def to_yaml(self) -> str:
        """The recipe as YAML that ``load`` reads back as this very recipe."""
        return write(self.plain())


def _short(value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"{value:.3g}" if isinstance(value, float) else str(value)
    name, parameters = next(iter(value.items()))
    return f"{name}({', '.join(f'{k}={_short(v)}' for k, v in parameters.items())})"


def slot(name: str) -> FieldInfo:
    """The slot called ``name``. Raises Problems when there is none."""
    if name not in Recipe.model_fields:
        raise Problems([Problem((), unknown("slot", name, Recipe.model_fields))])
    return Recipe.model_fields[name]


def kind(name: str) -> type[Trick] | None:
    """The kind of trick that the slot ``name`` holds; None when it holds a number."""
    return next((m.kind for m in slot(name).metadata if isinstance(m, _Parsed)), None)


def decide(name: str, value: object) -> Any:
    """The slot's value that YAML wrote as ``value``. Raises Problems."""
    tricks = kind(name)
    if tricks is not None:
        return tricks.parse(value)
    try:
        return check(slot(name), value)
    except ValueError as error:
        raise Problems([Problem((), str(error))]) from None


def written(name: str, value: Any) -> Any:
    """The slot's value as plain YAML."""
    tricks = kind(name)
    if tricks is None:
        return value
    return tricks.neutral if value is None else value.written()


def chosen(recipe: Recipe, name: str) -> str:
    """The name of the recipe's choice for the slot ``name``, or its number as text."""
    tricks, value = kind(name), getattr(recipe, name)
    return str(value) if tricks is None else tricks.neutral if value is None else value.choice


def fitting(trick: type[Trick]) -> list[str]:
    """The choices of a trick's kind that make sense for images with any number of labels."""
    return [name for name, choice in kind_of(trick).choices().items() if not choice.one_label]


def slot_of(trick: type[Trick]) -> str:
    """The name of the slot that a trick's class belongs in."""
    return next(name for name in Recipe.model_fields if (k := kind(name)) is not None and issubclass(trick, k))
