"""What a running search shows, on a terminal and elsewhere."""

import io
from dataclasses import replace

from rich.console import Console

from autocls.cli.progress import Progress, line
from autocls.recipe import Recipe
from autocls.search.snapshot import Budget, Snapshot

START = Snapshot(budget=Budget(trials=20, seconds=600), baseline=Recipe(), running=2)
LATER = replace(
    START, complete=3, pruned=2, failed=1, epochs=40, seconds=125.0, best=0.9876, best_number=4,
    best_recipe=Recipe(norm="batch", schedule="cosine"),
)  # fmt: skip


def shown(*snapshots: Snapshot, terminal: bool = False, on: bool = True) -> str:
    out = io.StringIO()
    with Progress(shown=on, console=Console(file=out, force_terminal=terminal, width=160)) as progress:
        for snapshot in snapshots:
            progress.show(snapshot)
    return out.getvalue()


def test_one_line_says_trials_best_time_left_and_recipe():
    assert line(LATER) == (
        "6/20 trials (3 complete, 2 pruned, 1 failed, 2 running), 40 epochs | 7:55 left"
        " | best 98.76% (trial 4): norm=batch, schedule=cosine"
    )


def test_before_the_first_epoch_it_says_what_it_waits_for():
    assert line(START) == "starting workers | 10:00 left | no trial complete yet"


def test_the_baseline_is_called_by_its_name():
    assert line(replace(LATER, best_recipe=Recipe())).endswith(": the baseline")


def test_plain_lines_come_at_once_for_a_new_best_and_not_for_each_epoch():
    said = shown(START, *(replace(LATER, epochs=epochs) for epochs in range(40, 60)))
    assert said == line(LATER) + "\n"


def test_a_terminal_gets_a_panel():
    assert "\x1b[" in shown(START, LATER, terminal=True)


def test_no_progress_is_silent():
    assert shown(START, LATER, on=False) == shown(START, LATER, on=False, terminal=True) == ""
