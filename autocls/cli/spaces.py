"""``autocls spaces``."""

from typing import Annotated

import typer


def command(
    name: Annotated[
        str | None, typer.Argument(help="A shipped space; all of them when left out.", show_default=False)
    ] = None,
) -> None:
    """List the spaces that come with autocls, or print one as YAML to start your own from.

    Example:

        autocls spaces quick > mine.yaml
    """
    from autocls.shipped import find, shipped

    if name is not None:
        print(find(name).read_text(encoding="utf-8"), end="")
        return
    from autocls.space import Space

    for shipped_name, path in shipped().items():
        space = Space.load(path)
        print(f"{shipped_name}: {space.about}\n    open: {', '.join(space.open_slots())}")
