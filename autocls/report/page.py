"""Placing what was computed on one HTML page that needs no network."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from autocls.report import content, figures
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
    environment = Environment(
        loader=PackageLoader("autocls.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["json"] = as_json
    written = (wording.percent, wording.signed, wording.chance, wording.probability, wording.duration, wording.count)
    environment.filters |= {f.__name__: f for f in written}
    environment.globals |= {f.__name__: f for f in (wording.standing, wording.together, wording.opened)}
    environment.globals["span"] = lambda of: wording.span(of.low, of.high)
    environment.globals["shares"] = lambda of: wording.shares(of.low, of.high)
    texts, rows = content.texts(content.rows(run))
    course = {
        "progress": figures.progress(run.searched, run.summary.get("baseline")),
        "curves": figures.curves(run.searched),
    }
    course = {name: chart for name, chart in course.items() if chart}
    effects = forest(run.verdict) if run.verdict else None
    return environment.get_template("page.html.j2").render(
        summary=run.summary,
        verdict=run.verdict,
        headline=headline(run),
        recipe=run.best_recipe,
        space=run.space,
        trials=len(run.searched),
        rows=rows,
        texts=texts,
        cards=content.cards(run),
        recipes=content.recipes(run),
        course=list(course),
        charts=course | ({"effects": effects} if effects else {}),
        knobs=figures.knob_figures(run),
        failures=content.failures(run.trials),
        left_out=content.left_out(run.searched),
        classes=content.classes(run.summary),
        notes=run.summary.get("notes") or [],
        provenance=content.flat(run.environment),
        plotly=Markup(get_plotlyjs().replace("</script", "<\\/script")),
    )


def as_json(value: Any) -> Markup:
    """JSON that may stand in a script element whatever names it holds."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_SHIELD))
