"""Frozen data as plain values and back, for files: NaN is written as null there, and read from it."""

import json
import math
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from autocls.errors import unknown
from autocls.grammar import Place, Problem, Problems

T = TypeVar("T")


def plain(value: Any) -> dict[str, Any]:
    """A dataclass as JSON and YAML write it."""
    out: dict[str, Any] = json.loads(as_json(value))
    return out


def as_json(value: Any) -> str:
    """A dataclass as JSON text."""
    return TypeAdapter(type(value)).dump_json(value, indent=2).decode()


def build(kind: type[T], value: Any) -> T:
    """The dataclass that a file wrote as ``value``, whose numbers may still be text. Raises Problems."""
    problems: list[Problem] = []
    told = _filled(kind, value, (), problems)
    if problems:
        raise Problems(problems)
    try:
        return TypeAdapter(kind).validate_python(told)
    except ValidationError as error:
        raise Problems([Problem(e["loc"], _said(e["msg"], e["input"])) for e in error.errors()]) from None


def _filled(kind: Any, value: Any, place: Place, problems: list[Problem]) -> Any:
    """``value`` with NaN for a number that is null, and None for anything else that is; notes unknown fields."""
    if get_origin(kind) is UnionType:
        return None if value in (None, "null") else _filled(get_args(kind)[0], value, place, problems)
    if kind is float:
        return math.nan if value in (None, "null") else value
    if is_dataclass(kind) and isinstance(value, dict):
        hints = get_type_hints(kind)
        problems += [Problem((*place, name), unknown("field", name, hints)) for name in value if name not in hints]
        return {name: _filled(hints.get(name), item, (*place, name), problems) for name, item in value.items()}
    if get_origin(kind) is tuple and isinstance(value, list):
        return [_filled(get_args(kind)[0], item, (*place, i), problems) for i, item in enumerate(value)]
    return value


def _said(message: str, given: Any) -> str:
    found = "" if isinstance(given, dict | list) else f", not '{given}'"
    return f"{message[0].lower()}{message[1:]}{found}"
