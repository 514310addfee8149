"""All charts of the page by name: a name says where the page has it."""

from autocls.report import figures
from autocls.report.figures import Chart
from autocls.report.forest import forest
from autocls.report.run import Run


def charts(run: Run) -> dict[str, Chart]:
    """The charts that there is something to draw in."""
    found = {
        "effects": run.verdict and forest(run.verdict),
        "progress": figures.progress(run.searched, run.summary.get("baseline")),
        "curves": figures.curves(run.searched),
    }
    return {name: chart for name, chart in found.items() if chart}
