"""How a running search is shown: a live panel on a terminal, plain lines elsewhere, always on stderr."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from autocls.search.snapshot import Snapshot
from autocls.verdict.verdict import Phase

_DOING = {Phase.SCREEN: "screening", Phase.CONFIRM: "confirming", Phase.ATTRIBUTE: "attributing"}
PLAIN_EVERY = 10.0
"""Seconds between plain lines; a new best is told at once."""


class Progress:
    """Shows the snapshots of a search; a context manager."""

    def __init__(self, *, shown: bool, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._shown = shown
        self._terminal = self._console.is_terminal
        self._now = Snapshot()
        self._taken = self._told = time.monotonic()
        self._live = Live(console=self._console, refresh_per_second=4, transient=True, get_renderable=self._panel)

    def __enter__(self) -> Self:
        if self._shown and self._terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Take in how the search stands."""
        better = snapshot.best > self._now.best
        self._now, self._taken = snapshot, time.monotonic()
        if self._shown and not self._terminal and (better or self._taken - self._told >= PLAIN_EVERY):
            self._told = self._taken
            self._console.print(line(snapshot), soft_wrap=True, markup=False)

    def _panel(self) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_row(Text(status(self._now, self._now.seconds + time.monotonic() - self._taken), style="bold"))
        table.add_row(Text(best(self._now), overflow="ellipsis", no_wrap=True))
        return table


def line(now: Snapshot) -> str:
    """How the search stands, in one line."""
    return f"{status(now, now.seconds)} | {best(now)}"


def status(now: Snapshot, seconds: float) -> str:
    """Trials and time, ``seconds`` after the start."""
    budget = now.budget
    done = now.complete + now.pruned + now.failed
    trials = f"{done}/{budget.trials} trials" if budget.trials else f"{done} trials"
    left = f"{clock(max(0.0, budget.seconds - seconds))} left" if budget.seconds else f"{clock(seconds)} so far"
    if not done and not now.epochs:
        return f"starting workers | {left}"
    designed = f"{_DOING[now.phase]}, {now.designed} runs | " if now.phase in _DOING else ""
    return (
        f"{designed}{trials} ({now.complete} complete, {now.pruned} pruned, {now.failed} failed, "
        f"{now.running} running), {now.epochs} epochs | {left}"
    )


def best(now: Snapshot) -> str:
    """The best recipe so far, as its differences from the baseline."""
    if now.best_recipe is None or now.baseline is None:
        return "no trial complete yet"
    differences = now.best_recipe.differences(now.baseline)
    shown = ", ".join(f"{k}={v}" for k, v in differences.items()) or "the baseline"
    return f"best {now.best:.2%} (trial {now.best_number}): {shown}"


def clock(seconds: float) -> str:
    """``1:02:03`` or ``2:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
