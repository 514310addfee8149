"""``autocls report``."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(help="An output folder of `autocls search`.", show_default=False)],
) -> None:
    """Write the report of a search again, from its study.

    Example:

        autocls report reports/photos-quick
    """
    from autocls.report import write_report
    from autocls.search.folder import refresh

    refresh(folder)
    print(write_report(folder))
