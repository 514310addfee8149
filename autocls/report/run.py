"""Reading a run folder."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from autocls.errors import BadInput
from autocls.report.recipes import Recipes
from autocls.verdict.ranking import leaderboard

J = TypeVar("J", dict[str, Any], list[dict[str, Any]])
_JSON = {dict: "object", list: "array"}


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
        _json(folder / "summary.json", dict),
        _json(folder / "environment.json", dict),
        _text(folder / "best_recipe.yaml"),
        _text(folder / "space.yaml"),
        _json(folder / "cards.json", list),
    )


def _trials(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: can't be read as a table of trials: {error}") from None


def _json(path: Path, kind: type[J]) -> J:
    text = _text(path)
    try:
        found = kind() if text is None else json.loads(text)
    except ValueError as error:
        raise BadInput(f"{path}: is no JSON: {error}") from None
    if not isinstance(found, kind):
        raise BadInput(f"{path}: should hold one JSON {_JSON[kind]}, not a {type(found).__name__}")
    return found


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
