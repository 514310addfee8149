"""What ran where: a lane a worker, so that idle time is seen."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from autocls.report.figures import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    Chart,
    chart,
    label,
    plural,
    rounded,
    rows_of,
)
from autocls.verdict.verdict import Phase
from autocls.verdict.wording import duration

KINDS = {
    "complete": BLUE, "stopped early": GREY, "failed": ORANGE, "screening": AMBER, "confirming": GREEN,
    "attributing": PURPLE,
}  # fmt: skip
IDLE = "rgba(138,143,152,0.22)"
MOST_BARS = 1500
"""Of all lanes together."""
LABELLED, LANE, BARE = 12, 44, 18
"""So many lanes have a name each, of so many pixels; more are bare ones."""
_PHASES = {Phase.SCREEN: "screening", Phase.CONFIRM: "confirming", Phase.ATTRIBUTE: "attributing"}


@dataclass(frozen=True)
class Bar:
    """A time in which a worker was busy with trials that follow each other closely."""

    start: float
    end: float
    kind: str
    """What took most of it."""
    trials: tuple[int, ...]


@dataclass(frozen=True)
class Lane:
    """What a worker did."""

    worker: str
    busy: float
    """Seconds."""
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Timeline:
    """What all workers did, from the first trial's beginning to the last one's end."""

    start: float
    end: float
    lanes: tuple[Lane, ...]
    shortest: float
    """Seconds; trials that begin less than this after another are drawn together with it. 0: each has its own bar."""

    @property
    def colours(self) -> dict[str, str]:
        """Of what there is on the lanes."""
        ran = {bar.kind for lane in self.lanes for bar in lane.bars}
        return {kind: colour for kind, colour in KINDS.items() if kind in ran}

    @property
    def trials(self) -> int:
        """How many there were."""
        return sum(len(bar.trials) for lane in self.lanes for bar in lane.bars)

    @property
    def busy(self) -> float:
        """The share of the workers' time that trials took, in 0..1."""
        return sum(lane.busy for lane in self.lanes) / (len(self.lanes) * (self.end - self.start))


def timeline(trials: pd.DataFrame) -> Timeline | None:
    """The trials of all phases by worker; None where it was not kept which worker ran them."""
    if not {"worker", "begun"} <= set(trials):
        return None
    ran = trials[trials["begun"].notna() & (trials["worker"] != "") & (trials["finished"] > trials["begun"])]
    if ran.empty:
        return None
    start, end = float(ran["begun"].min()), float(ran["finished"].max())
    workers = sorted(ran.groupby("worker"), key=lambda lane: (lane[1]["begun"].min(), lane[0]))
    shortest = (end - start) * len(workers) / MOST_BARS if len(ran) > MOST_BARS else 0.0
    return Timeline(start, end, tuple(_lane(str(name), part, shortest) for name, part in workers), shortest)


def worker_chart(timeline: Timeline) -> Chart:
    """A lane a worker; what is not coloured is idle."""
    many, labelled = len(timeline.lanes), len(timeline.lanes) <= LABELLED
    height = 64 + many * (LANE if labelled else BARE)
    workers = "The worker was" if many == 1 else f"{many} workers were"
    out = chart(f"{workers} busy {100 * timeline.busy:.0f} % of the time", "time since the start, s", "", height)
    span = timeline.end - timeline.start
    names = [f"{lane.worker} – busy {100 * lane.busy / span:.0f} %" for lane in timeline.lanes]
    rows_of(out["layout"], names)
    if not labelled:
        del out["layout"]["annotations"]
    out["data"] = [
        {
            "type": "bar", "orientation": "h", "name": "idle", "y": list(range(many)), "x": [round(span, 3)] * many,
            "base": round(timeline.start, 3), "width": 0.3, "hoverinfo": "skip",
            "marker": {"color": IDLE},
        },
        *(_trace(kind, timeline.lanes) for kind in timeline.colours),
    ]  # fmt: skip
    out["layout"] |= {"barmode": "overlay", "showlegend": False}  # which the page has below: a phone has no room here
    out["layout"]["yaxis"]["range"] = [many - 0.5, -0.8]
    out["layout"]["xaxis"]["range"] = [timeline.start, timeline.end]
    return out


def _lane(worker: str, ran: pd.DataFrame, shortest: float) -> Lane:
    table = ran.sort_values("begun")
    bars = [
        Bar(begun, finished, _kind(state, phase), (number,))
        for begun, finished, state, phase, number in zip(
            table["begun"].tolist(), table["finished"].tolist(), table["state"],
            table["phase"] if "phase" in table else [Phase.SEARCH] * len(table), table["number"].tolist(), strict=True,
        )
    ]  # fmt: skip
    return Lane(worker, _union(bars), tuple(_joined(bars, shortest)))


def _kind(state: str, phase: str) -> str:
    if state == "FAIL":
        return "failed"
    return _PHASES.get(Phase(phase), "complete" if state == "COMPLETE" else "stopped early")


def _union(bars: Iterable[Bar]) -> float:
    """Seconds in which at least one of the bars, sorted by their start, goes on."""
    busy, until = 0.0, -math.inf
    for bar in bars:
        busy += max(0.0, bar.end - max(bar.start, until))
        until = max(until, bar.end)
    return busy


def _joined(bars: Sequence[Bar], shortest: float) -> Iterator[Bar]:
    """The bars, each together with those that begin less than ``shortest`` after it: no more idle time is hidden."""
    group: list[Bar] = []
    for bar in bars:
        if group and bar.start - group[0].start >= shortest:
            yield _join(group)
            group = []
        group.append(bar)
    if group:
        yield _join(group)


def _join(group: Sequence[Bar]) -> Bar:
    took = {kind: sum(bar.end - bar.start for bar in group if bar.kind == kind) for kind in {b.kind for b in group}}
    kind = max(sorted(took), key=lambda kind: took[kind])
    return Bar(group[0].start, max(bar.end for bar in group), kind, tuple(n for bar in group for n in bar.trials))


def _trace(kind: str, lanes: Sequence[Lane]) -> dict[str, object]:
    bars = [(row, bar) for row, lane in enumerate(lanes) for bar in lane.bars if bar.kind == kind]
    return {
        "type": "bar", "orientation": "h", "name": kind, "width": 0.3, "y": [row for row, _ in bars],
        "base": rounded((bar.start for _, bar in bars), 3), "x": rounded((bar.end - bar.start for _, bar in bars), 3),
        "marker": {"color": KINDS[kind], "line": {"width": 0}},
        "customdata": [label(_said(bar, lanes[row].worker)) for row, bar in bars],
        "hovertemplate": "%{customdata}<extra></extra>",
    }  # fmt: skip


def _said(bar: Bar, worker: str) -> str:
    which = f"trial {bar.trials[0]}" if len(bar.trials) == 1 else f"{plural(len(bar.trials), 'trial')}, mostly"
    return f"{which} {bar.kind}, {duration(bar.end - bar.start)} on {worker}"
