"""``autocls export``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from autocls.deploy.export.quantisation import Quantised


def command(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    to: Annotated[str, typer.Option(help="onnx, torch-export or torchscript.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The file to write; its description comes beside it as OUT.json.",
                                      show_default=False)],
    quantize: Annotated[str | None, typer.Option(help="Eight bits for CPUs, with --to onnx: dynamic (linear "
                                                      "layers) or static (all; needs --data).",
                                                 show_default=False)] = None,
    data: Annotated[str | None, typer.Option(help="Images to check, calibrate and measure with, what `autocls search` "
                                                  "takes; generated ones when left out.", show_default=False)] = None,
) -> None:  # fmt: skip
    """Write a trained classifier as one file for use without autocls, from uint8 pixels to calibrated probabilities.

    The file is checked against the original on 100 images; exit code 1, and no file, if a probability differs by more
    than 0.0001.

    Example:

        autocls export reports/photos-quick/model --to onnx --out birds.onnx --data photos/
    """
    from rich.console import Console
    from rich.markup import escape

    from autocls.deploy.export import Unfaithful, export

    try:
        with Console(stderr=True).status(escape(f"writing {out}")):
            done = export(model, to, out, quantize=quantize, data=data)
    except Unfaithful as error:
        print(f"autocls: {out} is not written: as {to} the classifier gives other answers: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"checked: {done.check}")
    if done.quantised is not None:
        _print(Console(highlight=False), done.quantised)
    print(f"file: {done.path} ({_size(done.path.stat().st_size)})")
    print(f"description: {done.sidecar}")


def _print(console: "Console", quantised: "Quantised") -> None:
    from rich.table import Table

    before, after, check = quantised.before, quantised.after, quantised.check
    table = Table(box=None, pad_edge=False)
    table.add_column()
    for column in ("accuracy", *(f"batch of {size}" for size in before.milliseconds), "file"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, figures in (("float32", before), (f"{quantised.kind} int8", after)):
        accuracy = "" if figures.accuracy is None else f"{figures.accuracy:.2%}"
        times = [f"{milliseconds:.2f} ms" for milliseconds in figures.milliseconds.values()]
        table.add_row(name, accuracy, *times, _size(figures.bytes))
    console.print(table)
    measured = f"accuracy on {quantised.images} test images" if quantised.images else "accuracy not measured"
    print(f"{measured}; medians on one thread")
    print(f"of {check.images} {check.of} {check.same:.1%} keep their label; "
          f"probabilities differ by at most {check.difference:.3f}")  # fmt: skip


def _size(number: int) -> str:
    return f"{number / 1e6:.2f} MB"
