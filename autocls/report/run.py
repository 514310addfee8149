"""Reading a run folder."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from autocls.errors import BadInput
from autocls.report.recipes import Recipes
from autocls.verdict.file import read_json, read_text
from autocls.verdict.ranking import leaderboard


@dataclass(frozen=True)
class Run:
    """What a search left behind. ``trials`` has one row a trial; the rest may be missing: empty, or None."""

    trials: pd.DataFrame
    summary: dict[str, Any]
    environment: dict[str, Any]
    best_recipe: str | None
    space: str | None
    cards: list[dict[str, Any]]
    """What there is to know of the winner's choices."""

    @cached_property
    def board(self) -> pd.DataFrame:
        """The trials, best first."""
        return leaderboard(self.trials)

    @cached_property
    def recipes(self) -> Recipes:
        """The recipes in the order of ``board``."""
        return Recipes.of(self.board["recipe"])


def read(folder: Path) -> Run:
    """The run in ``folder``. Raises BadInput when there is none."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; name an output folder of `autocls search`")
    table = folder / "trials.parquet"
    if not table.is_file():
        raise BadInput(f"{folder}: holds no search: there is no {table.name} in it")
    return Run(
        _trials(table),
        read_json(folder / "summary.json", dict),
        read_json(folder / "environment.json", dict),
        read_text(folder / "best_recipe.yaml"),
        read_text(folder / "space.yaml"),
        read_json(folder / "cards.json", list),
    )


def _trials(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: can't be read as a table of trials: {error}") from None
