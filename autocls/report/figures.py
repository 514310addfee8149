"""What all of the page's charts share: they are plain data that plotly.js draws, and their titles state findings."""

import html
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

# Okabe & Ito 2008: told apart by colour-blind readers, and dark enough on white as light enough on black.
BLUE, ORANGE, GREEN, SKY, PURPLE, AMBER = "#0072B2", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#E69F00"
GREY = "#8a8f98"
CLEAR = "rgba(0,0,0,0)"

MOST_POINTS = 400
"""Of trials of a state in one chart."""

Chart: TypeAlias = dict[str, Any]
"""What plotly.js draws: ``data`` and ``layout``. Its Python classes take 50 times as long to make the same."""


def chart(title: str, x: str, y: str = "validation score", height: int = 360) -> Chart:
    """A chart with no data yet; ``y`` is a share unless it is said otherwise."""
    axis = {"zeroline": False, "automargin": True}
    layout: dict[str, Any] = {
        "title": {"text": title}, "margin": {"l": 56, "r": 16, "t": 8, "b": 48}, "height": height,
        "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR, "legend": {"orientation": "h", "y": 1, "yanchor": "bottom"},
        "font": {"family": "system-ui, sans-serif", "size": 13}, "hovermode": "closest",
        "xaxis": {"title": {"text": x}, **axis},
        "yaxis": {"title": {"text": y}, "tickformat": ".1%", **axis},
    }  # fmt: skip
    return {"data": [], "layout": layout}


def label(text: str) -> str:
    """A name as plotly takes it: it reads tags and knows few entities, quotes are none of them."""
    return html.escape(text, quote=False)


def rows_of(layout: dict[str, Any], labels: Iterable[str], lift: int = 6) -> dict[str, Any]:
    """A layout with its rows from the top down, each with its label above it: left of it a phone has no room."""
    texts = list(labels)
    layout["yaxis"] = {
        "range": [len(texts) - 0.5, -0.7], "showgrid": False, "showticklabels": False, "ticks": "", "zeroline": False,
        "automargin": True,
    }  # fmt: skip
    layout["annotations"] = [
        {"text": label(text), "x": 0, "xref": "x domain", "xanchor": "left", "y": y, "yanchor": "bottom",
         "yshift": lift, "showarrow": False}
        for y, text in enumerate(texts)
    ]  # fmt: skip
    return layout


def level(score: float, name: str) -> dict[str, Any]:
    """What a layout needs for a dashed line at a score with its name."""
    ends = {"x0": 0, "x1": 1, "xref": "x domain", "y0": score, "y1": score}
    return {
        "shapes": [{"type": "line", "line": {"color": ORANGE, "dash": "dash"}, **ends}],
        "annotations": [
            {"text": name, "showarrow": False, "x": 1, "xref": "x domain", "xanchor": "right", "y": score,
             "yanchor": "top"}
        ],
    }  # fmt: skip


def rounded(numbers: Iterable[float], digits: int = 5) -> list[float]:
    """Numbers in as many digits as a chart shows, so that the page stays small."""
    return [round(float(s), digits) for s in numbers]


def thinned(trials: pd.DataFrame, most: int) -> tuple[pd.DataFrame, str]:
    """At most ``most`` trials, from the best to the worst evenly, and what a legend must say of those left out."""
    if len(trials) <= most:
        return trials, ""
    places = np.linspace(0, len(trials) - 1, most).astype(int)
    drawn = trials.sort_values("score", ascending=False).iloc[places]
    return drawn, f" ({most} of {len(trials):,} drawn, best to worst)"


def shortened(text: str, most: int = 22) -> str:
    """A name that fits beside an axis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def plural(number: int, thing: str) -> str:
    """``1 trial``, ``2 trials``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
