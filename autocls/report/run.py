"""Reading a run folder."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from autocls.errors import BadInput
from autocls.report.recipes import Recipes
from autocls.verdict.file import VERDICT, load, read_json, read_text
from autocls.verdict.ranking import leaderboard, winner
from autocls.verdict.verdict import Phase, Verdict


@dataclass(frozen=True)
class Run:
    """What a search left. ``trials`` has a row for each, of any phase; the rest may be missing, empty or None."""

    trials: pd.DataFrame
    summary: dict[str, Any]
    environment: dict[str, Any]
    best_recipe: str | None
    space: str | None
    cards: list[dict[str, Any]]
    """What there is to know of the winner's choices."""
    verdict: Verdict | None = None
    """What the search may claim; None when its winner was not run again."""

    @cached_property
    def searched(self) -> pd.DataFrame:
        """The trials of the search itself, without those that screened, confirmed or attributed."""
        return self.trials[self.trials["phase"] == Phase.SEARCH] if "phase" in self.trials else self.trials

    @cached_property
    def winner(self) -> int | None:
        """The number of the trial that won: as the summary has it, or the first of the leaderboard."""
        number = self.summary.get("winner")
        return winner(self.searched) if number is None else int(number)

    @cached_property
    def board(self) -> pd.DataFrame:
        """The trials of the search, best first."""
        return leaderboard(self.searched)

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
        load(folder / VERDICT) if (folder / VERDICT).is_file() else None,
    )


def _trials(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: can't be read as a table of trials: {error}") from None
