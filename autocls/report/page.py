"""Placing what was computed on one HTML page that needs no network."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from autocls.report import content, figures
from autocls.report.run import Run, read

PAGE = "report.html"
_SHIELD = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def write_report(folder: Path) -> Path:
    """Write ``report.html`` of the run in ``folder``. Raises BadInput when it holds none."""
    page = Path(folder) / PAGE
    page.write_text(render(read(Path(folder))), encoding="utf-8")
    return page


def render(run: Run) -> str:
    """The page of a run."""
    environment = Environment(
        loader=PackageLoader("autocls.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["json"] = as_json
    texts, rows = content.texts(content.rows(run))
    charts = {
        "progress": figures.progress(run.trials, run.summary.get("baseline")),
        "curves": figures.curves(run.trials),
    }
    return environment.get_template("page.html.j2").render(
        summary=run.summary,
        headline=content.headline(run),
        recipe=run.best_recipe,
        space=run.space,
        trials=len(run.trials),
        rows=rows,
        texts=texts,
        cards=content.cards(run),
        recipes=content.recipes(run),
        charts={name: chart for name, chart in charts.items() if chart},
        knobs=figures.knob_figures(run),
        failures=content.failures(run.trials),
        left_out=content.left_out(run.trials),
        classes=content.classes(run.summary),
        notes=run.summary.get("notes") or [],
        provenance=content.flat(run.environment),
        plotly=Markup(get_plotlyjs().replace("</script", "<\\/script")),
    )


def as_json(value: Any) -> Markup:
    """JSON that may stand in a script element whatever names it holds."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_SHIELD))
