"""The page across searches: what each came to, and which tricks helped where."""

import csv
import io
import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from autocls.report import content
from autocls.report.markdown import escape, table
from autocls.report.page import PAGE, place
from autocls.report.recipes import chips
from autocls.report.run import Run
from autocls.verdict.pooling import Pooled, pool
from autocls.verdict.verdict import Effect, Mean, Opening, Trick, Word
from autocls.verdict.wording import (
    count,
    duration,
    metric_name,
    milliseconds,
    name_of,
    percent,
    score,
    shares,
    signed,
    span,
)


@dataclass(frozen=True)
class Study:
    """What one search came to. Scores are the metric in 0..1, NaN where they are not known."""

    folder: str
    """As it was given."""
    report: str | None
    """Its page, seen from the page across searches; None when it has none."""
    data: str
    space: str
    metric: str
    images: int
    """In all parts; 0 when the search had a Python objective, likewise ``classes``."""
    classes: int
    winner: int | None
    differs: tuple[str, ...]
    """What its winner does otherwise than the baseline."""
    searched: float
    """The winner's search score, which is optimistic."""
    confirmed: Mean | None
    """The winner's score on fresh seeds; None when it was not run again, likewise ``gain`` over the baseline."""
    gain: Effect | None
    test: Opening | None
    tricks: tuple[Trick, ...]
    parameters: int | None
    latency: float
    """Seconds that the winner takes to answer for one image."""
    trials: int
    epochs: int
    seconds: float
    started: str
    """The day; empty when it is not known."""

    @property
    def score(self) -> float:
        """What is known best of the winner: its confirmed score, else the search's."""
        return self.confirmed.mean if self.confirmed else self.searched

    @property
    def helps(self) -> list[str]:
        """The tricks that are shown to help."""
        return self._said(Word.HELPS)

    @property
    def hurts(self) -> list[str]:
        """The tricks that are shown to hurt."""
        return self._said(Word.HURTS)

    def _said(self, word: Word) -> list[str]:
        return [
            f"{t.slot}: {name_of(t.choice)}{'' if t.active else ' (put in)'}" for t in self.tricks if t.word == word
        ]


@dataclass(frozen=True)
class Comparison:
    """A trick against one other choice of its slot, over studies."""

    name: str
    instead: str
    found: tuple[Trick | None, ...]
    """What each study says of it; None where it does not."""
    pooled: Pooled
    """Over the studies; of none when they don't all measure the same metric."""

    @property
    def words(self) -> Counter[Word]:
        """How many studies say what."""
        return Counter(trick.word for trick in self.found if trick)

    @property
    def best(self) -> tuple[int, int, float]:
        """By which comparisons are ordered, the largest first."""
        means = [trick.effect.mean for trick in self.found if trick and trick.effect.n]
        return self.words[Word.HELPS] - self.words[Word.HURTS], len(means), sum(means) / max(1, len(means))


def study(folder: Path, run: Run, page: Path) -> Study:
    """What the run in a folder came to, for a page that will lie at ``page``."""
    known, summary, verdict = _known(run, run.winner), run.summary, run.verdict
    its, report = folder.absolute(), os.path.relpath(folder.absolute() / PAGE, page.absolute().parent)
    baseline = _known(run, summary.get("baseline")).get("recipe", "{}")
    judged = verdict if verdict and verdict.confirmed.n else None
    return Study(
        folder=str(folder),
        report=quote(Path(report).as_posix()) if (its / PAGE).is_file() else None,
        data=str(summary.get("data") or its.name),
        space=str(summary.get("space") or ""),
        metric=metric_name(str(summary.get("metric") or "score")),
        images=sum(content.images(summary)),
        classes=len(summary.get("classes") or []),
        winner=run.winner,
        differs=chips(known["recipe"], baseline) if known else (),
        searched=float(known.get("score", math.nan)),
        confirmed=judged.confirmed if judged else None,
        gain=judged.gain if judged and judged.gain.n else None,
        test=run.test,
        tricks=verdict.tricks if verdict else (),
        parameters=int(known["parameters"]) if "parameters" in known else None,
        latency=float(known.get("latency", math.nan)),
        trials=len(run.searched),
        epochs=int(run.trials["epochs"].sum()),
        seconds=float(summary.get("seconds") or math.nan),
        started=str(run.environment.get("started", ""))[:10],
    )


def comparisons(studies: Sequence[Study]) -> tuple[Comparison, ...]:
    """Every trick that a study judged, the ones that helped most studies first."""
    found: dict[tuple[str, str], dict[int, Trick]] = {}
    for at, one in enumerate(studies):
        for trick in one.tricks:
            key = f"{trick.slot}: {name_of(trick.choice)}", name_of(trick.instead)
            found.setdefault(key, {})[at] = trick
    made = []
    for (name, instead), by_study in found.items():
        comparable = len({studies[at].metric for at in by_study}) == 1
        pooled = pool([trick.effect for trick in by_study.values()] if comparable else [])
        made.append(Comparison(name, instead, tuple(by_study.get(at) for at in range(len(studies))), pooled))
    return tuple(sorted(made, key=lambda c: c.best, reverse=True))


