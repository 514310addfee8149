"""Everything that the page shows, computed from a run by pure functions."""

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from autocls.report.run import Run, knobs
from autocls.verdict.ranking import leaderboard, winner


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


def rows(run: Run) -> list[dict[str, Any]]:
    """The leaderboard, best first, as plain values for the page."""
    ranked = leaderboard(run.trials)
    base = _recipe(run.trials, run.summary.get("baseline"))
    baseline = knobs(base) if base else {}
    return [
        {
            "rank": None if pd.isna(r["rank"]) else int(r["rank"]),
            "number": int(r["number"]),
            "state": r["state"],
            "score": None if math.isnan(r["score"]) else float(r["score"]),
            "epochs": int(r["epochs"]),
            "planned": int(r["planned"]),
            "seconds": float(r["seconds"]),
            "parameters": None if pd.isna(r["parameters"]) else int(r["parameters"]),
            "reason": r["reason"],
            "left_out": list(r["left_out"]),
            "chips": chips(knobs(r["recipe"]), baseline),
            "recipe": r["recipe"],
        }
        for r in ranked.to_dict("records")
    ]


def cards(run: Run) -> list[dict[str, Any]]:
    """The cards of what the winner chose otherwise than the baseline."""
    mine, base = (_recipe(run.trials, number) for number in (winner(run.trials), run.summary.get("baseline")))
    if mine is None or base is None:
        return []
    chosen, baseline = knobs(mine), knobs(base)
    changed = {name for name in chosen if "." not in name and chosen[name] != baseline.get(name)}
    return [card for card in run.cards if card["slot"] in changed and card["name"] == chosen[card["slot"]]]


def choices(run: Run) -> dict[str, list[object]]:
    """Each knob's values in the order of ``rows``, None where a trial does not have it: what expressions look up."""
    flat_recipes = [knobs(recipe) for recipe in leaderboard(run.trials)["recipe"]]
    names = dict.fromkeys(name for recipe in flat_recipes for name in recipe)
    return {name: [recipe.get(name) for recipe in flat_recipes] for name in names}


def chips(mine: Mapping[str, object], baseline: Mapping[str, object]) -> list[str]:
    """What a recipe decides otherwise than the baseline, as ``slot = value``; parameters stand with their choice."""
    out = []
    for name, value in mine.items():
        parts = name.split(".")
        if len(parts) > 1:
            continue
        parameters = {k: v for k, v in mine.items() if k.startswith(f"{name}.")}
        if value != baseline.get(name) or any(baseline.get(k) != v for k, v in parameters.items()):
            inner = ", ".join(f"{k.split('.')[-1]} {short(v)}" for k, v in parameters.items())
            out.append(f"{name} = {short(value)}" + (f" ({inner})" if inner else ""))
    return out


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


def knob_table(trials: pd.DataFrame) -> pd.DataFrame:
    """A column for each knob that took more than one value, a row for each trial that has a score."""
    scored = trials[trials["score"].notna()].reset_index(drop=True)
    table = pd.DataFrame([knobs(recipe) for recipe in scored["recipe"]])
    varied = [name for name in table if table[name].dropna().nunique() > 1]
    return scored[["number", "state", "score"]].join(table[varied].convert_dtypes())


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


def _row(trials: pd.DataFrame, number: int) -> dict[str, Any]:
    return dict(trials[trials["number"] == number].iloc[0])


def _score(trials: pd.DataFrame, number: int | None) -> float:
    found = trials[(trials["number"] == number) & (trials["state"] == "COMPLETE")]
    return math.nan if found.empty else float(found["score"].iloc[0])


def _recipe(trials: pd.DataFrame, number: int | None) -> str | None:
    found = trials[trials["number"] == number]
    return None if found.empty else str(found["recipe"].iloc[0])
