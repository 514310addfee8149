"""Placing what was computed on one HTML page that needs no network."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from autocls.report import content, cost, figures
from autocls.report.forest import forest
from autocls.report.headline import headline
from autocls.report.run import Run, read
from autocls.verdict import wording

PAGE = "report.html"
_SHIELD = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def write_report(folder: Path) -> Path:
    """Write ``report.html`` of the run in ``folder``. Raises BadInput when it holds none."""
    page = Path(folder) / PAGE
    page.write_text(render(read(Path(folder))), encoding="utf-8")
    return page


def render(run: Run) -> str:
    """The page of a run."""
    texts, rows = content.texts(content.rows(run))
    charts = {
        "effects": forest(run.verdict) if run.verdict else None,
        "progress": figures.progress(run.searched, run.summary.get("baseline")),
        "curves": figures.curves(run.searched),
        **cost.charts(run),
    }
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            summary=run.summary,
            verdict=run.verdict,
            headline=headline(run),
            recipe=run.best_recipe,
            space=run.space,
            trials=len(run.searched),
            rows=rows,
            texts=texts,
            curves=content.curves(run),
            differences=content.differences(run),
            cost=cost.cost(run),
            recipes=content.recipes(run),
            charts={name: chart for name, chart in charts.items() if chart},
            knobs=figures.knob_figures(run),
            failures=content.failures(run.trials),
            left_out=content.left_out(run.searched),
            classes=content.classes(run.summary),
            notes=run.summary.get("notes") or [],
            took=content.took(run.trials),
            provenance=content.provenance(run.environment),
            plotly=Markup(get_plotlyjs().replace("</script", "<\\/script")),
        )
    )


def _environment() -> Environment:
    """The templates, with the ways in which numbers are written."""
    environment = Environment(
        loader=PackageLoader("autocls.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    written = (wording.percent, wording.signed, wording.chance, wording.probability, wording.duration, wording.count)
    environment.filters |= {"json": as_json, "unbroken": unbroken, **{write.__name__: write for write in written}}
    environment.globals |= {
        "standing": wording.standing,
        "plain": lambda things: [asdict(thing) for thing in things],
        "together": wording.together,
        "opened": wording.opened,
        "span": lambda of: wording.span(of.low, of.high),
        "shares": lambda of: wording.shares(of.low, of.high),
    }
    return environment


def unbroken(text: str) -> str:
    """Text whose numbers keep their unit beside them."""
    return re.sub(r"(?<=\d) (?=%)", "\u00a0", text)


def as_json(value: Any) -> Markup:
    """JSON that may stand in a script element whatever names it holds."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_SHIELD))
