"""``autocls models``."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from autocls.cards import NetworkCard


def command(
    name: Annotated[
        str | None, typer.Argument(help="An architecture; all of them when left out.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the architectures with what they cost for 10 classes of colour images, or show one architecture's card.

    Example:

        autocls models resnet18
    """
    from rich.console import Console

    from autocls.cards import network_card, network_cards

    found = [network_card(name)] if name else network_cards()
    if as_json:
        print(json.dumps([asdict(card) for card in found], ensure_ascii=False, indent=2))
    else:
        Console(highlight=False).print(_whole(found[0]) if name else _table(found))


def _table(found: "list[NetworkCard]") -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, caption_justify="left")
    table.caption = "Counted for 10 classes of colour images at 32 pixels."
    table.add_column("name", no_wrap=True)
    table.add_column("weights", justify="right", no_wrap=True)
    table.add_column("multiply-adds", justify="right", no_wrap=True)
    table.add_column("what")
    for model in found:
        adds = [_short(count) for count in model.multiply_adds.values()]
        table.add_row(model.name, _short(model.weights or 0), *adds or [""], model.summary)
    return table


def _whole(model: "NetworkCard") -> "Group":
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    lines = [model.about, model.when]
    if model.weights:
        adds = " and ".join(f"{_short(count)} at {size} pixels" for size, count in model.multiply_adds.items())
        lines.append(f"{_short(model.weights)} weights; multiply-adds: {adds}.")
    lines.append(_small_images(model))
    lines += map(str, model.parameters)
    groups = f" In {' and '.join(model.groups)}." if model.groups else ""
    lines.append(f"From {model.source}.{groups}")
    body = [Text(line) for line in lines] + [Text(model.paper, "dim")]
    return Group(Text(model.name, "bold"), *(Padding(line, (0, 0, 0, 2)) for line in body))


def _short(number: int) -> str:
    """A count in few characters; empty for nothing."""
    from autocls.verdict.wording import count

    return count(number) if number else ""


def _small_images(model: "NetworkCard") -> str:
    """What is done with images that are too small for the network as its paper has it."""
    if model.smallest is None:
        return "Images of any size, enlarged where the network refuses them."
    stem = f"below {model.small_stem_below} pixels meet a stem that doesn't shrink them"
    enlarged = f"below {model.smallest} pixels are enlarged"
    # No recipe has images below 8 pixels.
    said = [stem] * (model.small_stem_below is not None) + [enlarged] * (model.smallest > 8)
    return f"Images {'; images '.join(said) or 'of any size are taken as they are'}."
