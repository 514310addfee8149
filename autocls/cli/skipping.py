"""Answers to many files, seen as they come: a progress bar, and a word on each file that can't be read."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from autocls.errors import BadInput

A = TypeVar("A")


def watched(rows: Iterator[tuple[Path, A | BadInput]], total: int) -> Iterator[tuple[Path, A | BadInput]]:
    """The rows, with a progress bar where they are not themselves seen; bad files are said as they come.

    Raises BadInput at the end if there was no other.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console, bad = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False), 0
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("images"), TimeRemainingColumn())
    hidden = sys.stdout.isatty() or not console.is_terminal
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, disable=hidden) as progress:
        for path, said in progress.track(rows, total=total):
            if isinstance(said, BadInput):
                bad += 1
                console.print(f"autocls: skipped: {said}", markup=False)
            yield path, said
    if bad == total:
        raise BadInput(f"{total:,} of {total:,} images skipped: none can be read")
    if bad:
        console.print(f"autocls: {bad:,} of {total:,} images skipped")
