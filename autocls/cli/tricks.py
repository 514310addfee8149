"""``autocls tricks``."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from autocls.cards import Card
    from autocls.probe import Bench


def command(
    name: Annotated[
        str | None, typer.Argument(help="A trick or a slot; all of them when left out.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the tricks, slot by slot, or show one trick's card with what it costs, measured here and now.

    Example:

        autocls tricks cutout
    """
    from rich.console import Console

    from autocls.cards import cards

    found = cards(name)
    if as_json:
        print(json.dumps([asdict(card) for card in found], ensure_ascii=False, indent=2))
    else:
        Console(highlight=False).print(_table(found) if name is None else _whole(found))


def _table(found: "list[Card]") -> "Table":
    from rich.table import Table

    table = Table("slot", "choice", "what", box=None, pad_edge=False)
    for card in found:
        table.add_row(card.slot, card.name, card.summary)
    return table


def _whole(found: "list[Card]") -> "Group":
    import tempfile
    from pathlib import Path

    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    from autocls.probe import Bench

    shown: list[Text | Padding] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for card in found:
            lines = [
                card.about,
                f"When: {card.when}" if card.when else "",
                f"Together: {card.interactions}" if card.interactions else "",
                _cost(card, bench),
                *map(str, card.parameters),
                f"Shows in: {card.shows_in}" if card.shows_in else "",
            ]
            body = [Text(line) for line in lines if line] + [Text(card.paper, "dim")]
            shown += [
                Text(f"{card.slot}: {card.name}", "bold"),
                *(Padding(line, (0, 0, 0, 2)) for line in body if line),
            ]
    return Group(*shown)


def _cost(card: "Card", bench: "Bench") -> str:
    from autocls.probe import cost
    from autocls.recipe import kind

    tricks = kind(card.slot)
    if tricks is None or card.slot == "architecture" or any(p.default is None for p in card.parameters):
        return ""
    if card.name not in tricks.choices():  # a door
        return ""
    found = cost(card.slot, tricks.choices()[card.name](), bench)
    return f"Cost: {found}" if found else ""
