"""Everything that the page shows, computed from a run by pure functions."""

import math
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from autocls.report.recipes import knobs
from autocls.report.run import Run
from autocls.verdict.ranking import winner


@dataclass(frozen=True)
class Fact:
    """One number of the headline, with its unit, and what it is."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Headline:
    """What won, by how much, and what that is worth."""

    title: str
    sentence: str
    facts: tuple[Fact, ...]
    commands: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reason:
    """One thing that is said of some trials, and of which."""

    reason: str
    count: int
    trials: tuple[int, ...]


def percent(share: float) -> str:
    """``98.74 %``; a dash for what is not known."""
    return "–" if math.isnan(share) else f"{100 * share:.2f} %"


def points(difference: float) -> str:
    """A difference of shares in points, with its sign."""
    return f"{100 * difference:+.2f} points".replace("-", "−")


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def headline(run: Run) -> Headline:
    """The top of the page."""
    trials, summary = run.trials, run.summary
    states = trials["state"].value_counts()
    complete, pruned, failed = (int(states.get(s, 0)) for s in ("COMPLETE", "PRUNED", "FAIL"))
    metric = str(summary.get("metric", "score")).replace("_", " ")
    effort = (
        Fact("trials", f"{len(trials):,}", f"{complete} complete, {pruned} stopped early, {failed} failed"),
        Fact("epochs trained", f"{int(trials['epochs'].sum()):,}"),
        Fact("time", duration(float(summary.get("seconds") or 0.0)), str(summary.get("stopped", ""))),
    )
    number = winner(trials)
    if number is None:
        advice = "Every trial failed: the reasons are below." if failed and failed == len(trials) else (
            "Give the search more time, or fewer epochs a trial."
        )  # fmt: skip
        return Headline("No winner yet", f"No trial has finished all its epochs. {advice}", effort, ())
    row = _row(trials, number)
    base = _score(trials, summary.get("baseline"))
    test = summary.get("test_score")
    facts = [
        Fact(f"{metric}, validation", percent(row["score"]), f"the best of {complete} complete trials: optimistic")
    ]
    sentence = f"Trial {number} has the best {metric} on the validation part, {percent(row['score'])}"
    if number == summary.get("baseline"):
        sentence += ": it is the plain baseline, and no trial beat it"
    elif math.isnan(base):
        sentence += "; the baseline was not completed, so there is nothing to compare it with"
    else:
        sentence += f", {points(row['score'] - base)} from the plain baseline's {percent(base)}"
        facts.append(Fact("from the baseline", points(row["score"] - base), f"{percent(base)}, one run each"))
    sentence += ". It was picked for this score, so expect less on new images"
    title = f"Trial {number} wins: {percent(row['score'])} {metric} on validation"
    if test is not None:
        sentence += f": on the sealed test part, which was opened once, it has {percent(test)}"
        note = _certainty(test, summary.get("test_images"), summary.get("metric"))
        facts.insert(1, Fact(f"{metric}, sealed test", percent(test), note))
        title = f"Trial {number} wins: {percent(test)} {metric} on the sealed test part"
    if not pd.isna(row["parameters"]):
        facts.append(Fact("parameters", f"{int(row['parameters']):,}"))
    return Headline(title, sentence + ".", (*facts, *effort), _commands(run))


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
    mine, base = (_recipe(run.trials, number) for number in (winner(run.trials), run.summary.get("baseline")))
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


def knob_table(run: Run) -> pd.DataFrame:
    """A column for each knob that took more than one value, a row for each trial that has a score; best first."""
    scored = run.board["score"].notna()
    table = pd.DataFrame(run.recipes.columns(), index=run.board.index)[scored]
    varied = [name for name in table if table[name].dropna().nunique() > 1]
    return run.board.loc[scored, ["number", "state", "score"]].join(table[varied].convert_dtypes())


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


def interval(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``n`` images (Wilson 1927), which stays honest at 0 and at 1."""
    z2 = 1.96**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = 1.96 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return middle - half, middle + half


def _certainty(share: float, images: int | None, metric: str | None) -> str:
    """What a test score's number of images says about it; only an accuracy is a share, so only it has an interval."""
    if not images:
        return ""
    if metric != "accuracy":
        return f"{images:,} images"
    low, high = interval(share, images)
    return f"{images:,} images, 95 % interval {100 * low:.1f} to {100 * high:.1f} %"


def _commands(run: Run) -> tuple[tuple[str, str], ...]:
    source = shlex.quote(str(run.summary.get("source") or "DATA"))
    metric = run.summary.get("metric", "accuracy")
    extra = "" if metric == "accuracy" else f" --metric {metric}"
    return (
        (
            "Train it again",
            f"autocls train best_recipe.yaml {source} --seed {run.summary.get('seed', 0)}{extra} --out my-model",
        ),
        ("Predict with it", "autocls predict model IMAGE..."),
    )


def _plain(column: "pd.Series[Any]") -> list[Any]:
    """A column's values as JSON has them, None for what is not known."""
    return [None if unknown else value for value, unknown in zip(column.tolist(), column.isna(), strict=True)]


def _row(trials: pd.DataFrame, number: int) -> dict[str, Any]:
    return dict(trials[trials["number"] == number].iloc[0])


def _score(trials: pd.DataFrame, number: int | None) -> float:
    found = trials[(trials["number"] == number) & (trials["state"] == "COMPLETE")]
    return math.nan if found.empty else float(found["score"].iloc[0])


def _recipe(trials: pd.DataFrame, number: int | None) -> str | None:
    found = trials[trials["number"] == number]
    return None if found.empty else str(found["recipe"].iloc[0])
