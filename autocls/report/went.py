"""How the search went: its trials over time, over epochs, and on the pruner's rungs."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from autocls.report.figures import BLUE, GREY, MOST_POINTS, ORANGE, SKY, Chart, chart, level, plural, rounded, thinned
from autocls.verdict.ranking import best_so_far
from autocls.verdict.wording import duration, percent

MOST_CURVES = 300
"""More curves of a state are one blot, and slow to draw."""


def progress(trials: pd.DataFrame, baseline: int | None) -> Chart | None:
    """Best score over time, with complete trials' own and the baseline's line; None without complete trials."""
    return _best(trials.assign(at=trials["finished"]), baseline, "time since the start, s", duration)


def progress_by_epochs(trials: pd.DataFrame, baseline: int | None) -> Chart | None:
    """The same over the epochs that all trials together had been trained for."""
    spent = trials.sort_values(["finished", "number"])["epochs"].cumsum()
    return _best(trials.assign(at=spent), baseline, "epochs trained by all trials", lambda at: plural(int(at), "epoch"))


def _best(trials: pd.DataFrame, baseline: int | None, x: str, said_of: Callable[[float], str]) -> Chart | None:
    """Best score over the column ``at``."""
    table = best_so_far(trials)
    if table.empty:
        return None
    last = table.iloc[-1]
    first = table[table["best"] == last["best"]].iloc[0]
    top, when = percent(last["best"]), said_of(first["at"])
    out = chart(f"The best score, {top}, came after {when} with trial {first['number']}", x)
    steps = table[table["best"].diff() != 0]
    ended = max(trials["at"].max(), last["at"])
    drawn, said = thinned(table, MOST_POINTS)
    base = trials[(trials["number"] == baseline) & (trials["state"] == "COMPLETE")]
    out["data"] = [
        {
            "type": "scatter", "mode": "lines", "name": "best so far", "hoverinfo": "skip",
            "x": rounded([*steps["at"], ended], 3), "y": rounded([*steps["best"], last["best"]]),
            "line": {"color": BLUE, "width": 2.5, "shape": "hv"},
        },
        {
            "type": "scatter", "mode": "markers", "name": f"a complete trial{said}",
            "x": rounded(drawn["at"], 3), "y": rounded(drawn["score"]), "customdata": drawn["number"].tolist(),
            "marker": {"color": BLUE, "size": 7}, "hovertemplate": "trial %{customdata}: %{y:.2%}<extra></extra>",
        },
    ]  # fmt: skip
    if not base.empty:
        out["layout"] |= level(round(float(base["score"].iloc[0]), 5), "baseline")
    return out


def curves(trials: pd.DataFrame) -> Chart | None:
    """Validation score over epochs of complete and pruned trials; None when no epoch was trained."""
    trained = trials[trials["epochs"] > 0]
    if trained.empty:
        return None
    pruned, complete = (trained[trained["state"] == s] for s in ("PRUNED", "COMPLETE"))
    title = f"{len(complete)} trials ran all their epochs"
    if len(pruned):
        title += f"; {len(pruned)} were stopped early, in the median after epoch {pruned['epochs'].median():.0f}"
    out = chart(title, "epoch")
    solid = 0.9 if len(complete) <= 20 else 0.45  # many solid curves would hide each other and the pruned ones
    for part, color, width, opacity in ((pruned, GREY, 1, 0.55), (complete, BLUE, 1.5, solid)):
        drawn, said = thinned(part, MOST_CURVES)
        x, y, text = _with_gaps(drawn)
        out["data"].append(
            {
                "type": "scatter", "mode": "lines+markers", "connectgaps": False, "opacity": opacity,
                "name": ("complete" if part is complete else "pruned") + said, "x": x, "y": y, "text": text,
                "line": {"color": color, "width": width}, "marker": {"size": 4, "color": color},
                "hovertemplate": "trial %{text}, epoch %{x}: %{y:.2%}<extra></extra>",
            }
        )  # fmt: skip
    return out


def _with_gaps(trials: pd.DataFrame) -> tuple[list[int | None], list[float | None], list[str]]:
    """All curves as one line with gaps: a page of 1,000 trials stays small."""
    x: list[int | None] = []
    y: list[float | None] = []
    text: list[str] = []
    for number, curve in zip(trials["number"], trials["curve"], strict=True):
        x += [*range(1, len(curve) + 1), None]
        y += [*rounded(curve), None]
        text += [str(number)] * (len(curve) + 1)
    return x, y, text


@dataclass(frozen=True)
class Rung:
    """What became of the trials that reached an epoch."""

    epoch: int
    stopped: int
    """By the pruner, after this epoch."""
    completed: int
    ended: int
    """Failed, or cut off by the end of the search."""
    went_on: int
    best_stopped: float
    """Of those that were stopped here, the score of this epoch; NaN without one, likewise ``lowest_on``."""
    lowest_on: float
    """Of those that went on."""

    @property
    def reached(self) -> int:
        """Trials."""
        return self.stopped + self.completed + self.ended + self.went_on


def rungs(trials: pd.DataFrame) -> list[Rung]:
    """What became of the search's trials after each epoch."""
    trained = trials[trials["epochs"] > 0]
    last = 0 if trained.empty else int(trained["epochs"].max())
    return [_rung(epoch, trained[trained["epochs"] >= epoch]) for epoch in range(1, last + 1)]


