"""``autocls verdict``."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autocls.cli.quantities import seconds as duration
from autocls.errors import BadInput

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from autocls.verdict.verdict import Effect, Mean, Verdict

NARROWEST = 80
"""Columns; below, the terminal's own wrapping loses less than cut numbers do."""

_COLOURS = {"helps": "green", "hurts": "red", "no difference": "", "undetermined": "dim"}


def command(
    folder: Annotated[str, typer.Argument(help="An output folder of `autocls search`.", show_default=False)],
    more: Annotated[str | None, typer.Option(help="First spend so long on the undetermined tricks, the nearest to a "
                                                  "decision first: 30m.", show_default=False)] = None,
    associations: Annotated[bool, typer.Option("--associations", help="Print instead what went along with good scores "
                                               "in the search's log, by Optuna's importances.")] = False,
    reopen_test: Annotated[bool, typer.Option("--reopen-test", help="Score the winner on the sealed test part again; "
                                              "the report will say that it was.")] = False,
    address: Annotated[str, typer.Option(help="For --more: as of `autocls search`.")] = "local",
    cpus_per_trial: Annotated[float, typer.Option(help="For --more: CPU cores that a run takes.")] = 1,
    gpus_per_trial: Annotated[float | None, typer.Option(help="For --more: GPUs that a run takes, or a fraction. "
                                                              "[default: 1 if there is one]",
                                                         show_default=False)] = None,
    root: Annotated[Path | None, typer.Option(help="Where torchvision's data sets lie.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print verdict.json.")] = False,
) -> None:  # fmt: skip
    """Say what made the difference in a search: which tricks helped, by how much, and how sure that is.

    Example:

        autocls verdict reports/photos-quick
    """
    seconds = duration(more, "--more") if more is not None else None
    from rich.console import Console

    from autocls.search.mirror import at_hand, taken_up_at
    from autocls.verdict.file import verdict_of
    from autocls.verdict.plain import as_json as written

    console = Console(highlight=False, markup=False, emoji=False)
    console.width = max(console.width, NARROWEST)
    if seconds is None and not reopen_test:
        here = Path(at_hand(folder))
        verdict = verdict_of(here)
        if associations:
            _associations(here, console)
            return
    else:
        with taken_up_at(folder) as here:
            verdict = verdict_of(here)
            if seconds is not None:
                from autocls.cli.progress import Progress
                from autocls.search.more import more as go_on

                with Progress(shown=not as_json) as progress:
                    verdict = go_on(
                        here, seconds, address=address, cpus_per_trial=cpus_per_trial, gpus_per_trial=gpus_per_trial,
                        root=root, watch=progress.show,
                    )  # fmt: skip
            if reopen_test:
                from autocls.search.more import reopen_test as reopen

                verdict = reopen(here, root)
    if as_json:
        print(written(verdict))
        return
    for shown in _parts(verdict):
        console.print(shown)


def _associations(folder: Path, console: "Console") -> None:
    """The table of what went along with good scores, under its honest name."""
    from rich.text import Text

    from autocls.search.associations import FEWEST, LABEL, associations
    from autocls.search.record import Record

    found = associations(Record.open(folder, answers=True))
    if found.empty:
        raise BadInput(f"{folder}: its search has fewer than {FEWEST} complete trials, too few to associate anything")
    table = _table("parameter", "PED-ANOVA", "fANOVA")
    for row in found.itertuples():
        table.add_row(str(row.parameter), f"{row.ped_anova:.3f}", f"{row.fanova:.3f}")
    console.print(Text(f"Parameters by importance: {LABEL}", "bold"))
    console.print(table)


def _parts(verdict: "Verdict") -> "Iterator[RenderableType]":
    """The paragraph, then a table for all that it rests on."""
    from rich.text import Text

    from autocls.verdict.wording import opened

    yield verdict.paragraph
    tables = {
        "Confirmed on fresh seeds, beside what the search saw (%)": _candidates(verdict),
        "The winner with each trick, minus without it (points)": _tricks(verdict),
        "From the baseline to the winner, one trick more at each step": _path(verdict),
        "Two tricks together (%; effect in points, 0 where they add up)": _interactions(verdict),
        "Screening: a hint from short runs, no claim (points)": _screened(verdict),
        "What it took": _spent(verdict),
    }
    for title, table in tables.items():
        if table.row_count:
            yield ""
            yield Text(title, "bold")
            yield table
    if verdict.test is not None:
        yield ""
        yield f"Sealed test part: {opened(verdict.test)}."


