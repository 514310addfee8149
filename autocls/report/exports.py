"""One run in the forms that others read: a Markdown summary, and its trials as CSV."""

import pandas as pd

from autocls.report.headline import headline
from autocls.report.markdown import escape, table
from autocls.report.recipes import Recipes, chips
from autocls.report.run import Run
from autocls.verdict.verdict import Candidate, Trick
from autocls.verdict.wording import chance, name_of, percent, shares, signed, span, standing

_PLAIN = (
    "number", "phase", "role", "seed", "state", "score", "epochs", "planned", "seconds", "parameters", "multiply_adds",
    "latency", "latency_64", "started", "begun", "finished", "worker", "numerics", "reason",
)  # fmt: skip


def markdown(run: Run) -> str:
    """The results and the verdict, fit for a pull request."""
    top, verdict = headline(run), run.verdict
    shown = [f"**{escape(top.title)}** ({escape(str(run.summary.get('data') or ''))})", escape(top.sentence)]
    shown.append(table(["", "", ""], [[fact.label, fact.value, fact.note] for fact in top.facts]))
    if verdict and verdict.tricks:
        head = ["trick", "instead of", "effect, points", "95 %", "pairs", "Holm p", "verdict"]
        shown.append(table(head, [_trick(trick) for trick in verdict.tricks]))
    if verdict and verdict.candidates:
        rows = [_candidate(candidate, verdict.baseline) for candidate in verdict.candidates]
        shown.append(table(["trial", "search", "fresh seeds", "95 %", "n", "it is"], rows))
    if differs := _differs(run):
        shown.append("What the winner does otherwise than the baseline: " + escape(", ".join(differs)) + ".")
    return "\n\n".join(shown) + "\n"


def as_csv(run: Run) -> str:
    """Every trial, a row each in the order of their numbers, with a column for each knob of its recipe."""
    trials = run.trials.sort_values("number").reset_index(drop=True)
    kept = trials[[name for name in _PLAIN if name in trials]]
    knobs = Recipes.of(trials["recipe"]).columns()
    kept = kept.assign(left_out=["; ".join(reasons) for reasons in trials["left_out"]])
    choices = pd.DataFrame({f"knob {name}": values for name, values in knobs.items()})
    return str(pd.concat([kept, choices], axis="columns").to_csv(index=False, lineterminator="\n"))


def _candidate(candidate: Candidate, baseline: int) -> list[str]:
    its = candidate.confirmed
    scores = [percent(candidate.search_score), percent(its.mean), shares(its.low, its.high), str(its.n)]
    return [str(candidate.trial), *scores, ", ".join(standing(candidate, baseline))]


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