def _rung(epoch: int, reached: pd.DataFrame) -> Rung:
    scores = pd.Series([curve[epoch - 1] for curve in reached["curve"]], reached.index, dtype=float)
    on, complete = reached["epochs"] > epoch, reached["state"] == "COMPLETE"
    stopped = ~on & (reached["state"] == "PRUNED") & (reached["reason"] == "")
    return Rung(
        epoch,
        int(stopped.sum()),
        int((~on & complete).sum()),
        int((~on & ~stopped & ~complete).sum()),
        int(on.sum()),
        float(scores[stopped].max()),
        float(scores[on].min()),
    )


def rung_chart(rungs: list[Rung]) -> Chart | None:
    """How many trials reached each epoch, and what became of them; None where the pruner stopped none."""
    if not any(rung.stopped for rung in rungs):
        return None
    out = chart(_what_the_pruner_did(rungs), "epoch", "trials", height=320)
    parts = (
        ("went on", "went_on", BLUE, ""), ("ran all its epochs", "completed", SKY, ""),
        ("stopped by the pruner", "stopped", ORANGE, "/"), ("failed or cut off", "ended", GREY, "x"),
    )  # fmt: skip
    said = [f"{rung.reached:,} reached epoch {rung.epoch}{_between(rung)}" for rung in rungs]
    out["data"] = [
        {
            "type": "bar", "name": name, "x": [rung.epoch for rung in rungs],
            "y": [getattr(rung, field) for rung in rungs], "customdata": said,
            "marker": {"color": color, "pattern": {"shape": pattern, "size": 6, "fillmode": "overlay"}},
            "hovertemplate": f"%{{y:,}} {name}; %{{customdata}}<extra></extra>",
        }
        for name, field, color, pattern in parts
        if any(getattr(rung, field) for rung in rungs)
    ]  # fmt: skip
    out["layout"] |= {"barmode": "stack", "bargap": 0.15}
    out["layout"]["yaxis"] |= {"tickformat": ",d", "rangemode": "tozero"}
    if len(rungs) <= 20:
        out["layout"]["xaxis"]["dtick"] = 1
    return out


def _what_the_pruner_did(rungs: list[Rung]) -> str:
    stopped, started = sum(rung.stopped for rung in rungs), rungs[0].reached
    most = max(rungs, key=lambda rung: rung.stopped)
    return (
        f"The pruner stopped {stopped:,} of {plural(started, 'trial')}, {_most(most.stopped, stopped)} after epoch "
        f"{most.epoch}{_between(most)}"
    )


def _most(part: int, whole: int) -> str:
    return "all" if part == whole else f"most of them ({part:,})" if 2 * part > whole else f"the most ({part:,})"


def _between(rung: Rung) -> str:
    """What the pruner told apart, where it stopped any."""
    if not rung.stopped:
        return ""
    on = f", the lowest that went on {percent(rung.lowest_on)}" if rung.went_on else ""
    return f": the best it stopped had {percent(rung.best_stopped)}{on}"
