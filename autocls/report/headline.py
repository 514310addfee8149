"""The top of the page: what won, by how much, and what that is worth."""

import math
import shlex
from dataclasses import dataclass
from typing import Any

import pandas as pd

from autocls.report.run import Run
from autocls.report.wilson import interval
from autocls.verdict.verdict import Opening, Verdict
from autocls.verdict.wording import count, duration, metric_name, milliseconds, percent, points, shares, span

UNKNOWN = "–"


@dataclass(frozen=True)
class Fact:
    """One number of the headline, with its unit, and what it is."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Contender:
    """The winner or the baseline: what it scores, and what that costs."""

    who: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Headline:
    """What won, by how much, and what that is worth."""

    title: str
    lead: str
    """The first sentence."""
    rest: str
    contenders: tuple[Contender, ...]
    """The winner and the baseline; one where they are the same or the baseline was not completed."""
    gain: Fact | None
    """Of the winner over the baseline."""
    effort: tuple[Fact, ...]
    """Of the search."""
    commands: tuple[tuple[str, str], ...]


def headline(run: Run) -> Headline:
    """The top of the page."""
    row = _row(run.trials, run.winner)
    if row is None:
        title = "The search is running: no trial is complete yet" if run.running else "No winner yet"
        return Headline(title, *_parted(_no_winner(run)), (), None, _effort(run), ())
    sentences = run.verdict.paragraph if run.verdict and not run.running else _association(run, row)
    commands = () if run.running else _commands(run)
    return Headline(
        _title(run, row), *_parted(sentences), _contenders(run, row), _gain(run, row), _effort(run), commands
    )


def _parted(paragraph: str) -> tuple[str, str]:
    """The first sentence, and the rest."""
    first, _, rest = paragraph.partition(". ")
    return (f"{first}.", rest) if rest else (paragraph, "")


def _title(run: Run, row: dict[str, Any]) -> str:
    test, verdict, metric = run.test, run.verdict, _metric(run)
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
    base, test, score = _score(run.trials, run.summary.get("baseline")), run.test, row["score"]
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


def _contenders(run: Run, winner: dict[str, Any]) -> tuple[Contender, ...]:
    number = run.summary.get("baseline")
    if winner["number"] == number:
        return (Contender(f"The winner and the baseline, trial {number}", _known(_facts(run, winner))),)
    mine, base = _facts(run, winner), []
    if not math.isnan(_score(run.trials, number)):
        row = _row(run.trials, number)
        base = _facts(run, row) if row else []
    kept = {fact.label for fact in _known(mine + base)}  # what is known of one has its place in both
    who = "The best so far" if run.running else "The winner"
    cards = (f"{who}, trial {winner['number']}", mine), (f"The plain baseline, trial {number}", base)
    return tuple(Contender(who, tuple(f for f in facts if f.label in kept)) for who, facts in cards if facts)


def _known(facts: list[Fact]) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if fact.value != UNKNOWN)


def _facts(run: Run, row: dict[str, Any]) -> list[Fact]:
    return [*_scores(run, row), *_costs(run, row)]


def _scores(run: Run, row: dict[str, Any]) -> list[Fact]:
    """A contender's scores: the confirmed and the sealed one first, then what the search saw."""
    metric, test, wins = _metric(run), run.test, row["number"] == run.winner
    facts = []
    if run.verdict and run.verdict.confirmed.n:
        facts.append(_confirmed(f"{metric}, confirmed", run.verdict, row["number"], wins=wins))
    if test is not None:
        score = test.winner if wins else test.baseline
        facts.append(
            Fact(f"{metric}, {_seal(test)}", UNKNOWN, "not asked")
            if score is None
            else Fact(f"{metric}, {_seal(test)}", percent(score), _certainty(run, test.images, score))
        )
    return [*facts, Fact(f"{metric}, search", percent(row["score"]), _seen(run, wins=wins))]


