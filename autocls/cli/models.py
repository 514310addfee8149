"""``autocls models``."""

import json
from typing import Annotated

import typer


def command(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the architectures, with their number of parameters for 10 classes of 32-pixel colour images.

    Example:

        autocls models
    """
    from rich.console import Console
    from rich.table import Table

    from autocls.cli.cards import models

    found = models()
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    table = Table("name", "parameters", "what", "paper", box=None, pad_edge=False)
    for model in found:
        count = model["parameters"]
        table.add_row(model["name"], f"{count:,}" if count else "", model["about"], model["paper"])
    Console(highlight=False).print(table)
