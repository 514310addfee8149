"""The page's charts: what they show is computed first, then drawn. Every title states a finding."""

import math
from collections.abc import Iterable

import pandas as pd
import plotly.graph_objects as go

from autocls.report.content import duration, knob_table, percent, short
from autocls.verdict.ranking import best_so_far

# Okabe & Ito 2008: told apart by colour-blind readers, and dark enough on white as light enough on black.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8a8f98"


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
    for part, color, width, opacity in ((pruned, GREY, 1, 0.55), (complete, BLUE, 1.5, 0.9)):
        x, y, text = _with_gaps(part)
        name = "complete" if part is complete else "pruned"
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
    continuous = numeric and part[name].nunique() > 6
    figure = _figure(_trend(part, name) if continuous else _highest(part, name), name, "validation score")
    values = part[name].astype(float) if continuous else part[name].map(short)
    for state, color, symbol in (("PRUNED", GREY, "circle-open"), ("COMPLETE", BLUE, "circle")):
        here = part["state"] == state
        figure.add_scatter(
            x=values[here].tolist(), y=part.loc[here, "score"].tolist(), mode="markers", name=state.lower(),
            customdata=part.loc[here, "number"].tolist(), marker={"color": color, "size": 7, "symbol": symbol},
            hovertemplate="trial %{customdata}, %{x}: %{y:.2%}<extra></extra>",
        )  # fmt: skip
    if continuous:
        low, high = part[name].astype(float).agg(["min", "max"])
        figure.update_xaxes(type="log" if low > 0 and high / low > 20 else "linear")
    else:
        figure.update_xaxes(type="category")
    return figure


def _highest(part: pd.DataFrame, name: str) -> str:
    medians = {short(value): float(scores.median()) for value, scores in part.groupby(name)["score"]}
    top = max(medians, key=lambda value: medians[value])
    return f"By {name}, trials with {top} score highest in the median ({percent(medians[top])})"


def _trend(part: pd.DataFrame, name: str) -> str:
    rho = float(part[name].astype(float).rank().corr(part["score"].rank()))  # Spearman 1904
    way = "hardly follow" if abs(rho) < 0.1 or math.isnan(rho) else "rise with" if rho > 0 else "fall with"
    return f"Scores {way} {name} (rank correlation {rho:+.2f}, n = {len(part)})".replace("-", "−")


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
