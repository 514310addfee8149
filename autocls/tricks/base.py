"""What a trick is: one frozen pydantic class, from which the search space, the YAML and the card are derived.

A *kind* is an abstract class (``Norm``, ``Optimizer`` …) and belongs to one slot of the recipe; its concrete
subclasses are the choices of that slot. The registry is the class tree.
"""

import inspect
import math
import re
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from autocls.domains import Domain, Int, Log, OneOf, Uniform, Value, is_domain, number
from autocls.errors import unknown
from autocls.grammar import EMPTY, Problem, Problems


class Aspect(Enum):
    """What can be seen of a run: where a trick shows that it is alive."""

    GRAPH = "the network's modules"
    START = "the weights before the first step"
    GROUPS = "the optimizer and its parameter groups"
    RATES = "the learning rate of each step"
    BATCH = "the first batches"
    LOSS = "the first batch's loss"
    STEPS = "the weights after a few epochs"
    ANSWERS = "what the trained network answers"


class Trick(BaseModel):
    """One choice of one slot, with its parameters decided."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    paper: ClassVar[str] = ""
    """Where the trick comes from, as "authors year, identifier"."""

    when: ClassVar[str] = ""
    """In one sentence, when the trick helps, and when it doesn't."""

    interactions: ClassVar[str] = ""
    """Which other slots it plays together with, and how; empty when it keeps to itself."""

    one_label: ClassVar[str] = ""
    """Why the trick makes no sense for images with any number of labels; empty where it does."""

    words: ClassVar[frozenset[str]] = frozenset()
    """The words that stand for this choice and others like it in a space, as ``any`` stands for all."""

    neutral: ClassVar[str] = "none"
    """Of a kind: how its empty choice is called."""

    shows_in: ClassVar[Aspect]
    """Of a kind, or of a choice that differs: what of a run is another than with the neutral choice."""

    required: ClassVar[bool] = False
    """Of a kind: whether a recipe must make a choice here."""

    name: ClassVar[str] = ""
    """The choice's name in YAML; derived from the class's name unless given."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "name" not in vars(cls):
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        if inspect.isabstract(cls):
            return
        for other in kind_of(cls)._subclasses():
            if other.name == cls.name and _home(other) != _home(cls):
                raise TypeError(f"{cls.__module__}.{cls.__qualname__}: {kind_of(cls).name} has a '{cls.name}' already")

    @classmethod
    def _subclasses(cls) -> list[type[Self]]:
        found: list[type[Self]] = []
        for sub in cls.__subclasses__():
            found += ([] if inspect.isabstract(sub) else [sub]) + sub._subclasses()
        return found

    @classmethod
    def choices(cls) -> dict[str, type[Self]]:
        """Of a kind: its choices by name, in the order of their declaration."""
        return {sub.name: sub for sub in cls._subclasses()}

    @classmethod
    def find(cls, name: str) -> tuple[type[Self], dict[str, Value]]:
        """The class called ``name``, and what the name itself decides (``timm:NAME``). Raises ValueError."""
        known = cls.choices()
        if name in known and not name.endswith(":"):
            return known[name], {}
        door, _, rest = name.partition(":")
        if rest and f"{door}:" in known:
            return known[f"{door}:"], {"entry": rest}
        names = [f"{n}NAME" if n.endswith(":") else n for n in known]
        raise ValueError(unknown("choice", name, names if cls.required else [cls.neutral, *names]))

    @classmethod
    def parse(cls, value: object) -> Self | None:
        """The choice that YAML wrote as ``value``, parameters at their defaults where unsaid. Raises Problems."""
        if isinstance(value, cls):
            return value
        name, parameters = split(value)
        if cls.is_neutral(name):
            if parameters or cls.required:
                raise Problems([Problem((), unknown("choice", name, cls.choices()))])
            return None
        try:
            found, implied = cls.find(name)
        except ValueError as error:
            raise Problems([Problem((), str(error))]) from None
        problems: list[Problem] = []
        decided: dict[str, Any] = dict(implied)
        try:
            named = found.named(parameters)
        except ValueError as error:
            raise Problems([Problem((name,), str(error))]) from None
        for parameter, given in named.items():
            field = found.model_fields.get(parameter)
            try:
                if field is None or parameter in implied:
                    raise ValueError(
                        unknown("parameter", parameter, [p for p in found.model_fields if p not in implied])
                    )
                decided[parameter] = check(field, given)
            except ValueError as error:
                problems.append(Problem((name, parameter), str(error)))
        if problems:
            raise Problems(problems)
        try:
            return found(**decided)
        except ValidationError as error:
            raise Problems([Problem((), _said(name, e)) for e in error.errors()]) from None

    @classmethod
    def is_neutral(cls, name: str) -> bool:
        """Whether ``name`` is this kind's empty choice."""
        return name == cls.neutral or (not cls.required and name.lower() in EMPTY)

    @classmethod
    def named(cls, parameters: object) -> Mapping[str, Any]:
        """``{name: value}`` of what stands below the choice's name; a bare value is its only parameter's.

        Of several parameters, a bare value is that of the only one that must be given.
        """
        if isinstance(parameters, Mapping) and not is_domain(parameters):
            return parameters
        fields = cls.model_fields
        candidates = list(fields) if len(fields) == 1 else [p for p, field in fields.items() if field.is_required()]
        if len(candidates) == 1:
            return {candidates[0]: parameters}
        raise ValueError(f"write {{{cls.name}: {{parameter: value}}}}; its parameters: {', '.join(cls.model_fields)}")

    @classmethod
    def range_of(cls, parameter: str) -> Domain | None:
        """The range that this trick's parameter brings along; None when it is not searched by itself."""
        return declared(cls.model_fields[parameter])

    @property
    def choice(self) -> str:
        """The choice's name as YAML writes it."""
        return self.name

    def written(self) -> Any:
        """The choice as plain YAML values, every parameter spelled out."""
        parameters = self.model_dump()
        return {self.choice: parameters} if parameters else self.choice


