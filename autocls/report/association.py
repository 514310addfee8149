"""What scores went along with: charts of associations in search data, which are not effects."""

import html
import math
from typing import Any

import pandas as pd

from autocls.report.content import short
from autocls.report.figures import BLUE, CLEAR, GREY, ORANGE, Chart, chart, rounded, shortened, thinned
from autocls.report.run import Run
from autocls.verdict.wording import percent

MOST_POINTS = 400
"""Of a state in one chart."""
MOST_LINES = 400
"""Of the parallel coordinates."""
MOST_AXES = 8
MOST_BARS = 12
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


def parallel(table: pd.DataFrame) -> Chart | None:
    """Each complete trial as a line through the knobs that go along with the score most; None with too few trials."""
    complete = table[table["state"] == "COMPLETE"]
    shares = associated(table)[:MOST_AXES]
    if len(complete) < FEWEST or shares.empty:
        return None
    drawn, said = thinned(complete, MOST_LINES)
    drawn = drawn.sort_values("score")  # the best are drawn last, over the others
    first = f"{shares.index[0]} goes along with the score most"
    title = f"{first}: {100 * max(shares.iloc[0], 0):.0f} % of how {len(complete):,} complete trials rank{said}"
    out = chart(title, "", height=420)
    low, high = drawn["score"].min(), drawn["score"].max()
    out["data"] = [
        {
            "type": "parcoords",
            "dimensions": [
                *(_dimension(drawn[name], complete[name]) for name in shares.index),
                {"label": "score", "values": rounded(drawn["score"]), "tickformat": ".1%"},
            ],
            "line": {"color": rounded(drawn["score"]), "cmin": float(low), "cmax": float(high),
                     "colorscale": [[0, GREY], [0.6, BLUE], [1, ORANGE]]},
            "labelangle": -12, "labelside": "top",
        }
    ]  # fmt: skip
    out["layout"] |= {"margin": {"l": 64, "r": 48, "t": 88, "b": 24}}
    return out


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
    names = [html.escape(shortened(str(name), 32)) for name in most["parameter"]]
    out = chart(title, "share", "", height=96 + 34 * len(most))
    out["data"] = [
        {
            "type": "bar", "orientation": "h", "name": name, "y": list(range(len(most))), "x": rounded(most[kind], 4),
            "marker": {"color": colour, "pattern": {"shape": shape}},
            "customdata": [html.escape(str(name)) for name in most["parameter"]],
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


def _dimension(drawn: "pd.Series[Any]", complete: "pd.Series[Any]") -> dict[str, Any]:
    """An axis of the parallel coordinates: of numbers, of their logarithms where they span decades, or of values."""
    label = html.escape(shortened(str(drawn.name), 24))
    if not _numeric(complete):
        values = sorted(complete.unique(), key=str)
        place = {value: i for i, value in enumerate(values)}
        return {
            "label": label, "values": [place[value] for value in drawn], "range": [-0.3, len(values) - 0.7],
            "tickvals": list(range(len(values))), "ticktext": [html.escape(shortened(short(v), 16)) for v in values],
        }  # fmt: skip
    if _decades(complete):
        exponents = range(math.floor(math.log10(complete.min())), math.ceil(math.log10(complete.max())) + 1)
        return {
            "label": label, "values": rounded((math.log10(value) for value in drawn), 4),
            "tickvals": list(exponents), "ticktext": [f"{10.0**exponent:g}" for exponent in exponents],
        }  # fmt: skip
    return {"label": label, "values": [float(f"{value:.4g}") for value in drawn]}


def _explained(values: "pd.Series[Any]", ranks: "pd.Series[float]") -> float:
    """Epsilon squared: the share of the ranks' variance between a knob's values, adjusted for how many there are."""
    many = _numeric(values) and values.nunique() > 6
    groups = pd.qcut(values.astype(float), 5, labels=False, duplicates="drop") if many else values.astype(str)
    n, k = len(ranks), groups.nunique()
    if n <= k:
        return 0.0
    within = ((ranks - ranks.groupby(groups).transform("mean")) ** 2).sum()
    total = ((ranks - ranks.mean()) ** 2).sum()
    return float(1 - within / total * (n - 1) / (n - k)) if total else 0.0


def _numeric(values: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _text(value: object) -> str:
    return html.escape(short(value))


def _decades(values: "pd.Series[Any]") -> bool:
    return bool(values.min() > 0 and values.max() / values.min() > 20)


def _knob(part: pd.DataFrame) -> Chart:
    """The chart of the last column."""
    name = part.columns[-1]
    values = part[name]
    numeric = _numeric(values)
    grouped = not numeric or values.nunique() <= 6
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
        order = [_text(value) for value in sorted(values.unique(), key=None if numeric else str)]
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
