"""The chart of the way from the baseline to the winner, one trick more at each row."""

import math
from collections.abc import Sequence
from itertools import pairwise

from autocls.report.figures import BLUE, GREY, ORANGE, Chart, chart, label, rows_of
from autocls.verdict.verdict import Step, Verdict
from autocls.verdict.wording import name_of, percent, points, shares, signed, span

ROW, AROUND = 48, 56
"""Pixels of a step, and of the axis."""


def waterfall(verdict: Verdict) -> Chart | None:
    """The path's scores as floating bars, each from the row before; None when nothing was added one by one."""
    steps = [step for step in verdict.path if math.isfinite(step.score.mean)]
    if len(steps) < 2:
        return None
    means = [round(step.score.mean, 5) for step in steps]
    out = chart(finding(steps), "score", "", height=AROUND + ROW * (len(steps) + 1))
    out["data"] = [
        {
            "type": "bar", "orientation": "h", "y": list(range(1, len(steps))), "width": 0.36, "base": means[:-1],
            "x": [round(after - before, 5) for before, after in pairwise(means)],
            "marker": {"color": [_colour(step) for step in steps[1:]]},
            "customdata": [_hover(step) for step in steps[1:]], "hovertemplate": "%{customdata}<extra></extra>",
        },
        {
            "type": "scatter", "mode": "markers", "y": [0, len(steps)], "x": [means[0], means[-1]],
            "marker": {"color": GREY, "symbol": "diamond", "size": 12},
            "customdata": [_hover(steps[0]), _hover(steps[-1])], "hovertemplate": "%{customdata}<extra></extra>",
        },
    ]  # fmt: skip
    winner = f"the winner – {percent(steps[-1].score.mean)}, {points(steps[-1].score.mean - steps[0].score.mean)}"
    rows_of(out["layout"], [*map(_label, steps), winner], lift=10)
    out["layout"]["shapes"] = [
        {"type": "line", "x0": x, "x1": x, "y0": row, "y1": row + 1, "line": {"color": GREY, "width": 1, "dash": "dot"}}
        for row, x in enumerate(means)
    ]
    out["layout"]["showlegend"] = False
    out["layout"]["margin"]["l"] = 16
    out["layout"]["xaxis"]["tickformat"] = ".1%"
    return out


def finding(steps: Sequence[Step]) -> str:
    """What the way adds up to, and which step brings most."""
    first, last = steps[0].score.mean, steps[-1].score.mean
    gained = [(step, step.gain.mean) for step in steps if step.gain and math.isfinite(step.gain.mean)]
    whole = f"From {percent(first)} to {percent(last)}, {points(last - first)}"
    if not gained:
        return whole
    best, gain = max(gained, key=lambda pair: pair[1])
    if gain <= 0:
        return f"{whole}: no trick adds to the ones before it"
    return f"{whole}: {_name(best)} adds most, {signed(gain)}"


def _colour(step: Step) -> str:
    """Grey where the interval of the gain holds 0, or there is none."""
    gain = step.gain
    if gain is None or not (gain.low > 0 or gain.high < 0):
        return GREY
    return BLUE if gain.mean > 0 else ORANGE


def _name(step: Step) -> str:
    return f"{step.slot}: {name_of(step.choice)}" if step.slot else "the baseline"


def _label(step: Step) -> str:
    """Of a row: what came in and what that gained, or where the way begins."""
    if not step.gain:
        return f"{_name(step)} – {percent(step.score.mean)}"
    return f"+ {_name(step)} – {percent(step.score.mean)}, {points(step.gain.mean)}"


def _hover(step: Step) -> str:
    said = (
        f"{step.choice or 'the baseline'}: {percent(step.score.mean)}, 95 % {shares(step.score.low, step.score.high)}"
    )
    if step.gain:
        said += f"; {points(step.gain.mean)}, 95 % {span(step.gain.low, step.gain.high)}, n = {step.gain.n}"
    return label(said)
