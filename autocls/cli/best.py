"""``autocls best``."""

from pathlib import Path
from typing import Annotated

import typer

from autocls.errors import BadInput


def command(
    folder: Annotated[Path, typer.Argument(help="An output folder of `autocls search`.", show_default=False)],
) -> None:
    """Print the best recipe of a search as YAML.

    Example:

        autocls best reports/photos-quick > recipe.yaml
    """
    from autocls.search.folder import refresh

    refresh(folder)
    recipe = folder / "best_recipe.yaml"
    if not recipe.is_file():
        raise BadInput(f"{folder}: no trial of this search was completed, so there is no best recipe")
    print(recipe.read_text(encoding="utf-8"), end="")
