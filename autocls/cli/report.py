"""``autocls report``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """Of a picture."""

    SVG = "svg"
    PNG = "png"


def command(
    folder: Annotated[Path, typer.Argument(help="An output folder of `autocls search`.", show_default=False)],
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print instead the results and the verdict, fit for a "
                                              "pull request.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print instead every trial, its recipe's choices as columns."
                                         )] = False,
    figures: Annotated[Path | None, typer.Option(help="Write instead the page's charts as pictures into this folder.",
                                                 show_default=False)] = None,
    format: Annotated[Format, typer.Option(help="For --figures.")] = Format.SVG,
) -> None:  # fmt: skip
    """Write the report of a search again, from its study.

    Example:

        autocls report reports/photos-quick
    """
    from autocls.errors import BadInput
    from autocls.report import exports, write_report
    from autocls.report.run import read
    from autocls.search.folder import refresh

    if as_markdown + as_csv + (figures is not None) > 1:
        raise BadInput("--markdown, --csv, --figures: one of them")
    refresh(folder)
    if as_markdown:
        print(exports.markdown(read(folder)), end="")
    elif as_csv:
        print(exports.as_csv(read(folder)), end="")
    elif figures is not None:
        from autocls.report.still import write_figures

        for path in write_figures(read(folder), figures, format.value):
            print(path)
    else:
        print(write_report(folder))
