"""``autocls best``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from autocls.cli.quantities import amount, seconds
from autocls.errors import BadInput


def command(
    folder: Annotated[Path, typer.Argument(help="An output folder of `autocls search`.", show_default=False)],
    max_params: Annotated[str | None, typer.Option(help="What its network may have at the most: 200k, 5M.",
                                                   show_default=False)] = None,
    max_latency: Annotated[str | None, typer.Option(help="What it may take here for one image, measured again: 3ms.",
                                                    show_default=False)] = None,
) -> None:  # fmt: skip
    """Print the best recipe of a search as YAML, or the best within limits.

    Example:

        autocls best reports/photos-quick --max-params 5M --max-latency 3ms > recipe.yaml
    """
    parameters = amount(max_params, "--max-params") if max_params is not None else None
    latency = seconds(max_latency, "--max-latency") if max_latency is not None else None
    if parameters is None and latency is None:
        print(_best(folder), end="")
        return
    from autocls.search.affordable import best_within
    from autocls.training.footprint import Limits

    found = best_within(folder, Limits(parameters, latency))
    what = "confirmed" if found.confirmed else "in the search"
    print(
        f"autocls: trial {found.row.number}: {found.score:.2%} {what}, {found.footprint.parameters:,} parameters, "
        f"{1000 * found.footprint.latency:.3g} ms an image here",
        file=sys.stderr,
    )
    print(found.row.recipe, end="")


def _best(folder: Path) -> str:
    """The winner's recipe. Raises BadInput where there is none."""
    from autocls.search.folder import refresh

    refresh(folder)
    recipe = folder / "best_recipe.yaml"
    if not recipe.is_file():
        raise BadInput(f"{folder}: no trial of this search was completed, so there is no best recipe")
    return recipe.read_text(encoding="utf-8")
