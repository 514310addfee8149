"""The page's charts: what they show is computed first, then drawn. Every title states a finding."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from autocls.report.content import duration, knob_table, percent, short
from autocls.verdict.ranking import best_so_far

# Okabe & Ito 2008: told apart by colour-blind readers, and dark enough on white as light enough on black.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8a8f98"
CLEAR = "rgba(0,0,0,0)"

MOST_CURVES = 300
"""More curves of a state are one blot, and slow to draw."""


def progress(trials: pd.DataFrame, baseline: int | None) -> go.Figure | None:
    """Best score over time, with each complete trial's own and the baseline's line; None without complete trials."""
    table = best_so_far(trials)
    if table.empty:
        return None
    last = table.iloc[-1]
    first = table[table["best"] == last["best"]].iloc[0]
    top, when = percent(last["best"]), duration(first["finished"])
    title = f"The best score, {top}, came after {when} with trial {first['number']}"
    ended = max(trials["finished"].max(), last["finished"])
    figure = _figure(title, "time since the start, s", "validation score")
    figure.add_scatter(
        x=[*table["finished"], ended], y=[*table["best"], last["best"]], mode="lines", line_shape="hv",
        line={"color": BLUE, "width": 2.5}, name="best so far", hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=table["finished"], y=table["score"], mode="markers", name="a complete trial", customdata=table["number"],
        marker={"color": BLUE, "size": 7}, hovertemplate="trial %{customdata}: %{y:.2%}<extra></extra>",
    )  # fmt: skip
    base = trials[(trials["number"] == baseline) & (trials["state"] == "COMPLETE")]
    if not base.empty:
        line = {"color": ORANGE, "dash": "dash"}
        score = float(base["score"].iloc[0])
        figure.add_hline(y=score, line=line, annotation_text="baseline", annotation_position="bottom right")
    return figure


def curves(trials: pd.DataFrame) -> go.Figure | None:
    """Validation score over epochs of complete and pruned trials; None when no epoch was trained."""
    trained = trials[trials["epochs"] > 0]
    if trained.empty:
        return None
    pruned, complete = (trained[trained["state"] == s] for s in ("PRUNED", "COMPLETE"))
    title = f"{len(complete)} trials ran all their epochs"
    if len(pruned):
        title += f"; {len(pruned)} were stopped early, in the median after epoch {pruned['epochs'].median():.0f}"
    figure = _figure(title, "epoch", "validation score")
    solid = 0.9 if len(complete) <= 20 else 0.45  # many solid curves would hide each other and the pruned ones
    for part, color, width, opacity in ((pruned, GREY, 1, 0.55), (complete, BLUE, 1.5, solid)):
        drawn = _thinned(part)
        x, y, text = _with_gaps(drawn)
        name = "complete" if part is complete else "pruned"
        if len(drawn) < len(part):
            name += f" ({len(drawn)} of {len(part):,} drawn, best to worst)"
        figure.add_scatter(
            x=x, y=y, text=text, mode="lines+markers", name=name, opacity=opacity, connectgaps=False,
            line={"color": color, "width": width}, marker={"size": 4, "color": color},
            hovertemplate="trial %{text}, epoch %{x}: %{y:.2%}<extra></extra>",
        )  # fmt: skip
    return figure


def knob_figures(trials: pd.DataFrame) -> dict[str, go.Figure]:
    """The score against each knob that varied, by the knob's name."""
    table = knob_table(trials)
    return {name: _knob(table, name) for name in table.columns[3:]}


def _knob(table: pd.DataFrame, name: str) -> go.Figure:
    part = table[table[name].notna()]
    numeric = pd.api.types.is_numeric_dtype(part[name]) and not pd.api.types.is_bool_dtype(part[name])
    grouped = not numeric or part[name].nunique() <= 6
    figure = _figure(_finding(part[part["state"] == "COMPLETE"], name, grouped=grouped), name, "validation score")
    for state, color, symbol in (("PRUNED", GREY, "circle-open"), ("COMPLETE", BLUE, "circle")):
        here = part[part["state"] == state]
        shared = {
            "y": here["score"].tolist(), "name": state.lower(), "customdata": here["number"].tolist(),
            "marker": {"color": color, "size": 7, "symbol": symbol},
            "hovertemplate": "trial %{customdata}, %{x}: %{y:.2%}<extra></extra>",
        }  # fmt: skip
        if grouped:
            # Only complete trials have a box: a pruned one's score comes from fewer epochs.
            outline = {"color": color if state == "COMPLETE" else CLEAR, "width": 1.5}
            figure.add_box(
                x=here[name].map(short).tolist(), boxpoints="all", jitter=0.5, pointpos=0, hoveron="points",
                fillcolor=CLEAR, line=outline, **shared,
            )  # fmt: skip
        else:
            figure.add_scatter(x=here[name].astype(float).tolist(), mode="markers", **shared)
    if grouped:
        order = [short(value) for value in sorted(part[name].unique(), key=None if numeric else str)]
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=order)
    elif part[name].min() > 0 and part[name].max() / part[name].min() > 20:
        figure.update_xaxes(type="log")
    return figure


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


def _thinned(trials: pd.DataFrame) -> pd.DataFrame:
    """At most MOST_CURVES trials, from the best to the worst evenly."""
    if len(trials) <= MOST_CURVES:
        return trials
    return trials.sort_values("score", ascending=False).iloc[np.linspace(0, len(trials) - 1, MOST_CURVES).astype(int)]


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


def _rounded(scores: Iterable[float]) -> list[float]:
    return [round(float(s), 5) for s in scores]


def _figure(title: str, x: str, y: str) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        title=title, margin={"l": 56, "r": 16, "t": 8, "b": 48}, height=360, template="none",
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1, "yanchor": "bottom"},
        font={"family": "system-ui, sans-serif", "size": 13}, hovermode="closest",
    )  # fmt: skip
    figure.update_xaxes(title=x, zeroline=False, automargin=True)
    figure.update_yaxes(title=y, zeroline=False, tickformat=".1%", automargin=True)
    return figure
