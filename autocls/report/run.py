"""Reading a run folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from autocls.errors import BadInput


@dataclass(frozen=True)
class Run:
    """What a search left behind. ``trials`` has one row a trial; the rest may be missing: empty, or None."""

    trials: pd.DataFrame
    summary: dict[str, Any]
    environment: dict[str, Any]
    best_recipe: str | None
    space: str | None


def read(folder: Path) -> Run:
    """The run in ``folder``. Raises BadInput when there is none."""
    table = folder / "trials.parquet"
    if not table.is_file():
        raise BadInput(f"{folder}: holds no search: there is no {table.name} in it")
    return Run(
        pd.read_parquet(table),
        json.loads(_text(folder / "summary.json") or "{}"),
        json.loads(_text(folder / "environment.json") or "{}"),
        _text(folder / "best_recipe.yaml"),
        _text(folder / "space.yaml"),
    )


def knobs(recipe: str) -> dict[str, object]:
    """A recipe's YAML as one flat dict: ``{"optimizer": "sgd", "optimizer.sgd.lr": 0.05, …}``."""
    flat: dict[str, object] = {}
    for slot, choice in yaml.load(recipe, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)).items():
        if not isinstance(choice, dict):
            flat[slot] = choice
            continue
        for name, parameters in choice.items():
            flat[slot] = name
            flat |= {f"{slot}.{name}.{parameter}": value for parameter, value in parameters.items()}
    return flat


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
