"""Placing what was computed on one HTML page that needs no network."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from autocls.files import whole
from autocls.report import association, content, cost, links, went
from autocls.report.charts import charts
from autocls.report.data import data
from autocls.report.headline import headline
from autocls.report.run import Run, read
from autocls.report.workers import timeline
from autocls.verdict import wording

PAGE = "report.html"
_SHIELD = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def write_report(folder: Path) -> Path:
    """Write ``report.html`` of the run in ``folder``. Raises BadInput when it holds none."""
    page = Path(folder) / PAGE
    drawn = render(read(Path(folder)))
    with whole(page) as partial:
        partial.write_text(drawn, encoding="utf-8")
    return page


@dataclass(frozen=True)
class Live:
    """What a page that is served while its search runs must know besides."""

    report: Path
    """Where the page of the search will lie."""
    stamp: str
    """Of the rendering; another one has another."""
    ended: bool
    """Whether nothing more will come."""


def render(run: Run, live: Live | None = None) -> str:
    """The page of a run; with ``live`` it asks its server for news, and for plotly's script too."""
    texts, rows = content.texts(content.rows(run))
    differences = content.differences(run)
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
            differences=differences,
            cards=[difference.card for difference in differences if difference.card],
            cost=cost.cost(run),
            recipes=content.recipes(run),
            charts=charts(run),
            knobs=association.knob_figures(run),
            rungs=[rung for rung in went.rungs(run.searched) if rung.stopped],
            timeline=timeline(run.trials),
            data=data(run),
            failures=content.failures(run.trials),
            left_out=content.left_out(run.searched),
            notes=run.summary.get("notes") or [],
            took=content.took(run.trials),
            provenance=content.provenance(run.environment),
            plotly=None if live else plotly(),
            live=live,
            running=run.running,
        )
    )


def render_starting(live: Live) -> str:
    """What is shown of a search until its page is drawn."""
    return place("starting.html.j2", live=live)


def plotly() -> Markup:
    """Plotly's script, fit for a script element."""
    return Markup(get_plotlyjs().replace("</script", "<\\/script"))


def place(template: str, **shown: Any) -> str:
    """What is shown in its places in a template."""
    return _environment().get_template(template).render(shown)


def _environment() -> Environment:
    """The templates, with the ways in which numbers are written."""
    environment = Environment(
        loader=PackageLoader("autocls.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    written = (
        wording.percent, wording.signed, wording.chance, wording.probability, wording.duration, wording.count,
        wording.milliseconds,
    )  # fmt: skip
    environment.filters |= {"json": as_json, "unbroken": unbroken, **{write.__name__: write for write in written}}
    environment.globals |= {
        "card_id": links.card_id,
        "card_of": links.card_of,
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
