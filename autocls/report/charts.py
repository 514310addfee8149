"""All charts of the page by name: a name says where the page has it."""

from autocls.report import association, cost, data, went, workers
from autocls.report.figures import Chart
from autocls.report.forest import forest
from autocls.report.run import Run
from autocls.report.waterfall import waterfall


def charts(run: Run) -> dict[str, Chart]:
    """The charts that there is something to draw in."""
    baseline, lanes = run.summary.get("baseline"), workers.timeline(run.trials)
    found = {
        "effects": run.verdict and forest(run.verdict),
        "path": run.verdict and waterfall(run.verdict),
        "progress": went.progress(run.searched, baseline),
        "progress-by-epochs": went.progress_by_epochs(run.searched, baseline),
        "curves": went.curves(run.searched),
        "rungs": went.rung_chart(went.rungs(run.searched)),
        "workers": lanes and workers.worker_chart(lanes),
        "parallel": association.parallel(run.knobs),
        "associations": association.associations(run.associations),
        **cost.charts(run),
        **data.charts(run),
    }
    return {name: chart for name, chart in found.items() if chart}
