"""The top of the page: what won, by how much, and what that is worth."""

import math
import shlex
from dataclasses import dataclass
from typing import Any

import pandas as pd

from autocls.report.run import Run
from autocls.report.wilson import interval
from autocls.verdict.verdict import Opening, Verdict
from autocls.verdict.wording import duration, percent, points, shares, span


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


def headline(run: Run) -> Headline:
    """The top of the page."""
    row = _row(run.trials, run.winner)
    if row is None:
        title = "The search is running: no trial is complete yet" if run.running else "No winner yet"
        return Headline(title, _no_winner(run), _effort(run), ())
    facts = [*_scores(run, row)]
    if not pd.isna(row["parameters"]):
        facts.append(Fact("parameters", f"{int(row['parameters']):,}"))
    sentence = run.verdict.paragraph if run.verdict and not run.running else _association(run, row)
    commands = () if run.running else _commands(run)
    return Headline(_title(run, row), sentence, (*facts, *_effort(run)), commands)


def _title(run: Run, row: dict[str, Any]) -> str:
    test, verdict, metric = _test(run), run.verdict, _metric(run)
    if run.running:
        return f"The search is running: best so far {percent(row['score'])} {metric}, trial {row['number']}"
    who = "The plain baseline" if row["number"] == run.summary.get("baseline") else f"Trial {row['number']}"
    if test is not None:
        where = "on the sealed test part" if test.times == 1 else f"on a test part opened {test.times} times"
        return f"{who} wins: {percent(test.winner)} {metric} {where}"
    if verdict and verdict.confirmed.n:
        return f"{who} wins: {percent(verdict.confirmed.mean)} {metric} on {verdict.confirmed.n} fresh seeds"
    return f"{who} wins: {percent(row['score'])} {metric} on validation"


def _no_winner(run: Run) -> str:
    if run.running:
        return "The first score that counts comes when a trial has trained all its epochs."
    failed = (run.searched["state"] == "FAIL").sum()
    advice = "Every trial failed: the reasons are below." if failed and failed == len(run.searched) else (
        "Give the search more time, or fewer epochs a trial."
    )  # fmt: skip
    return f"No trial has finished all its epochs. {advice}"


def _association(run: Run, row: dict[str, Any]) -> str:
    """What the search alone says of its winner."""
    base, test, score = _score(run.trials, run.summary.get("baseline")), _test(run), row["score"]
    sentence = f"Trial {row['number']} has the best {_metric(run)} on the validation part, {percent(score)}"
    if row["number"] == run.summary.get("baseline"):
        sentence += f": it is the plain baseline, and no trial {'has beaten it yet' if run.running else 'beat it'}"
    elif math.isnan(base):
        sentence += "; the baseline was not completed, so there is nothing to compare it with"
    else:
        sentence += f", {points(score - base)} from the plain baseline's {percent(base)}"
    sentence += ". It was picked for this score, so expect less on new images"
    if test is not None:
        sentence += f": on the sealed test part, which was opened once, it has {percent(test.winner)}"
    return sentence + "."


def _scores(run: Run, row: dict[str, Any]) -> list[Fact]:
    """The winner's scores: confirmed and sealed ones first, then what the search saw."""
    test = _test(run)
    sealed = (
        [] if test is None else [Fact(f"{_metric(run)}, {_seal(test)}", percent(test.winner), _certainty(run, test))]
    )
    if run.verdict and run.verdict.confirmed.n:
        return [*_confirmed(run.verdict, row, _metric(run)), *sealed]
    base, complete = _score(run.trials, run.summary.get("baseline")), (run.searched["state"] == "COMPLETE").sum()
    best = Fact(
        f"{_metric(run)}, validation", percent(row["score"]), f"the best of {complete} complete trials: optimistic"
    )
    if row["number"] == run.summary.get("baseline") or math.isnan(base):
        return [best, *sealed]
    return [best, *sealed, Fact("from the baseline", points(row["score"] - base), f"{percent(base)}, one run each")]


def _confirmed(verdict: Verdict, row: dict[str, Any], metric: str) -> list[Fact]:
    """What fresh seeds say, beside what the search said."""
    its, gain = verdict.confirmed, verdict.gain
    interval = "" if math.isnan(its.low) else f"95 % interval {shares(its.low, its.high)}, "
    by = f" by {100 * verdict.optimism:.2f} points" if verdict.optimism > 0 else ""
    facts = [
        Fact(f"{metric}, confirmed", percent(its.mean), f"{interval}n = {its.n} fresh seeds"),
        Fact(f"{metric}, search", percent(row["score"]), f"the best of many, optimistic{by}"),
    ]
    if gain.n:
        interval = "" if math.isnan(gain.low) else f"95 % interval {span(gain.low, gain.high)}, "
        facts.append(Fact("from the baseline", points(gain.mean), f"{interval}n = {gain.n} pairs"))
    return facts


def _effort(run: Run) -> tuple[Fact, ...]:
    trials, summary = run.searched, run.summary
    states = trials["state"].value_counts()
    complete, pruned, failed = (int(states.get(s, 0)) for s in ("COMPLETE", "PRUNED", "FAIL"))
    ended = "so far" if run.running else str(summary.get("stopped", ""))
    running = f", {states['RUNNING']} running" if "RUNNING" in states else ""
    return (
        Fact("trials", f"{len(trials):,}", f"{complete} complete, {pruned} stopped early, {failed} failed{running}"),
        Fact("epochs trained", f"{int(run.trials['epochs'].sum()):,}"),
        Fact("time", duration(float(summary.get("seconds") or 0.0)), ended),
    )


def _metric(run: Run) -> str:
    return str(run.summary.get("metric", "score")).replace("_", " ")


def _test(run: Run) -> Opening | None:
    """The sealed test part as it was opened; only a verdict knows the baseline there, and how often."""
    if run.verdict and run.verdict.test:
        return run.verdict.test
    score = run.summary.get("test_score")
    return None if score is None else Opening(int(run.summary.get("test_images") or 0), float(score), None, 1)


def _seal(test: Opening) -> str:
    return "sealed test" if test.times == 1 else f"test, opened {test.times} times"


def _certainty(run: Run, test: Opening) -> str:
    """What a test score's number of images says about it; only an accuracy is a share, so only it has an interval."""
    if not test.images:
        return ""
    if run.summary.get("metric") != "accuracy":
        return f"{test.images:,} images"
    low, high = interval(test.winner, test.images)
    return f"{test.images:,} images, 95 % interval {100 * low:.1f} to {100 * high:.1f} %"


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


def _row(trials: pd.DataFrame, number: int | None) -> dict[str, Any] | None:
    found = trials[trials["number"] == number]
    return None if found.empty else dict(found.iloc[0])


def _score(trials: pd.DataFrame, number: int | None) -> float:
    found = trials[(trials["number"] == number) & (trials["state"] == "COMPLETE")]
    return math.nan if found.empty else float(found["score"].iloc[0])
