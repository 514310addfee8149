"""``autocls cards``."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    folders: Annotated[list[Path], typer.Argument(help="Output folders of `autocls search`.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="The YAML file to write; printed when left out.")] = None,
) -> None:
    """Collect what helped where, from the verdicts of several searches, in one YAML file.

    Example:

        autocls cards reports/pets-quick reports/cars-quick --out cards.yaml
    """
    from autocls.errors import BadInput
    from autocls.verdict.prior import judged, merge

    prior = merge([judged(folder) for folder in folders])
    if out is None:
        print(prior.to_yaml(), end="")
        return
    try:
        out.write_text(prior.to_yaml(), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--out {out}: can't be written: {error.strerror}") from None
    favoured = ", ".join(f"{slot}: {choice}" for slot, choice in prior.favoured().items()) or "none"
    print(f"{out}: {len(prior.cards)} choices of {len(prior.studies)} studies; to try first: {favoured}")
