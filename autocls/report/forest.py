"""The chart of what each trick is worth."""

import math
from collections.abc import Sequence
from typing import Any

from autocls.report.figures import BLUE, GREY, ORANGE, Chart, chart, label, rows_of
from autocls.verdict.verdict import Trick, Verdict, Word
from autocls.verdict.wording import name_of, points, signed, span

MARKS = {
    Word.HELPS: (BLUE, "circle"),
    Word.HURTS: (ORANGE, "diamond"),
    Word.NO_DIFFERENCE: (GREY, "square"),
    Word.UNDETERMINED: (GREY, "circle-open"),
}
"""Colour and symbol: each word is told apart without the other."""
ROW, AROUND = 48, 56
"""Pixels of a trick, and of the axis."""


def forest(verdict: Verdict) -> Chart | None:
    """Each trick's effect with its interval, in the verdict's order from the top; None when none was judged."""
    tricks, margin = [trick for trick in verdict.tricks if trick.effect.n], 100 * verdict.margin
    if not tricks:
        return None
    out = chart(finding(tricks), "points", "", height=AROUND + ROW * len(tricks))
    out["data"] = [_marks(word, tricks) for word in Word if any(t.word == word for t in tricks)]
    band = {"type": "rect", "x0": -margin, "x1": margin, "fillcolor": "rgba(138,143,152,0.18)", "line": {"width": 0}}
    zero = {"type": "line", "x0": 0, "x1": 0, "line": {"color": GREY, "width": 1}}
    shapes = [shape | {"y0": 0, "y1": 1, "yref": "y domain", "layer": "below"} for shape in (band, zero)]
    rows_of(out["layout"], map(_label, tricks))
    out["layout"] |= {"shapes": shapes, "showlegend": False}  # each row says its word
    out["layout"]["margin"]["l"] = 16
    out["layout"]["xaxis"]["tickformat"] = "~f"
    return out


def finding(tricks: Sequence[Trick]) -> str:
    """What the chart shows, in one line."""
    judged = f"Of {len(tricks)} trick{'s' * (len(tricks) > 1)} judged"
    helpful, missed = ([t for t in tricks if t.word == Word.HELPS and t.active == has] for has in (True, False))
    if helpful:
        found = "1 helps: " if len(helpful) == 1 else f"{len(helpful)} help, most of all "
        return f"{judged}, {found}{_best(helpful)}"
    if missed:
        return f"{judged}, none of the winner's is shown to help; put in, this would: {_best(missed)}"
    return f"{judged}, none is shown to help"


def _best(tricks: Sequence[Trick]) -> str:
    best = max(tricks, key=lambda t: t.effect.mean)
    return f"{best.slot}: {name_of(best.choice)}, by {points(best.effect.mean)}"


def _marks(word: Word, tricks: Sequence[Trick]) -> dict[str, Any]:
    """The points and intervals of the tricks of one word; a single pair has no interval."""
    colour, symbol = MARKS[word]
    rows = [(y, t, t.effect) for y, t in enumerate(tricks) if t.word == word and t.effect.n]
    return {
        "type": "scatter", "mode": "markers", "name": word.value, "y": [y for y, _, _ in rows],
        "x": [_points(e.mean) for _, _, e in rows], "marker": {"color": colour, "symbol": symbol, "size": 11},
        "error_x": {
            "type": "data", "symmetric": False, "color": colour, "thickness": 2, "width": 5,
            "array": [_points(e.high - e.mean) for _, _, e in rows],
            "arrayminus": [_points(e.mean - e.low) for _, _, e in rows],
        },
        "customdata": [
            label(f"{t.choice} instead of {t.instead}: {signed(e.mean)} points, 95 % {span(e.low, e.high)}")
            for _, t, e in rows
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }  # fmt: skip


def _label(trick: Trick) -> str:
    put_in = "" if trick.active else ", put in"
    return f"{trick.slot}: {name_of(trick.choice)}{put_in} – {trick.word}"


def _points(score: float) -> float:
    return round(100 * score, 3) if math.isfinite(score) else 0.0
