"""``autocls validate``."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[Path, typer.Argument(help="A recipe's or a space's YAML file.", show_default=False)],
) -> None:
    """Check a recipe or a space, and say everything that is wrong with it.

    Example:

        autocls validate mine.yaml
    """
    from autocls.space import Space

    space = Space.load(file)
    left = space.open_slots()
    suggestions = f", {len(space.suggestions)} suggestions" if space.suggestions else ""
    print(
        f"{file}: a space, open in {', '.join(left)}{suggestions}" if left else f"{file}: a recipe, every slot decided"
    )