def _confirmed(label: str, verdict: Verdict, number: int, *, wins: bool) -> Fact:
    """What fresh seeds say; of the winner, seeds that took no part in choosing it."""
    again = {each.trial: each.confirmed for each in verdict.candidates}
    if not again and verdict.path:
        again = {verdict.baseline: verdict.path[0].score}
    mean = verdict.confirmed if wins else again.get(number)
    if mean is None and number == verdict.baseline and verdict.gain.n:
        less = verdict.confirmed.mean - verdict.gain.mean
        return Fact(label, percent(less), f"the winner's less its gain, n = {verdict.gain.n} pairs")
    if mean is None or not mean.n:
        return Fact(label, UNKNOWN, "not run again")
    said = "" if math.isnan(mean.low) else f"95 % interval {shares(mean.low, mean.high)}, "
    return Fact(label, percent(mean.mean), f"{said}n = {mean.n} fresh seeds")


def _seen(run: Run, *, wins: bool) -> str:
    """How much the search's own score is worth: the winner's was picked for being the best."""
    if not wins:
        return "one run"
    complete, verdict = (run.searched["state"] == "COMPLETE").sum(), run.verdict
    by = f" by {100 * verdict.optimism:.2f} points" if verdict and verdict.optimism > 0 else ""
    return f"the best of {complete} complete trials, optimistic{by}"


def _costs(run: Run, row: dict[str, Any]) -> list[Fact]:
    """What a contender's score costs; latencies are those of the device that measured them."""
    device = run.summary.get("device")
    where = f" on {device}" if device else ""
    again = [c for c in run.verdict.candidates if c.trial == row["number"] and c.confirmed.n] if run.verdict else []
    once = Fact("training time", duration(row["seconds"]), f"{row['epochs']} epochs, one run")
    parameters, additions = (row.get(name) for name in ("parameters", "multiply_adds"))
    return [
        Fact("parameters", UNKNOWN if pd.isna(parameters) else f"{int(parameters):,}"),
        Fact("multiply-adds", UNKNOWN if pd.isna(additions) else count(int(additions)), "for one image"),
        Fact("latency, batch 1", milliseconds(row.get("latency", math.nan)), f"for one image{where}"),
        Fact("latency, batch 64", milliseconds(row.get("latency_64", math.nan)), f"for 64 images at once{where}"),
        *(Fact(once.label, duration(c.seconds), f"median of {c.confirmed.n} runs") for c in again),
        *([] if again else [once]),
    ]


def _gain(run: Run, row: dict[str, Any]) -> Fact | None:
    """What the winner has over the baseline: paired on fresh seeds, or else as the search saw it."""
    label, base = "from the baseline", _score(run.trials, run.summary.get("baseline"))
    if run.verdict and run.verdict.confirmed.n:
        gain = run.verdict.gain
        if not gain.n or run.verdict.winner == run.verdict.baseline:
            return None
        said = "" if math.isnan(gain.low) else f"95 % interval {span(gain.low, gain.high)}, "
        return Fact(label, points(gain.mean), f"{said}n = {gain.n} pairs")
    if row["number"] == run.summary.get("baseline") or math.isnan(base):
        return None
    return Fact(label, points(row["score"] - base), f"{percent(base)}, one run each")


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
    return metric_name(str(run.summary.get("metric", "score")))


def _seal(test: Opening) -> str:
    return "sealed test" if test.times == 1 else f"test, opened {test.times} times"


def _certainty(run: Run, images: int, score: float) -> str:
    """What a test score's number of images says about it; only an accuracy is a share, so only it has an interval."""
    if not images:
        return ""
    if run.summary.get("metric") != "accuracy":
        return f"{images:,} images"
    low, high = interval(score, images)
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


def _row(trials: pd.DataFrame, number: int | None) -> dict[str, Any] | None:
    found = trials[trials["number"] == number]
    return None if found.empty else dict(found.iloc[0])


def _score(trials: pd.DataFrame, number: int | None) -> float:
    found = trials[(trials["number"] == number) & (trials["state"] == "COMPLETE")]
    return math.nan if found.empty else float(found["score"].iloc[0])
