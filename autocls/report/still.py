"""The page's charts as pictures, for a paper or slides: drawn by a browser, through kaleido."""

import asyncio
import html
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from autocls.errors import BadInput
from autocls.report.association import knob_figures
from autocls.report.charts import charts
from autocls.report.figures import Chart
from autocls.report.run import Run

Format = Literal["svg", "png"]
WIDTH = 900
"""Pixels; a PNG has twice as many, for print."""
_LINE, _TITLE = 24, 17
"""Pixels from one line of a title to the next, and the size of its letters."""
_INK, _GRID = "#16191d", "#d9dde2"


def write_figures(run: Run, folder: Path, format: Format) -> list[Path]:
    """Write every chart of the run's page into a folder. Raises BadInput when that can't be done."""
    drawn = {**charts(run), **{f"knob-{name}": chart for name, chart in knob_figures(run).items()}}
    if "workers" in drawn:  # the page has its key below
        drawn["workers"]["layout"]["showlegend"] = True
    figures = {re.sub(r"[^\w.-]+", "-", name): still(chart) for name, chart in drawn.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return asyncio.run(_write(figures, folder, format))
    except OSError as error:
        raise BadInput(f"--figures {folder}: can't be written: {error.strerror or error}") from None


def still(chart: Chart) -> Chart:
    """A chart as it stands alone, on white paper: with its title on top, and what the page's script adds to it."""
    layout = dict(chart["layout"])
    title = [html.escape(line, quote=False) for line in textwrap.wrap(layout["title"]["text"], 88)]
    legend = layout.get("showlegend", True) and "legend" in layout
    above = _LINE * len(title) + (40 if legend else 16)
    margin = {**layout["margin"], "t": layout["margin"]["t"] + above}
    layout |= {
        "title": {"text": "<br>".join(title), "x": 0.02, "xanchor": "left", "y": 1, "yref": "container",
                  "yanchor": "top", "pad": {"t": 12 + _LINE // 2 * (len(title) - 1)},
                  "font": {"size": _TITLE, "weight": 600}},
        "font": {**layout["font"], "color": _INK}, "paper_bgcolor": "#ffffff", "plot_bgcolor": "#ffffff",
        "margin": margin, "height": layout["height"] + above, "width": WIDTH,
    }  # fmt: skip
    for name in [name for name in layout if re.fullmatch(r"[xy]axis\d*", name)]:
        layout[name] = {"gridcolor": _GRID, "linecolor": _GRID, "tickcolor": _GRID, **layout[name]}
    return {**chart, "layout": layout}


async def _write(figures: Mapping[str, Chart], folder: Path, format: Format) -> list[Path]:
    try:
        import kaleido
        from kaleido.errors import ChromeNotFoundError
    except ImportError:
        raise BadInput("--figures: needs kaleido: pip install 'autocls[figures]'") from None
    written = []
    try:
        async with kaleido.Kaleido(mathjax=False) as browser:  # which would come from the network
            for name, figure in figures.items():
                layout = figure["layout"]
                options: dict[str, Any] = {"format": format, "width": layout["width"], "height": layout["height"]}
                path = folder / f"{name}.{format}"
                path.write_bytes(await browser.calc_fig(figure, opts={**options, "scale": 1 + (format == "png")}))
                written.append(path)
    except ChromeNotFoundError:
        raise BadInput(
            "--figures: needs Chrome or Chromium: install one, or say where one is with BROWSER_PATH"
        ) from None
    return written