def finding(studies: Sequence[Study], compared: Sequence[Comparison]) -> str:
    """What the page shows, in one line."""
    data = len({one.data for one in studies})
    what = f"{len(studies)} stud{'y' if len(studies) == 1 else 'ies'} of {data} data set{'s' * (data > 1)}"
    helped = [c for c in compared if c.words[Word.HELPS]]
    if not compared:
        return f"{what}: none has judged a trick"
    if not helped:
        return f"{what}: no trick is shown to help"
    first = helped[0]
    return f"{what}: {first.name} helps in {first.words[Word.HELPS]} of the {sum(first.words.values())} that tried it"


def html(studies: Sequence[Study]) -> str:
    """The page across studies."""
    compared = comparisons(studies)
    said, called = finding(studies, compared), names(studies)
    return place("studies.html.j2", studies=studies, compared=compared, finding=said, names=called)


def names(studies: Sequence[Study]) -> list[str]:
    """What tells each study from the others: its data, with its space where that is needed, else its folder."""
    longer: list[Callable[[Study], str]] = [lambda one: f"{one.data}, {one.space}", lambda one: one.folder]
    names = [one.data for one in studies]
    for write in longer:
        twice = {name for name, often in Counter(names).items() if often > 1}
        names = [write(one) if name in twice else name for name, one in zip(names, studies, strict=True)]
    return names


def markdown(studies: Sequence[Study]) -> str:
    """Both tables of the page, for where Markdown is read."""
    compared = comparisons(studies)
    rows = [[write(one) for write in _COLUMNS.values()] for one in studies]
    shown = [f"**{escape(finding(studies, compared))}**", table(list(_COLUMNS), rows)]
    if compared:
        cells = [
            [c.name, c.instead, *(f"{signed(t.effect.mean)} {t.word}" if t else "" for t in c.found)] for c in compared
        ]
        shown += ["Effects in points.", table(["trick", "instead of", *names(studies)], cells)]
    return "\n\n".join(shown) + "\n"


_COLUMNS: dict[str, Callable[[Study], str]] = {
    "data": lambda s: s.data,
    "images": lambda s: f"{s.images:,}" if s.images else "–",
    "classes": lambda s: str(s.classes or "–"),
    "space": lambda s: s.space,
    "winner": lambda s: ", ".join(s.differs) or ("–" if s.winner is None else "the baseline"),
    "metric": lambda s: s.metric,
    "confirmed (95 %)": lambda s: _mean(s.confirmed) if s.confirmed else "–",
    "from the baseline, points (95 %)": lambda s: _effect(s.gain) if s.gain else "–",
    "search": lambda s: percent(s.searched),
    "sealed test": lambda s: percent(s.test.winner) if s.test else "–",
    "parameters": lambda s: count(s.parameters),
    "latency": lambda s: milliseconds(s.latency),
    "trials": lambda s: f"{s.trials:,}",
    "epochs": lambda s: f"{s.epochs:,}",
    "time": lambda s: duration(s.seconds),
    "date": lambda s: s.started or "–",
}
"""The table of studies as text, column by column."""


def as_csv(studies: Sequence[Study]) -> str:
    """A row a study, as numbers, with a column for each trick's effect and one for its word."""
    compared, out = comparisons(studies), io.StringIO()
    rows = []
    for at, one in enumerate(studies):
        its, gain = one.confirmed, one.gain
        row: dict[str, Any] = {
            "folder": one.folder, "data": one.data, "images": one.images, "classes": one.classes, "space": one.space,
            "metric": one.metric, "winner": one.winner, "differs": "; ".join(one.differs), "search": one.searched,
            "confirmed": its and its.mean, "confirmed_low": its and its.low, "confirmed_high": its and its.high,
            "confirmed_n": its and its.n, "gain": gain and gain.mean, "gain_low": gain and gain.low,
            "gain_high": gain and gain.high, "gain_n": gain and gain.n, "test": one.test and one.test.winner,
            "test_images": one.test and one.test.images, "parameters": one.parameters, "latency_s": one.latency,
            "trials": one.trials, "epochs": one.epochs, "seconds": one.seconds, "date": one.started,
        }  # fmt: skip
        for c in compared:
            name, trick = f"{c.name} instead of {c.instead}", c.found[at]
            row |= {f"{name}: effect": trick and trick.effect.mean, f"{name}: word": trick and trick.word.value}
        rows.append({key: "" if _unknown(value) else value for key, value in row.items()})
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _mean(mean: Mean) -> str:
    interval = f" ({shares(mean.low, mean.high).removesuffix(' %')})" if mean.n > 1 else ""
    return f"{score(mean.mean)} %{interval}"


def _effect(effect: Effect) -> str:
    interval = f" ({span(effect.low, effect.high)})" if effect.n > 1 else ""
    return f"{signed(effect.mean)}{interval}"


def _known(run: Run, number: int | None) -> dict[str, Any]:
    """What is known of a trial; nothing when there is none."""
    found = run.trials[run.trials["number"] == number]
    return {} if found.empty else {str(k): v for k, v in found.iloc[0].items() if not _unknown(v)}


def _unknown(value: Any) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))
