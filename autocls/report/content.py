"""Everything that the page shows, computed from a run by pure functions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from autocls.report.recipes import knobs
from autocls.report.run import Run


@dataclass(frozen=True)
class Reason:
    """One thing that is said of some trials, and of which."""

    reason: str
    count: int
    trials: tuple[int, ...]


def rows(run: Run) -> dict[str, list[Any]]:
    """The leaderboard, best first, as columns of plain values; figures have the digits that are shown, or one more."""
    board = run.board
    return {
        **{name: _plain(board[name]) for name in ("rank", "number", "state", "epochs", "planned", "parameters")},
        "score": _plain(board["score"].round(6)),
        "seconds": _plain(board["seconds"].round(3)),
        "reason": list(board["reason"]),
        "left_out": [list(reasons) for reasons in board["left_out"]],
    }


def texts(columns: Mapping[str, list[Any]]) -> tuple[list[str], dict[str, list[Any]]]:
    """The texts of columns, each once, and the columns with their places in that list instead of them."""
    place: dict[str, int] = {}

    def placed(value: Any) -> Any:
        if isinstance(value, list):
            return [placed(v) for v in value]
        return place.setdefault(value, len(place)) if isinstance(value, str) else value

    out = {name: placed(values) for name, values in columns.items()}
    return list(place), out


def recipes(run: Run) -> dict[str, Any]:
    """The recipes in the order of ``rows``, for the page to write out, and the place of the baseline's."""
    found = run.recipes
    baseline = run.board.index[run.board["number"] == run.summary.get("baseline")].tolist()
    return {
        "baseline": baseline[0] if baseline else None,
        "forms": [asdict(form) for form in found.forms],
        "made_of": found.made_of,
        "numbers": [" ".join(numbers) for numbers in found.numbers],
    }


def cards(run: Run) -> list[dict[str, Any]]:
    """The cards of what the winner chose otherwise than the baseline."""
    mine, base = (_recipe(run.trials, number) for number in (run.winner, run.summary.get("baseline")))
    if mine is None or base is None:
        return []
    chosen, baseline = knobs(mine), knobs(base)
    changed = {name for name in chosen if "." not in name and chosen[name] != baseline.get(name)}
    return [card for card in run.cards if card["slot"] in changed and card["name"] == chosen[card["slot"]]]


def short(value: object) -> str:
    """A knob's value in few characters."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def failures(trials: pd.DataFrame) -> list[Reason]:
    """Why trials failed, the most frequent reason first."""
    return _reasons(trials[trials["state"] == "FAIL"], "reason")


def left_out(trials: pd.DataFrame) -> list[Reason]:
    """Why choices that were asked for had no place in a trial's recipe, the most frequent reason first."""
    return _reasons(trials.explode("left_out").dropna(subset="left_out"), "left_out")


def _reasons(trials: pd.DataFrame, column: str) -> list[Reason]:
    groups = [Reason(str(reason), len(g), tuple(g["number"])) for reason, g in trials.groupby(column)]
    return sorted(groups, key=lambda r: (-r.count, r.reason))


def classes(summary: Mapping[str, Any]) -> list[tuple[str, int, int, int]]:
    """Each class's images in the train, validation and test parts."""
    counts = summary.get("counts") or {}
    parts = [counts.get(part) or {} for part in ("train", "val", "test")]
    return [(name, *(int(p.get(name, 0)) for p in parts)) for name in summary.get("classes") or []]


def flat(nested: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as ``("versions: torch", "2.9.0")`` rows."""
    out: list[tuple[str, str]] = []
    for key, value in nested.items():
        if isinstance(value, Mapping):
            out += flat(value, f"{prefix}{key}: ")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            out.append((f"{prefix}{key}", shown or "–"))
    return out


def _plain(column: "pd.Series[Any]") -> list[Any]:
    """A column's values as JSON has them, None for what is not known."""
    return [None if unknown else value for value, unknown in zip(column.tolist(), column.isna(), strict=True)]


def _recipe(trials: pd.DataFrame, number: int | None) -> str | None:
    found = trials[trials["number"] == number]
    return None if found.empty else str(found["recipe"].iloc[0])
