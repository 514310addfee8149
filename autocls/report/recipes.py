"""A run's recipes: thousands of texts that share almost all of their words, each word held and parsed once."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

import yaml

_SLOT = re.compile(r"^(?=[^\s-])", re.MULTILINE)
_NUMBER = re.compile(r"(?<=: )-?\d+\.\d+(?:e[+-]\d+)?(?=[,}\n])")


def knobs(recipe: str) -> dict[str, object]:
    """A recipe's YAML as one flat dict: ``{"optimizer": "sgd", "optimizer.sgd.lr": 0.05, …}``."""
    flat: dict[str, object] = {}
    for slot, choice in yaml.load(recipe, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)).items():
        if not isinstance(choice, dict):
            flat[slot] = choice
            continue
        for name, parameters in choice.items():
            flat[slot] = name
            flat |= {f"{slot}.{name}.{parameter}": value for parameter, value in parameters.items()}
    return flat


def slots(recipe: str) -> dict[str, str]:
    """The lines of a recipe's YAML by slot: ``{"norm": "norm: batch\\n", …}``."""
    return {part.partition(":")[0]: part for part in _SLOT.split(recipe) if part}


@dataclass(frozen=True)
class Form:
    """What the texts of a slot's choice have in common: all but the decimal numbers."""

    pieces: tuple[str, ...]
    """The text before, between and after the numbers."""
    knobs: Mapping[str, object]
    """None where a number decides."""
    open: Mapping[str, int]
    """The knobs that a number decides, and which one."""

    @classmethod
    def of(cls, pieces: Sequence[str]) -> Self | None:
        """The form with these pieces; None where a number is only a part of a knob's value."""
        marks = {f"<{i}>": i for i in range(len(pieces) - 1)}
        found = knobs("".join(piece + mark for piece, mark in zip(pieces, [*marks, ""], strict=True)))
        opened = {name: marks[str(value)] for name, value in found.items() if str(value) in marks}
        if len(opened) < len(marks):
            return None
        return cls(tuple(pieces), found | dict.fromkeys(opened), opened)


@dataclass(frozen=True)
class Recipes:
    """Recipes as forms and numbers: of each recipe which forms it is made of, and the numbers between their pieces."""

    forms: tuple[Form, ...]
    """The most frequent first."""
    made_of: tuple[tuple[int, ...], ...]
    numbers: tuple[tuple[str, ...], ...]
    """As the recipe writes them, all forms' one after the other."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """The recipes with these texts."""
        form = cache(Form.of)

        @cache
        def split(text: str) -> tuple[Form, tuple[str, ...]]:
            found = form(tuple(_NUMBER.split(text)))
            return (found, tuple(_NUMBER.findall(text))) if found else (Form((text,), knobs(text), {}), ())

        parts = [[split(slot) for slot in _SLOT.split(text) if slot] for text in texts]
        uses = Counter(form.pieces for recipe in parts for form, _ in recipe)
        known = {form.pieces: form for recipe in parts for form, _ in recipe}
        place = {pieces: i for i, (pieces, _) in enumerate(uses.most_common())}
        return cls(
            tuple(known[pieces] for pieces in place),
            tuple(tuple(place[form.pieces] for form, _ in recipe) for recipe in parts),
            tuple(tuple(number for _, numbers in recipe for number in numbers) for recipe in parts),
        )

    def columns(self) -> dict[str, list[object]]:
        """Each knob's values, recipe by recipe; None where a recipe does not have it."""
        columns: dict[str, list[object]] = {}
        for row, (made_of, numbers) in enumerate(zip(self.made_of, self.numbers, strict=True)):
            rest = iter(numbers)
            for form in (self.forms[i] for i in made_of):
                own = [float(next(rest)) for _ in form.pieces[1:]]
                for name, value in {**form.knobs, **{name: own[i] for name, i in form.open.items()}}.items():
                    if name not in columns:
                        columns[name] = [None] * len(self.made_of)
                    columns[name][row] = value
        return columns


def chips(recipe: str, baseline: str) -> tuple[str, ...]:
    """What a recipe's YAML decides otherwise than the baseline's, a text a slot: ``optimizer = adam (lr 0.002)``."""
    its, base = knobs(recipe), knobs(baseline)
    shown = []
    for slot, choice in its.items():
        if "." in slot:
            continue
        prefix = f"{slot}.{choice}."
        own = {name: value for name, value in its.items() if name.startswith(prefix)}
        if choice != base.get(slot) or any(value != base.get(name) for name, value in own.items()):
            said = ", ".join(f"{name.removeprefix(prefix)} {short(value)}" for name, value in own.items())
            shown.append(f"{slot} = {short(choice)}{f' ({said})' if said else ''}")
    return tuple(shown)


def short(value: object) -> str:
    """A knob's value in few characters."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
