"""What scores went along with: charts of associations in search data, which are not effects."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from autocls.report.figures import (
    BLUE,
    CLEAR,
    GREY,
    MOST_POINTS,
    ORANGE,
    SKY,
    Chart,
    chart,
    label,
    rounded,
    shortened,
    thinned,
)
from autocls.report.recipes import short
from autocls.report.run import Run
from autocls.verdict.wording import percent

MOST_LINES = 400
"""Of the parallel coordinates."""
MOST_AXES = 8
MOST_BARS = 12
BANDS = (("the lower half", GREY, 1.0, 0.45), ("the better half", SKY, 1.0, 0.75), ("the best tenth", ORANGE, 2.0, 1.0))
"""Name, colour, width and opacity of trials by their score."""
FEWEST = 10
"""Complete trials that an association is worth computing from."""


def knob_figures(run: Run) -> dict[str, Chart]:
    """The score against each knob that varied, by the knob's name."""
    table = run.knobs
    return {name: _knob(table[["number", "state", "score", name]].dropna(subset=name)) for name in table.columns[3:]}


def associated(table: pd.DataFrame) -> "pd.Series[float]":
    """How much of the complete trials' ranks by score the knobs that all of them have go along with, most first.

    It is the correlation ratio of the ranks, numbers cut into five equal parts, less what chance alone would give
    (Kelley 1935).
    """
    complete = table[table["state"] == "COMPLETE"]
    ranks = complete["score"].rank()
    whole = [name for name in table.columns[3:] if complete[name].notna().all()]
    shares = {name: _explained(complete[name], ranks) for name in whole if complete[name].nunique() > 1}
    return pd.Series(shares, dtype=float).sort_values(ascending=False, kind="stable")


@dataclass(frozen=True)
class Axis:
    """An axis of the parallel coordinates: where each drawn trial is on it, in 0..1, and what stands beside it."""

    name: str
    places: list[float]
    texts: list[str]
    """Of each trial: its value."""
    ticks: dict[float, str]


