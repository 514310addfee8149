"""The page's charts: what they show is computed first, then drawn. Every title states a finding."""

import math
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from autocls.report.content import knob_table, short
from autocls.report.run import Run
from autocls.verdict.ranking import best_so_far
from autocls.verdict.wording import duration, percent

# Okabe & Ito 2008: told apart by colour-blind readers, and dark enough on white as light enough on black.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8a8f98"
CLEAR = "rgba(0,0,0,0)"

Chart: TypeAlias = dict[str, Any]
"""What plotly.js draws: ``data`` and ``layout``. Its Python classes take 50 times as long to make the same."""

MOST_CURVES = 300
"""More curves of a state are one blot, and slow to draw."""
MOST_POINTS = 400
"""Of a state in one chart."""


def progress(trials: pd.DataFrame, baseline: int | None) -> Chart | None:
    """Best score over time, with complete trials' own and the baseline's line; None without complete trials."""
    table = best_so_far(trials)
    if table.empty:
        return None
    last = table.iloc[-1]
    first = table[table["best"] == last["best"]].iloc[0]
    top, when = percent(last["best"]), duration(first["finished"])
    chart = _chart(f"The best score, {top}, came after {when} with trial {first['number']}", "time since the start, s")
    steps = table[table["best"].diff() != 0]
    ended = max(trials["finished"].max(), last["finished"])
    drawn, said = _thinned(table, MOST_POINTS)
    base = trials[(trials["number"] == baseline) & (trials["state"] == "COMPLETE")]
    chart["data"] = [
        {
            "type": "scatter", "mode": "lines", "name": "best so far", "hoverinfo": "skip",
            "x": _rounded([*steps["finished"], ended], 3), "y": _rounded([*steps["best"], last["best"]]),
            "line": {"color": BLUE, "width": 2.5, "shape": "hv"},
        },
        {
            "type": "scatter", "mode": "markers", "name": f"a complete trial{said}",
            "x": _rounded(drawn["finished"], 3), "y": _rounded(drawn["score"]), "customdata": drawn["number"].tolist(),
            "marker": {"color": BLUE, "size": 7}, "hovertemplate": "trial %{customdata}: %{y:.2%}<extra></extra>",
        },
    ]  # fmt: skip
    if not base.empty:
        (score,), line = _rounded(base["score"]), {"color": ORANGE, "dash": "dash"}
        ends = {"x0": 0, "x1": 1, "xref": "x domain", "y0": score, "y1": score}
        chart["layout"]["shapes"] = [{"type": "line", "line": line, **ends}]
        chart["layout"]["annotations"] = [
            {"text": "baseline", "showarrow": False, "x": 1, "xref": "x domain", "xanchor": "right", "y": score,
             "yanchor": "top"}
        ]  # fmt: skip
    return chart


def curves(trials: pd.DataFrame) -> Chart | None:
    """Validation score over epochs of complete and pruned trials; None when no epoch was trained."""
    trained = trials[trials["epochs"] > 0]
    if trained.empty:
        return None
    pruned, complete = (trained[trained["state"] == s] for s in ("PRUNED", "COMPLETE"))
    title = f"{len(complete)} trials ran all their epochs"
    if len(pruned):
        title += f"; {len(pruned)} were stopped early, in the median after epoch {pruned['epochs'].median():.0f}"
    chart = _chart(title, "epoch")
    solid = 0.9 if len(complete) <= 20 else 0.45  # many solid curves would hide each other and the pruned ones
    for part, color, width, opacity in ((pruned, GREY, 1, 0.55), (complete, BLUE, 1.5, solid)):
        drawn, said = _thinned(part, MOST_CURVES)
        x, y, text = _with_gaps(drawn)
        chart["data"].append(
            {
                "type": "scatter", "mode": "lines+markers", "connectgaps": False, "opacity": opacity,
                "name": ("complete" if part is complete else "pruned") + said, "x": x, "y": y, "text": text,
                "line": {"color": color, "width": width}, "marker": {"size": 4, "color": color},
                "hovertemplate": "trial %{text}, epoch %{x}: %{y:.2%}<extra></extra>",
            }
        )  # fmt: skip
    return chart


def knob_figures(run: Run) -> dict[str, Chart]:
    """The score against each knob that varied, by the knob's name."""
    table = knob_table(run)
    return {name: _knob(table[["number", "state", "score", name]].dropna(subset=name)) for name in table.columns[3:]}


