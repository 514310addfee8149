"""Everything that the page shows, computed from a run by pure functions."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from autocls.report.recipes import knobs, slots
from autocls.report.run import Run
from autocls.verdict.verdict import Phase

_DECIMAL = re.compile(r"(?<![\w.])-?\d+\.\d+(?:e[+-]\d+)?(?![\w.])")


@dataclass(frozen=True)
class Reason:
    """One thing that is said of some trials, and of which."""

    reason: str
    count: int
    trials: tuple[int, ...]
    traceback: str = ""
    """The first there is; empty where the reason says it all."""


@dataclass(frozen=True)
class Difference:
    """A slot that the winner decides otherwise than the baseline."""

    slot: str
    choice: str
    """As YAML has it, in one line."""
    instead: str
    """The baseline's."""
    card: Mapping[str, Any] | None
    """What there is to know of the choice."""


@dataclass(frozen=True)
class Took:
    """What the trials of a phase took, all workers together."""

    phase: str
    runs: int
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Group:
    """Rows of the provenance that belong together."""

    name: str
    rows: tuple[tuple[str, str], ...]


def rows(run: Run) -> dict[str, list[Any]]:
    """The leaderboard, best first, as columns of plain values; figures have the digits that are shown, or one more."""
    board, again = run.board, confirmed(run)
    return {
        **{name: _plain(board[name]) for name in ("rank", "number", "state", "epochs", "planned", "parameters")},
        "score": _plain(board["score"].round(6)),
        "confirmed": [round(again[number], 6) if number in again else None for number in board["number"]],
        "seconds": _plain(board["seconds"].round(3)),
        "latency": _plain(measured(board, "latency").round(7)),
        "reason": list(board["reason"]),
        "left_out": [list(reasons) for reasons in board["left_out"]],
    }


def curves(run: Run) -> list[str]:
    """Each trial's scores after its epochs, in the order of ``rows``: hundredths of a point, parted by spaces."""
    return [" ".join(map(str, np.rint(10_000 * np.asarray(curve)).astype(int))) for curve in run.board["curve"]]


def confirmed(run: Run) -> dict[int, float]:
    """The mean scores of trials run again on fresh seeds; of the winner, on seeds that took no part in choosing it."""
    if run.verdict is None:
        return {}
    again = {each.trial: each.confirmed.mean for each in run.verdict.candidates if each.confirmed.n}
    return again | ({run.verdict.winner: run.verdict.confirmed.mean} if run.verdict.confirmed.n else {})


def measured(trials: pd.DataFrame, column: str) -> "pd.Series[float]":
    """A column of numbers, NaN where nothing was measured; older searches did not measure all."""
    values = trials[column] if column in trials else pd.Series(np.nan, trials.index)
    return values.astype("float64")


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


def differences(run: Run) -> list[Difference]:
    """What the winner chose otherwise than the baseline, in the order of the recipe; empty when either is not known."""
    mine, base = (_recipe(run.trials, number) for number in (run.winner, run.summary.get("baseline")))
    if mine is None or base is None:
        return []
    chosen, names, instead = slots(mine), knobs(mine), slots(base)
    cards = {(card["slot"], card["name"]): card for card in run.cards}
    return [
        Difference(slot, _in_one_line(text), _in_one_line(instead.get(slot, "")), cards.get((slot, str(names[slot]))))
        for slot, text in chosen.items()
        if text != instead.get(slot)
    ]


def _in_one_line(text: str) -> str:
    """A slot's lines of YAML without the slot: ``adam: {lr: 0.00254}``, with the digits that are read."""
    chosen = " ".join(line.strip() for line in text.partition(":")[2].strip().splitlines())
    return _DECIMAL.sub(lambda found: f"{float(found.group()):.3g}", chosen)


def failures(trials: pd.DataFrame) -> list[Reason]:
    """Why trials failed, the most frequent reason first."""
    return _reasons(trials[trials["state"] == "FAIL"], "reason")


def left_out(trials: pd.DataFrame) -> list[Reason]:
    """Why choices that were asked for had no place in a trial's recipe, the most frequent reason first."""
    return _reasons(trials.explode("left_out").dropna(subset="left_out"), "left_out")


def _reasons(trials: pd.DataFrame, column: str) -> list[Reason]:
    groups = [
        Reason(str(reason), len(g), tuple(g["number"]), _traceback(g) if column == "reason" else "")
        for reason, g in trials.groupby(column)
    ]
    return sorted(groups, key=lambda r: (-r.count, r.reason))


def _traceback(trials: pd.DataFrame) -> str:
    """The first that is not empty."""
    return next(filter(None, trials.get("traceback", ())), "")


def classes(summary: Mapping[str, Any]) -> list[tuple[str, int, int, int]]:
    """Each class's images in the train, validation and test parts."""
    counts = summary.get("counts") or {}
    parts = [counts.get(part) or {} for part in ("train", "val", "test")]
    return [(name, *(int(p.get(name, 0)) for p in parts)) for name in summary.get("classes") or []]


def images(summary: Mapping[str, Any]) -> tuple[int, int, int]:
    """The images of the train, validation and test parts; in older summaries each has one class."""
    counted = {part: sum(of_class.values()) for part, of_class in (summary.get("counts") or {}).items()}
    known = summary.get("images") or counted
    train, val, test = (int(known.get(part, 0)) for part in ("train", "val", "test"))
    return train, val, test


def took(trials: pd.DataFrame) -> list[Took]:
    """What each phase took, in the order in which phases are run."""
    phases = trials["phase"] if "phase" in trials else pd.Series(Phase.SEARCH.value, trials.index)
    parts = {phase.value: trials[phases == phase.value] for phase in Phase}
    return [
        Took(phase, len(part), int(part["epochs"].sum()), float(part["seconds"].sum()))
        for phase, part in parts.items()
        if len(part)
    ]


def provenance(environment: Mapping[str, Any]) -> list[Group]:
    """What the search ran on: what stands alone first, then group by group."""
    alone = {key: value for key, value in environment.items() if not isinstance(value, Mapping)}
    groups = {"run": alone, **{key: value for key, value in environment.items() if isinstance(value, Mapping)}}
    return [Group(name, tuple(flat(values))) for name, values in groups.items() if values]


def flat(nested: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as ``("versions: torch", "2.9.0")`` rows."""
    out: list[tuple[str, str]] = []
    for key, value in nested.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            out += flat(value, f"{name}: ")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            out.append((name, shown or "–"))
    return out


def _plain(column: "pd.Series[Any]") -> list[Any]:
    """A column's values as JSON has them, None for what is not known."""
    return [None if unknown else value for value, unknown in zip(column.tolist(), column.isna(), strict=True)]


def _recipe(trials: pd.DataFrame, number: int | None) -> str | None:
    found = trials[trials["number"] == number]
    return None if found.empty else str(found["recipe"].iloc[0])
