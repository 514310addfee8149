"""``autocls tricks``."""

import json
from typing import Annotated

import typer


def command(
    name: Annotated[
        str | None, typer.Argument(help="A trick or a slot; all of them when left out.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the tricks, slot by slot, or show one trick's card.

    Example:

        autocls tricks cutout
    """
    from rich.console import Console

    from autocls.cli.cards import cards, render

    found = cards(name)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        Console(highlight=False).print(render(found, whole=name is not None))
