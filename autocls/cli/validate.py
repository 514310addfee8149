"""``autocls validate``."""

from typing import Annotated

import typer


def command(
    file: Annotated[
        str, typer.Argument(help="A recipe's or a space's YAML file, or a shipped space.", show_default=False)
    ],
) -> None:
    """Check a recipe or a space before any trial is spent on it, and say everything that is wrong with it.

    Beyond the grammar, each choice is run for a moment: what changes nothing, has no place in any of the networks, or
    makes the same run as another choice is named, and the exit code is 2 then.

    Example:

        autocls validate mine.yaml
    """
    from rich.console import Console

    from autocls.errors import BadInput
    from autocls.probe import check
    from autocls.space import Space

    space = Space.load(file)
    with Console(stderr=True).status("") as status:
        findings = check(space, lambda doing: status.update(f"{file}: {doing}"))
    if findings:
        raise BadInput("\n".join(f"{file}: {finding}" for finding in findings))
    left = space.open_slots()
    suggestions = f", {len(space.suggestions)} suggestions" if space.suggestions else ""
    print(
        f"{file}: a space, open in {', '.join(left)}{suggestions}; every choice is alive"
        if left
        else f"{file}: a recipe, every slot decided"
    )