def parallel(table: pd.DataFrame) -> Chart | None:
    """Each complete trial as a line through the knobs that go along with the score most; None with too few trials.

    Made of plain lines, as plotly's own kind needs WebGL and code that the page's security policy forbids.
    """
    complete = table[table["state"] == "COMPLETE"]
    shares = associated(table)[:MOST_AXES]
    if len(complete) < FEWEST or shares.empty:
        return None
    place = complete["score"].rank(method="first", ascending=False)  # equal scores in the table's order: the board's
    drawn, said = thinned(complete, MOST_LINES)
    drawn = drawn.loc[place[drawn.index].sort_values(ascending=False).index]  # the best lie on top of the others
    axes = [axis(drawn[name], complete[name]) for name in (*shares.index, "score")]
    bands = np.digitize(1 - place[drawn.index] / len(complete), [0.5, 0.9])
    out = chart(_leading(shares, len(complete)) + said, "", "", height=440)
    out["data"] = [
        _lines(name, color, width, opacity, drawn, axes, np.flatnonzero(bands == band))
        for band, (name, color, width, opacity) in enumerate(BANDS)
        if (bands == band).any()
    ]
    out["layout"] |= {
        "margin": {"l": 56, "r": 40, "t": 8, "b": 16}, "dragmode": "select",
        "shapes": [
            {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": {"color": GREY, "width": 1}, "layer": "below"}
            for x in range(len(axes))
        ],
        "annotations": [
            *({"text": f"<b>{label(_ending(axis.name))}</b>", "x": x, "y": 1.04 + 0.07 * (x % 2),
               "yanchor": "bottom", "showarrow": False} for x, axis in enumerate(axes)),
            *({"text": text, "x": x, "y": y, "xanchor": "right", "xshift": -4, "showarrow": False, "font": {"size": 12}}
              for x, axis in enumerate(axes) for y, text in axis.ticks.items()),
        ],
    }  # fmt: skip
    bare = dict.fromkeys(("showline", "showgrid", "showticklabels", "zeroline"), False) | {
        "ticks": "",
        "fixedrange": True,
    }
    out["layout"]["xaxis"] = bare | {"range": [-0.25, len(axes) - 0.9]}
    out["layout"]["yaxis"] = bare | {"range": [-0.04, 1.2]}
    return out


def axis(drawn: "pd.Series[Any]", complete: "pd.Series[Any]") -> Axis:
    """The axis of a column: of numbers, of their logarithms where they span decades, or of values one above another.

    The trials stand in the order of their scores, and a value's lines are spread in that order, or they'd be one line.
    """
    name, percents = str(drawn.name), drawn.name == "score"
    if _grouped(complete) and not percents:
        values = sorted(complete.unique(), key=None if _numeric(complete) else str)
        height, spread = 1 / len(values), np.linspace(-0.35, 0.35, len(drawn))
        middle = {value: (i + 0.5) * height for i, value in enumerate(values)}
        places = [middle[value] + at * height for value, at in zip(drawn, spread, strict=True)]
        ticks = {round(at, 4): label(shortened(short(value), 16)) for value, at in middle.items()}
        return Axis(name, rounded(places, 4), [_text(value) for value in drawn], ticks)
    low, high = float(complete.min()), float(complete.max())
    scale: Callable[[float], float] = math.log10 if _decades(complete) else float
    marks = [low, (low + high) / 2, high]
    if _decades(complete):
        powers = range(math.ceil(scale(low) + 0.2), math.floor(scale(high) - 0.2) + 1)
        marks = [low, *(10.0**exponent for exponent in powers), high]
    written: Callable[[float], str] = percent if percents else lambda value: short(float(value))
    reach = scale(high) - scale(low) or 1.0
    at = [(scale(float(value)) - scale(low)) / reach for value in (*drawn, *marks)]
    ticks = {round(y, 4): written(mark) for y, mark in zip(at[len(drawn) :], marks, strict=True)}
    return Axis(name, rounded(at[: len(drawn)], 4), [written(value) for value in drawn], ticks)


def _lines(
    name: str, color: str, width: float, opacity: float, drawn: pd.DataFrame, axes: list[Axis], some: Iterable[int]
) -> dict[str, Any]:
    """The lines of some of the drawn trials as one with gaps; each of its points knows its trial."""
    numbers, gap = drawn["number"].tolist(), [None]
    return {
        "type": "scatter", "mode": "lines+markers", "name": name, "opacity": opacity, "connectgaps": False,
        "x": [x for _ in some for x in (*range(len(axes)), None)],
        "y": [y for i in some for y in (*(axis.places[i] for axis in axes), None)],
        "customdata": [numbers[i] for i in some for _ in (*axes, gap)],
        "text": [text for i in some for text in (*(f"{axis.name} {axis.texts[i]}" for axis in axes), "")],
        "line": {"color": color, "width": width}, "marker": {"color": color, "size": 4},
        "hovertemplate": "trial %{customdata}: %{text}<extra></extra>",
    }  # fmt: skip


def _ending(name: str, most: int = 20) -> str:
    """The end of a knob's name, which tells it apart."""
    return name if len(name) <= most else f"…{name[1 - most :]}"


def _leading(shares: "pd.Series[float]", trials: int) -> str:
    """Which knob goes along with the score most, in one line."""
    name, share = shares.index[0], float(shares.iloc[0])
    if share < 0.05:
        return f"No knob goes along with how {trials:,} complete trials rank"
    return f"{name} goes along with the score most: with {100 * share:.0f} % of how {trials:,} complete trials rank"


def associations(table: pd.DataFrame) -> Chart | None:
    """What of the good scores went along with each parameter of ``Run.associations``; None when it is empty."""
    if table.empty:
        return None
    (told, ped), (explaining, fanova) = (_first(table, kind) for kind in ("ped_anova", "fanova"))
    also = "and" if told == explaining else explaining
    title = (
        f"{told} tells the best trials from all best ({100 * ped:.0f} %), {also} explains most of the scores "
        f"({100 * fanova:.0f} %)"
    )
    most = table.assign(top=table[["ped_anova", "fanova"]].max(axis=1)).nlargest(MOST_BARS, "top")
    names = [label(shortened(str(name), 32)) for name in most["parameter"]]
    out = chart(title, "share", "", height=96 + 34 * len(most))
    out["data"] = [
        {
            "type": "bar", "orientation": "h", "name": name, "y": list(range(len(most))), "x": rounded(most[kind], 4),
            "marker": {"color": colour, "pattern": {"shape": shape}},
            "customdata": [label(str(name)) for name in most["parameter"]],
            "hovertemplate": f"%{{customdata}}, {name}: %{{x:.1%}}<extra></extra>",
        }
        for kind, name, colour, shape in (("ped_anova", "PED-ANOVA", BLUE, ""), ("fanova", "fANOVA", ORANGE, "/"))
    ]  # fmt: skip
    out["layout"]["xaxis"] |= {"tickformat": ".0%", "rangemode": "tozero"}
    out["layout"]["yaxis"] |= {
        "tickvals": list(range(len(most))), "ticktext": names, "range": [len(most) - 0.5, -0.5], "showgrid": False,
        "tickformat": "",
    }  # fmt: skip
    return out


def _first(table: pd.DataFrame, kind: str) -> tuple[str, float]:
    """The parameter with the largest share."""
    row = table.nlargest(1, kind)
    return str(row["parameter"].iloc[0]), float(row[kind].iloc[0])


def _explained(values: "pd.Series[Any]", ranks: "pd.Series[float]") -> float:
    """Epsilon squared: the share of the ranks' variance between a knob's values, adjusted for how many there are."""
    parts = (
        values.astype(str) if _grouped(values) else pd.qcut(values.astype(float), 5, labels=False, duplicates="drop")
    )
    n, k = len(ranks), parts.nunique()
    if n <= k:
        return 0.0
    within = ((ranks - ranks.groupby(parts).transform("mean")) ** 2).sum()
    total = ((ranks - ranks.mean()) ** 2).sum()
    return float(1 - within / total * (n - 1) / (n - k)) if total else 0.0


def _numeric(values: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _text(value: object) -> str:
    return label(short(value))


def _grouped(values: "pd.Series[Any]") -> bool:
    """Whether the values are few enough, or no numbers at all, to stand one beside another."""
    return not _numeric(values) or values.nunique() <= 6


def _decades(values: "pd.Series[Any]") -> bool:
    return bool(values.min() > 0 and values.max() / values.min() > 20)


def _knob(part: pd.DataFrame) -> Chart:
    """The chart of the last column."""
    name = part.columns[-1]
    values = part[name]
    grouped = _grouped(values)
    out = chart(_finding(part[part["state"] == "COMPLETE"], name, grouped=grouped), name)
    for state, color, symbol in (("PRUNED", GREY, "circle-open"), ("COMPLETE", BLUE, "circle")):
        drawn, said = thinned(part[part["state"] == state], MOST_POINTS)
        trace: dict[str, Any] = {
            "y": rounded(drawn["score"]), "name": state.lower() + said, "customdata": drawn["number"].tolist(),
            "marker": {"color": color, "size": 7, "symbol": symbol},
            "hovertemplate": "trial %{customdata}, %{x}: %{y:.2%}<extra></extra>",
        }  # fmt: skip
        if grouped:
            trace |= {
                "type": "box", "x": [_text(value) for value in drawn[name]], "boxpoints": "all", "jitter": 0.5,
                "pointpos": 0, "hoveron": "points", "fillcolor": CLEAR, "line": {"color": CLEAR},
            }  # fmt: skip
        else:
            trace |= {"type": "scatter", "mode": "markers", "x": [float(f"{x:.4g}") for x in drawn[name]]}
        out["data"].append(trace)
    if grouped:
        out["data"].append(_boxes(part[part["state"] == "COMPLETE"], name))
        order = [_text(value) for value in sorted(values.unique(), key=None if _numeric(values) else str)]
        out["layout"]["xaxis"] |= {"type": "category", "categoryorder": "array", "categoryarray": order}
    elif _decades(values):
        out["layout"]["xaxis"]["type"] = "log"
    return out


def _boxes(complete: pd.DataFrame, name: str) -> dict[str, Any]:
    """A box of all complete trials for each value; a pruned one's score comes from fewer epochs."""
    by_value = [(_text(value), group["score"]) for value, group in complete.groupby(name)]
    quarters = [scores.quantile([0.25, 0.5, 0.75]).tolist() for _, scores in by_value]
    near = [  # whiskers reach the last score within 1.5 times the box's height from it (Tukey 1977)
        scores[scores.between(low - 1.5 * (high - low), high + 1.5 * (high - low))]
        for (_, scores), (low, _, high) in zip(by_value, quarters, strict=True)
    ]
    return {
        "type": "box", "x": [value for value, _ in by_value], "showlegend": False, "hoverinfo": "skip",
        "q1": rounded(q[0] for q in quarters), "median": rounded(q[1] for q in quarters),
        "q3": rounded(q[2] for q in quarters), "lowerfence": rounded(scores.min() for scores in near),
        "upperfence": rounded(scores.max() for scores in near),
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
