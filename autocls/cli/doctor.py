"""``autocls doctor``."""

import json
import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.table import Table

    from autocls.search.diagnosis import Check, Node
    from autocls.search.doctor import Checkup


def command(
    data: Annotated[str | None, typer.Argument(help="Images that every node must be able to read, as for `autocls "
                                                    "search`; not looked for when left out.", show_default=False)
                    ] = None,
    address: Annotated[str, typer.Option(help="Ray cluster: `local` starts one here, `auto` finds one, HOST:PORT or "
                                              "ray://HOST:PORT.")] = "local",
    out: Annotated[str, typer.Option(help="Folder or URL where the search will keep its output; every node should "
                                          "share the folder.")] = "reports",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Ask every node of a cluster what a search needs of it, and say what to mend; exit code 1 if there is anything.

    Versions, GPUs as Ray and torch see them, shared storage, images, clock, disk, and the time to import torch.

    Example:

        autocls doctor photos/ --address auto
    """
    from rich.console import Console

    with Console(stderr=True).status("importing Ray") as status:
        from autocls.search.doctor import examine

        status.update("asking the nodes")
        found = examine(data, out, address)
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False, indent=2))
    else:
        _print(Console(highlight=False), found)
    if found.findings:
        sys.exit(1)


def _print(console: "Console", found: "Checkup") -> None:
    from rich.text import Text

    for name, value in _heading(found):
        console.print(Text.assemble((f"{name}  ", "dim"), value), soft_wrap=True)
    console.print()
    console.print(_table(found))
    console.print(Text("disk: free for decoded images; torch: the time to import it\n", "dim"))
    # One line each, however long: a command that a terminal has wrapped can still be copied.
    for nodes, says in _together(found):
        console.print(Text.assemble(("mend ", "bold red"), (nodes, "bold"), f": {says}."), soft_wrap=True)
    if not found.findings:
        console.print("Nothing to mend.")


def _heading(found: "Checkup") -> list[tuple[str, str]]:
    """What holds for all the nodes."""
    here = found.here
    room = f", {_size(here.out_free)} free" if here.out_free is not None else ""
    versions = [f"Python {here.python}", *(f"{name} {version}" for name, version in here.versions.items())]
    images = [("images", here.data)] if here.data else []
    tokens = "only who has the cluster's token gets in"
    if not found.token_authentication:
        tokens = "off: whoever reaches the cluster's ports can run programs on it (RAY_AUTH_MODE=token changes that)"
    return [("here  ", ", ".join(versions)), ("output", f"{here.out}{room}"), *images, ("tokens", tokens)]


def _together(found: "Checkup") -> list[tuple[str, str]]:
    """Nodes and what is to mend there; what many nodes share is said once."""
    from autocls.data.listing import few

    nodes: dict[str, list[str]] = {}
    for finding in found.findings:
        nodes.setdefault(finding.says, []).append(finding.node)
    return [(few(names), says) for says, names in nodes.items()]


def _table(found: "Checkup") -> "Table":
    from rich.table import Table
    from rich.text import Text

    columns: dict[Check, tuple[str, Callable[[Checkup, Node], str]]] = {
        "answer": ("node", lambda _, node: node.name),
        "versions": ("versions", _versions),
        "gpus": ("GPUs", _gpus),
        "storage": ("output", lambda _, node: OUTPUT[node.answer.storage]),
        "data": ("images", _images),
        "clock": ("clock", _clock),
        "disk": ("disk", lambda _, node: _size(node.answer.cache_free)),
        "torch": ("torch", _seconds),
    }
    if all(node.answer.storage is None for node in found.nodes):
        del columns["storage"]
    if not found.here.data:
        del columns["data"]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for check, (name, _) in columns.items():
        number = check in ("clock", "disk", "torch")
        table.add_column(name, justify="right" if number else "left", no_wrap=number, overflow="fold")
    bad = {(finding.node, finding.check) for finding in found.findings}
    for node in found.nodes:
        table.add_row(*(
            Text(show(found, node), "bold red" if (node.name, check) in bad else "")
            for check, (_, show) in columns.items()
        ))  # fmt: skip
    return table


OUTPUT = {
    None: "", "shared": "shared", "absent": "not shared", "unreadable": "unreadable", "unwritable": "unwritable",
    "unseen": "unseen here",
}  # fmt: skip
"""How the table says what became of the output folder on a node."""


def _versions(found: "Checkup", node: "Node") -> str:
    from autocls.search.diagnosis import minor

    if not node.answer.versions:
        return ""
    others = [name for name, each in node.answer.versions.items() if each != found.here.versions[name]]
    shown = [f"{name} {node.answer.versions[name]}" if node.answer.versions[name] else f"no {name}" for name in others]
    if minor(node.answer.python) != minor(found.here.python):
        shown.insert(0, f"Python {node.answer.python}")
    return ", ".join(shown) or "as here"


def _gpus(found: "Checkup", node: "Node") -> str:
    if node.answer.torch_seconds is None:
        return f"Ray {node.ray_gpus:g}"
    if node.ray_gpus != len(node.answer.gpus):
        return f"Ray {node.ray_gpus:g}, torch {len(node.answer.gpus)}"
    kinds = Counter(name.removeprefix("NVIDIA ") for name in node.answer.gpus)
    return ", ".join(f"{count} × {name}" for name, count in kinds.items()) or "none"


def _images(found: "Checkup", node: "Node") -> str:
    if node.answer.data_error:
        return "unreadable"
    return "readable" if node.answer.data == found.here.data_extent else node.answer.data


def _clock(found: "Checkup", node: "Node") -> str:
    return f"{node.clock.offset:+.1f} s" if node.clock else ""


def _seconds(found: "Checkup", node: "Node") -> str:
    return f"{node.answer.torch_seconds:.1f} s" if node.answer.torch_seconds is not None else ""


def _size(number: float | None) -> str:
    return f"{number / 1e9:.1f} GB" if number is not None else ""
