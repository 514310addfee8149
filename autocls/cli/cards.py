"""Cards of tricks, derived from their classes: what ``autocls tricks`` and ``autocls models`` show."""

import inspect
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from autocls.errors import BadInput, unknown
from autocls.recipe import Recipe, kind
from autocls.tricks.architecture import Architecture
from autocls.tricks.base import Trick, declared


def cards(name: str | None = None) -> list[dict[str, Any]]:
    """The cards of every choice, of a slot's choices, or of the choices called ``name``. Raises BadInput."""
    found = [_card(slot, trick) for slot in Recipe.model_fields for trick in _choices(slot)]
    found += [_number(slot) for slot in Recipe.model_fields if kind(slot) is None]
    if name is None:
        return found
    wanted = [c for c in found if name in (c["name"], c["slot"])]
    if not wanted:
        raise BadInput(unknown("trick", name, dict.fromkeys(n for c in found for n in (c["slot"], c["name"]))))
    return wanted


def models() -> list[dict[str, Any]]:
    """Every architecture with its number of parameters for 10 classes of 32-pixel colour images (none for doors)."""
    from autocls.training.network import count_parameters

    found = []
    for card, trick in zip(cards("architecture"), Architecture.choices().values(), strict=True):
        by_name = "model" in trick.model_fields
        size = None if by_name else count_parameters(trick().build(10, 3, 32))
        found.append({**card, "parameters": size})
    return found


def render(found: list[dict[str, Any]], *, whole: bool) -> Group:
    """The cards for a terminal: a line each, or whole."""
    if whole:
        return Group(*(_whole(c) for c in found))
    table = Table("slot", "choice", "what", box=None, pad_edge=False)
    for c in found:
        table.add_row(c["slot"], c["name"], c["about"].split("\n")[0])
    return Group(table)


def _choices(slot: str) -> list[type[Trick]]:
    tricks = kind(slot)
    return list(tricks.choices().values()) if tricks else []


def _card(slot: str, trick: type[Trick]) -> dict[str, Any]:
    return {
        "slot": slot,
        "name": f"{trick.name}NAME" if trick.name.endswith(":") else trick.name,
        "about": inspect.cleandoc(trick.__doc__ or ""),
        "paper": trick.paper,
        "parameters": {p: _parameter(f) for p, f in trick.model_fields.items() if p != "model"},
    }


def _number(slot: str) -> dict[str, Any]:
    field = Recipe.model_fields[slot]
    return {
        "slot": slot,
        "name": slot,
        "about": field.description or "a number",
        "paper": "",
        "parameters": {slot: _parameter(field)},
    }


def _parameter(field: Any) -> dict[str, Any]:
    own = declared(field)
    return {
        "default": None if field.is_required() else field.default,
        "range": own.written() if own else None,
        "about": field.description or "",
    }


def _whole(card: dict[str, Any]) -> Text:
    text = Text.assemble((f"{card['slot']}: {card['name']}\n", "bold"), f"  {card['about']}\n")
    for name, p in card["parameters"].items():
        searched = f", searched over {p['range']}" if p["range"] else ""
        text.append(f"  {name} = {p['default']}{searched}{'  (' + p['about'] + ')' if p['about'] else ''}\n")
    if card["paper"]:
        text.append(f"  {card['paper']}\n", "dim")
    return text