def _table(*columns: str) -> "Table":
    """A table whose first column is text and wraps, and whose others are numbers and don't."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", no_wrap=i > 0, overflow="fold")
    return table


def _candidates(verdict: "Verdict") -> "Table":
    from autocls.verdict.wording import count, probability, score, standing

    table = _table("trial", "search", "confirmed (95 %)", "n", "beats\nbaseline", "seconds", "weights")
    for c in verdict.candidates:
        scores = score(c.search_score), _mean(c.confirmed), str(c.confirmed.n)
        who = ", ".join([str(c.trial), *standing(c, verdict.baseline)])
        table.add_row(
            who,
            *scores,
            probability(c.beats_baseline),
            "–" if math.isnan(c.seconds) else f"{c.seconds:.1f}",
            count(c.parameters),
        )
    return table


def _tricks(verdict: "Verdict") -> "Table":
    from rich.text import Text

    from autocls.verdict.wording import chance, signed

    table = _table("trick", "", "effect", "95 %", "n", "Holm p", "signs p")
    table.caption_justify = "left"
    table.caption = (
        f"Within ± {100 * verdict.margin:.2f} points is no difference. Holm p: the t test's, adjusted for all tricks "
        "together; signs p: the exact sign-flip test's."
    )
    for t in verdict.tricks:
        remarks = [", put in"] * (not t.active) + [f", {t.failed} failed"] * (t.failed > 0)
        name = f"{t.slot}: {t.choice} instead of {t.instead}{''.join(remarks)}"
        numbers = signed(t.effect.mean), _span(t.effect), str(t.effect.n)
        table.add_row(name, Text(t.word, _COLOURS[t.word]), *numbers, chance(t.p_holm), chance(t.effect.sign_flip))
    return table


def _path(verdict: "Verdict") -> "Table":
    from autocls.verdict.wording import signed

    table = _table("step", "score, % (95 %)", "gain, points", "95 %", "n")
    for step in verdict.path:
        name = f"+ {step.slot}: {step.choice}" if step.slot else "baseline"
        gain = "" if step.gain is None else signed(step.gain.mean)
        table.add_row(name, _mean(step.score), gain, "" if step.gain is None else _span(step.gain), str(step.score.n))
    return table


def _interactions(verdict: "Verdict") -> "Table":
    from autocls.verdict.wording import chance, score, signed

    table = _table("first × second", "both", "first", "second", "neither", "effect", "95 %", "Holm p")
    for i in verdict.interactions:
        cells = map(score, (i.both, i.only_first, i.only_second, i.neither))
        table.add_row(f"{i.first} × {i.second}", *cells, signed(i.effect.mean), _span(i.effect), chance(i.p_holm))
    return table


def _screened(verdict: "Verdict") -> "Table":
    from autocls.verdict.wording import chance, signed, span

    table = _table("choice", "effect", "95 %", "p", "n")
    for s in verdict.screened:
        table.add_row(f"{s.slot}: {s.choice}", signed(s.effect), span(s.low, s.high), chance(s.p), str(s.n))
    return table


def _spent(verdict: "Verdict") -> "Table":
    table = _table("phase", "runs", "epochs", "share")
    for s in verdict.spent:
        table.add_row(s.phase, f"{s.runs:,}", f"{s.epochs:,}", f"{100 * s.share:.0f} %")
    return table


def _mean(mean: "Mean") -> str:
    from autocls.verdict.wording import score, shares

    interval = f" ({shares(mean.low, mean.high).removesuffix(' %')})" if mean.n > 1 else ""
    return score(mean.mean) + interval


def _span(effect: "Effect") -> str:
    from autocls.verdict.wording import span

    return span(effect.low, effect.high)