def _said(name: str, error: ErrorDetails) -> str:
    if error["type"] == "missing":
        return f"{name} needs its {error['loc'][0]}: write {{{name}: {{{error['loc'][0]}: …}}}}"
    return error["msg"].removeprefix("Value error, ")


def _home(trick: type[Trick]) -> tuple[str, str]:
    """Where a class is declared; a class that is declared there again (a reloaded module) is the same one."""
    return trick.__module__, trick.__qualname__


def kind_of(trick: type[Trick]) -> type[Trick]:
    """The kind (the outermost abstract class below Trick) that ``trick`` is a choice of."""
    return trick.__mro__[trick.__mro__.index(Trick) - 1]


def split(value: object) -> tuple[str, Any]:
    """``(name, parameters)`` of a choice written as ``name`` or ``{name: parameters}``. Raises Problems."""
    if value is None or value is False:
        return "none", {}
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise Problems([Problem((), f"a choice is one name, found {', '.join(map(str, value)) or 'nothing'}")])
        name, parameters = next(iter(value.items()))
        return str(name), {} if parameters in (None, "") else parameters
    if isinstance(value, list | tuple):
        raise Problems([Problem((), "a list leaves the choice open: that is a space, a recipe decides")])
    return str(value), {}


def declared(field: FieldInfo) -> Domain | None:
    """The domain in a field's metadata."""
    return next((m for m in field.metadata if isinstance(m, Uniform | Log | Int | OneOf)), None)


def check(field: FieldInfo, value: object) -> Any:
    """``value`` as the field's type, within its limits. Raises ValueError with pydantic's reason."""
    if is_domain(value):
        raise ValueError(f"{value} leaves the value open: that is a space, a recipe decides")
    if isinstance(value, str) and field.annotation in (int, float):
        value = number(value, int if field.annotation is int else float)  # YAML reads 1e-3 as text
    constraints = tuple(m for m in field.metadata if not isinstance(m, Uniform | Log | Int | OneOf))
    target: Any = Annotated[(field.annotation, *constraints)] if constraints else field.annotation
    try:
        checked = TypeAdapter(target).validate_python(value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ValueError(f"{reason[0].lower()}{reason[1:]}, not {value}") from None
    if isinstance(checked, float) and not math.isfinite(checked):
        raise ValueError(f"input should be a finite number, not {value}")
    return checked
