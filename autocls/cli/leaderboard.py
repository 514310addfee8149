"""``autocls leaderboard``."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    folders: Annotated[list[Path], typer.Argument(help="Output folders of `autocls search`.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("leaderboard.html"),
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print its tables instead.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print instead a row a study, with what each trick did.")
    ] = False,
) -> None:
    """Compare several searches on one page: what each came to, and which tricks helped where.

    Example:

        autocls leaderboard reports/pets-quick reports/cars-quick
    """
    from autocls.errors import BadInput
    from autocls.report import studies
    from autocls.search.folder import load

    if as_markdown and as_csv:
        raise BadInput("--markdown, --csv: one of them")
    found = [studies.study(folder, load(folder), out) for folder in folders]
    if as_markdown:
        print(studies.markdown(found), end="")
    elif as_csv:
        print(studies.as_csv(found), end="")
    else:
        try:
            out.write_text(studies.html(found), encoding="utf-8")
        except OSError as error:
            raise BadInput(f"--out {out}: can't be written: {error.strerror}") from None
        print(out)
