"""One run in the forms that others read: a Markdown summary, and its trials as CSV."""

import math

import pandas as pd

from autocls.report.headline import headline
from autocls.report.markdown import escape, table
from autocls.report.recipes import Recipes, chips
from autocls.report.run import Run
from autocls.verdict.verdict import Mean, Trick
from autocls.verdict.wording import (
    chance,
    count,
    duration,
    metric_name,
    milliseconds,
    name_of,
    percent,
    shares,
    signed,
    span,
)

_PLAIN = (
    "number", "phase", "role", "seed", "state", "score", "epochs", "planned", "seconds", "parameters", "multiply_adds",
    "latency", "latency_64", "started", "begun", "finished", "worker", "numerics", "reason",
)  # fmt: skip


def markdown(run: Run) -> str:
    """The results and the verdict, fit for a pull request."""
    verdict, data = run.verdict, str(run.summary.get("data") or "")
    shown = [f"**{escape(headline(run).title)}** ({escape(data)})" if data else f"**{escape(headline(run).title)}**"]
    if verdict:
        shown.append(escape(verdict.paragraph))
    if run.winner is not None:
        shown.append(_results(run, run.winner))
    if verdict and verdict.tricks:
        head = ["trick", "instead of", "effect, points", "95 %", "pairs", "Holm p", "verdict"]
        shown.append(table(head, [_trick(trick) for trick in verdict.tricks]))
    if differs := _differs(run):
        shown.append(f"The winner otherwise than the baseline: {escape(', '.join(differs))}.")
    shown.append(f"{escape(_effort(run))}.")
    return "\n\n".join(shown) + "\n"


def _results(run: Run, winner: int) -> str:
    """The winner beside the baseline, a row a measure, without those that neither has."""
    verdict, test, summary = run.verdict, run.test, run.summary
    numbers = list(dict.fromkeys([winner, int(summary.get("baseline") or 0)]))
    trials = run.trials.drop_duplicates("number").set_index("number").reindex(numbers)
    again = {c.trial: c.confirmed for c in verdict.candidates} if verdict else {}
    if verdict and verdict.confirmed.n:
        again[winner] = verdict.confirmed
    sealed = [test.winner, test.baseline][: len(numbers)] if test else [None] * len(numbers)
    measures = {
        f"{_metric(run)}, confirmed (95 %)": [_mean(again.get(number)) for number in numbers],
        f"{_metric(run)}, sealed test": ["–" if score is None else percent(score) for score in sealed],
        f"{_metric(run)}, search": [percent(float(score)) for score in trials["score"]],
        "parameters": [count(None if pd.isna(number) else int(number)) for number in trials["parameters"]],
        "latency": [milliseconds(float(seconds)) for seconds in trials.get("latency", [math.nan] * len(numbers))],
    }
    rows = [[name, *cells] for name, cells in measures.items() if set(cells) != {"–"}]
    gain = verdict.gain if verdict else None
    if gain and gain.n and len(numbers) > 1:
        said = f"{signed(gain.mean)} points ({span(gain.low, gain.high)}), {gain.n} pairs"
        rows.append(["from the baseline (95 %)", said, ""])
    heads = [f"winner, trial {winner}", f"baseline, trial {numbers[-1]}"]
    return table(["", *(heads if len(numbers) > 1 else ["the baseline, which won"])], rows)


def _effort(run: Run) -> str:
    trials, states = len(run.searched), run.searched["state"].value_counts()
    complete, pruned, failed = (int(states.get(state, 0)) for state in ("COMPLETE", "PRUNED", "FAIL"))
    epochs, time = int(run.trials["epochs"].sum()), duration(float(run.summary.get("seconds") or math.nan))
    return (
        f"{trials:,} trials ({complete} complete, {pruned} stopped early, {failed} failed), {epochs:,} epochs, {time}, "
        f"seed {run.summary.get('seed', 0)}, space {run.summary.get('space') or '–'}"
    )


def _metric(run: Run) -> str:
    return metric_name(str(run.summary.get("metric", "score")))


def _mean(mean: Mean | None) -> str:
    if mean is None or not mean.n:
        return "–"
    interval = f" ({shares(mean.low, mean.high).removesuffix(' %')})" if mean.n > 1 else ""
    return f"{percent(mean.mean)}{interval}, n = {mean.n}"


def as_csv(run: Run) -> str:
    """Every trial, a row each in the order of their numbers, with a column for each knob of its recipe."""
    trials = run.trials.sort_values("number").reset_index(drop=True)
    kept = trials[[name for name in _PLAIN if name in trials]]
    knobs = Recipes.of(trials["recipe"]).columns()
    kept = kept.assign(left_out=["; ".join(reasons) for reasons in trials["left_out"]])
    choices = pd.DataFrame({f"knob {name}": values for name, values in knobs.items()})
    return str(pd.concat([kept, choices], axis="columns").to_csv(index=False, lineterminator="\n"))


def _trick(trick: Trick) -> list[str]:
    put_in, effect = "" if trick.active else ", put in", trick.effect
    return [
        f"{trick.slot}: {trick.choice}{put_in}", name_of(trick.instead), signed(effect.mean),
        span(effect.low, effect.high), str(effect.n), chance(trick.p_holm), f"{trick.word}",
    ]  # fmt: skip


def _differs(run: Run) -> tuple[str, ...]:
    recipes = run.trials.set_index("number")["recipe"]
    mine, base = (recipes.get(number) for number in (run.winner, run.summary.get("baseline")))
    return () if mine is None or base is None else chips(mine, base)
