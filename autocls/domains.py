"""The ranges that an open number is drawn from, and how they are written in YAML.

``{uniform: [a, b]}``, ``{log: [a, b]}``, ``{int: [a, b]}`` and ``[v1, v2, …]`` (one of). A trick declares the range
that it brings along as metadata of its field: ``lr: Annotated[float, Log(1e-4, 1e-2)] = 1e-3``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = int | float | str | bool


@dataclass(frozen=True)
class _Range:
    """A stretch of numbers, both ends included."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a range [a, b] needs a < b, not [{self.low:g}, {self.high:g}]")

    def ends(self) -> tuple[Value, ...]:
        """The values that must be legal for every value of the domain to be legal."""
        return (self.low, self.high)

    def contains(self, value: Value) -> bool:
        return not isinstance(value, str | bool) and self.low <= value <= self.high


@dataclass(frozen=True)
class Uniform(_Range):
    """A float drawn evenly from [low, high]."""

    def middle(self) -> Value:
        return self.at(0.5)

    def at(self, share: float) -> Value:
        """The value below which ``share`` (0..1) of the domain lies."""
        return self.low + share * (self.high - self.low)

    def written(self) -> Any:
        return {"uniform": [self.low, self.high]}


@dataclass(frozen=True)
class Log(_Range):
    """A float whose logarithm is drawn evenly from [log low, log high]; low > 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low <= 0:
            raise ValueError(f"a log range needs 0 < a, not {self.low:g}")

    def middle(self) -> Value:
        return self.at(0.5)

    def at(self, share: float) -> Value:
        """The value below which ``share`` (0..1) of the domain lies."""
        return float(self.low * (self.high / self.low) ** share)

    def written(self) -> Any:
        return {"log": [self.low, self.high]}


@dataclass(frozen=True)
class Int(_Range):
    """A whole number drawn evenly from low … high, both included."""

    low: int
    high: int

    def contains(self, value: Value) -> bool:
        return super().contains(value) and float(value).is_integer()

    def middle(self) -> Value:
        return (self.low + self.high) // 2

    def at(self, share: float) -> Value:
        """The value below which ``share`` (0..1) of the domain lies."""
        return min(self.high, self.low + int(share * (self.high - self.low + 1)))

    def written(self) -> Any:
        return {"int": [self.low, self.high]}


@dataclass(frozen=True, init=False)
class OneOf:
    """One of the listed values."""

    values: tuple[Value, ...]

    def __init__(self, *values: Value) -> None:
        if not values:
            raise ValueError("an empty list leaves nothing to choose")
        if len(set(values)) < len(values):
            raise ValueError(f"a value stands twice in {list(values)}")
        object.__setattr__(self, "values", values)

    def ends(self) -> tuple[Value, ...]:
        """The values that must be legal for every value of the domain to be legal."""
        return self.values

    def contains(self, value: Value) -> bool:
        return value in self.values

    def middle(self) -> Value:
        return self.values[0]

    def at(self, share: float) -> Value:
        """The value that ``share`` (0..1) of the list leads to."""
        return self.values[min(len(self.values) - 1, int(share * len(self.values)))]

    def written(self) -> Any:
        return list(self.values)


Domain = Uniform | Log | Int | OneOf

_WRITTEN = ("uniform", "log", "int")


def is_domain(value: object) -> bool:
    """Whether ``value`` is a domain as YAML writes it."""
    return isinstance(value, list) or (isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _WRITTEN)


def number(value: Any, kind: type[int] | type[float] = float) -> int | float:
    """``value`` as a number, also where YAML reads it as text (``1e-3``). Raises ValueError."""
    try:
        as_float = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"'{value}' is not a number") from None
    if kind is int:
        if not as_float.is_integer():
            raise ValueError(f"{value} is not a whole number")
        return int(as_float)
    return as_float


def parse_domain(value: Any, kind: type = float) -> Domain:
    """The domain that YAML wrote as ``value``, for a parameter of type ``kind``. Raises ValueError."""
    if isinstance(value, list):
        return OneOf(*(number(v, kind) if kind in (int, float) else v for v in value))
    name, ends = next(iter(value.items()))
    if not isinstance(ends, list) or len(ends) != 2:
        raise ValueError(f"write {{{name}: [a, b]}}, not {{{name}: {ends}}}")
    if kind not in (int, float):
        raise ValueError(f"{{{name}: …}} is for numbers; list the values instead")
    if kind is int and name != "int":
        raise ValueError(f"this is a whole number: write {{int: {ends}}}")
    if name == "int":
        low, high = (int(number(end, int)) for end in ends)
        return Int(low, high)
    return (Log if name == "log" else Uniform)(float(number(ends[0])), float(number(ends[1])))