def _knob(part: pd.DataFrame) -> Chart:
    """The chart of the last column."""
    name = part.columns[-1]
    values = part[name]
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    grouped = not numeric or values.nunique() <= 6
    chart = _chart(_finding(part[part["state"] == "COMPLETE"], name, grouped=grouped), name)
    for state, color, symbol in (("PRUNED", GREY, "circle-open"), ("COMPLETE", BLUE, "circle")):
        drawn, said = _thinned(part[part["state"] == state], MOST_POINTS)
        trace: dict[str, Any] = {
            "y": _rounded(drawn["score"]), "name": state.lower() + said, "customdata": drawn["number"].tolist(),
            "marker": {"color": color, "size": 7, "symbol": symbol},
            "hovertemplate": "trial %{customdata}, %{x}: %{y:.2%}<extra></extra>",
        }  # fmt: skip
        if grouped:
            trace |= {
                "type": "box", "x": drawn[name].map(short).tolist(), "boxpoints": "all", "jitter": 0.5, "pointpos": 0,
                "hoveron": "points", "fillcolor": CLEAR, "line": {"color": CLEAR},
            }  # fmt: skip
        else:
            trace |= {"type": "scatter", "mode": "markers", "x": [float(f"{x:.4g}") for x in drawn[name]]}
        chart["data"].append(trace)
    if grouped:
        chart["data"].append(_boxes(part[part["state"] == "COMPLETE"], name))
        order = [short(value) for value in sorted(values.unique(), key=None if numeric else str)]
        chart["layout"]["xaxis"] |= {"type": "category", "categoryorder": "array", "categoryarray": order}
    elif values.min() > 0 and values.max() / values.min() > 20:
        chart["layout"]["xaxis"]["type"] = "log"
    return chart


def _boxes(complete: pd.DataFrame, name: str) -> dict[str, Any]:
    """A box of all complete trials for each value; a pruned one's score comes from fewer epochs."""
    by_value = [(short(value), group["score"]) for value, group in complete.groupby(name)]
    quarters = [scores.quantile([0.25, 0.5, 0.75]).tolist() for _, scores in by_value]
    near = [  # whiskers reach the last score within 1.5 times the box's height from it (Tukey 1977)
        scores[scores.between(low - 1.5 * (high - low), high + 1.5 * (high - low))]
        for (_, scores), (low, _, high) in zip(by_value, quarters, strict=True)
    ]
    return {
        "type": "box", "x": [value for value, _ in by_value], "showlegend": False, "hoverinfo": "skip",
        "q1": _rounded(q[0] for q in quarters), "median": _rounded(q[1] for q in quarters),
        "q3": _rounded(q[2] for q in quarters), "lowerfence": _rounded(scores.min() for scores in near),
        "upperfence": _rounded(scores.max() for scores in near),
        "boxpoints": False, "fillcolor": CLEAR, "line": {"color": BLUE, "width": 1.5},
    }  # fmt: skip


def _finding(complete: pd.DataFrame, name: str, *, grouped: bool) -> str:
    """What the complete trials say about a knob, in one line."""
    if grouped and complete[name].nunique() > 1:
        medians = complete.groupby(name)["score"].median()
        best, score = short(medians.idxmax()), percent(medians.max())
        return f"By {name}, complete trials with {best} score highest in the median ({score})"
    if not grouped and len(complete) > 2:
        rho = complete[name].astype(float).rank().corr(complete["score"].rank())  # Spearman's
        if not math.isnan(rho):
            verb = "hardly follow" if abs(rho) < 0.1 else "rise with" if rho > 0 else "fall with"
            few = f"rank correlation {rho:+.2f} over {len(complete)} complete trials".replace("-", "−")
            return f"Scores {verb} {name} ({few})"
    return f"Too few complete trials to compare by {name}"


def _thinned(trials: pd.DataFrame, most: int) -> tuple[pd.DataFrame, str]:
    """At most ``most`` trials, from the best to the worst evenly, and what a legend must say of those left out."""
    if len(trials) <= most:
        return trials, ""
    places = np.linspace(0, len(trials) - 1, most).astype(int)
    drawn = trials.sort_values("score", ascending=False).iloc[places]
    return drawn, f" ({most} of {len(trials):,} drawn, best to worst)"


def _with_gaps(trials: pd.DataFrame) -> tuple[list[int | None], list[float | None], list[str]]:
    """All curves as one line with gaps: a page of 1,000 trials stays small."""
    x: list[int | None] = []
    y: list[float | None] = []
    text: list[str] = []
    for number, curve in zip(trials["number"], trials["curve"], strict=True):
        x += [*range(1, len(curve) + 1), None]
        y += [*_rounded(curve), None]
        text += [str(number)] * (len(curve) + 1)
    return x, y, text


def _rounded(numbers: Iterable[float], digits: int = 5) -> list[float]:
    return [round(float(s), digits) for s in numbers]


def _chart(title: str, x: str) -> Chart:
    """A chart of the validation score over ``x``, with no data yet."""
    axis = {"zeroline": False, "automargin": True}
    layout: dict[str, Any] = {
        "title": {"text": title}, "margin": {"l": 56, "r": 16, "t": 8, "b": 48}, "height": 360,
        "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR, "legend": {"orientation": "h", "y": 1, "yanchor": "bottom"},
        "font": {"family": "system-ui, sans-serif", "size": 13}, "hovermode": "closest",
        "xaxis": {"title": {"text": x}, **axis},
        "yaxis": {"title": {"text": "validation score"}, "tickformat": ".1%", **axis},
    }  # fmt: skip
    return {"data": [], "layout": layout}
