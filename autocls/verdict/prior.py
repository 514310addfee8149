"""What helped where: the verdicts of several studies in one file; docs/cards.md is its schema."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Self

from autocls.errors import BadInput
from autocls.grammar import Problem, Problems, read, write
from autocls.verdict.file import load_as, read_json, verdict_of
from autocls.verdict.plain import build, plain
from autocls.verdict.pooling import Pooled, pool
from autocls.verdict.verdict import Effect, Verdict, Word
from autocls.verdict.wording import name_of

RECIPE = "best_recipe.yaml"
SCHEMA = 1
"""Of the file; another number is another meaning of its fields."""


@dataclass(frozen=True)
class Study:
    """A search that was judged, and what its data is like."""

    folder: str
    """As it was given; the findings name it."""
    started: str
    """When, by its ``environment.json``; empty when that is missing."""
    data: str
    """The data's name."""
    space: str
    seed: int
    metric: str
    images: int
    """In all parts; 0 when the search had a Python objective, likewise ``classes``."""
    classes: int
    channels: int | None
    """None when the search did not say, likewise the winner's ``image_size`` and ``architecture``."""
    image_size: int | None
    architecture: str | None


@dataclass(frozen=True)
class Finding:
    """What one study says of a choice."""

    study: str
    """Its folder."""
    choice: str
    """As that study's winner has it, with its parameters."""
    word: Word
    effect: Effect
    """Score with it minus score with what the card has instead."""


@dataclass(frozen=True)
class Card:
    """A choice, compared with one other choice of its slot, in every study that did so."""

    slot: str
    choice: str
    """Its name; of a slot that holds a number, the number."""
    instead: str
    """The other's, likewise."""
    helps: int
    """How many studies say so, likewise the next three."""
    hurts: int
    no_difference: int
    undetermined: int
    pooled: Pooled
    """Over the studies; of none when they don't all measure the same metric."""
    findings: tuple[Finding, ...]

    @property
    def sure(self) -> bool:
        """Whether the mean over studies is above 0, by its interval."""
        return self.pooled.low > 0

    @property
    def favoured(self) -> bool:
        """Whether to try it first where nothing else is known."""
        return self.choice != self.instead and (self.sure or self.helps > self.hurts)


@dataclass(frozen=True)
class Prior:
    """What several studies say, choice by choice."""

    schema: int
    studies: tuple[Study, ...]
    cards: tuple[Card, ...]
    """By slot, choice and what it was compared with."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """The prior in a file. Raises BadInput with the file, the line and the place of all that is wrong with it."""
        prior = load_as(cls, path, SCHEMA)
        known = {study.folder for study in prior.studies}
        problems = [
            Problem(("cards", i, "findings", j, "study"), f"'{finding.study}' is none of the studies")
            for i, card in enumerate(prior.cards)
            for j, finding in enumerate(card.findings)
            if finding.study not in known
        ]
        if problems:
            raise Problems(problems, read(path))
        return prior

    def to_yaml(self) -> str:
        """The prior as ``load`` reads it back, numbers to a ten-thousandth of a point."""
        about = "# What helped where, by `autocls cards`. docs/cards.md says what the fields mean.\n"
        return about + write(_rounded(plain(self)))

    def favoured(self) -> dict[str, str]:
        """Of each slot that has one, the choice to try first: the surest, then the one that helped most studies.

        It is a name or a number, as YAML would write it: without parameters, for those belonged to other data.
        """
        best: dict[str, Card] = {}
        for card in self.cards:
            if card.favoured and (card.slot not in best or _promise(card) > _promise(best[card.slot])):
                best[card.slot] = card
        return {slot: card.choice for slot, card in best.items()}


def judged(folder: Path) -> tuple[Study, Verdict]:
    """The study in a run folder. Raises BadInput when it has no verdict, or a file of it is broken."""
    verdict = verdict_of(folder)
    summary = read_json(folder / "summary.json", dict)
    environment = read_json(folder / "environment.json", dict)
    recipe = read(folder / RECIPE).value if (folder / RECIPE).is_file() else {}
    architecture = recipe.get("architecture")
    traits = {
        "folder": folder.as_posix(),
        "started": environment.get("started", ""),
        **{name: summary.get(name) for name in ("data", "space", "seed", "channels")},
        "metric": verdict.metric,
        "images": sum((summary.get("images") or {}).values())
        or sum(sum(part.values()) for part in (summary.get("counts") or {}).values()),
        "classes": len(summary.get("classes") or []),
        "image_size": recipe.get("image_size"),
        "architecture": next(iter(architecture)) if isinstance(architecture, dict) else architecture,
    }
    try:
        return build(Study, traits), verdict
    except Problems as error:
        raise BadInput("\n".join(f"{folder / 'summary.json'}: {line}" for line in str(error).splitlines())) from None


def merge(studies: Sequence[tuple[Study, Verdict]]) -> Prior:
    """What the studies say together. Raises BadInput when two of them are one and the same."""
    seen: dict[tuple[str, str, int, str], str] = {}
    for study, _ in studies:
        its = study.data, study.space, study.seed, study.started
        if its in seen:
            raise BadInput(f"{study.folder}: holds the same study as {seen[its]}; it can be counted once only")
        seen[its] = study.folder
    found: dict[tuple[str, str, str], list[Finding]] = {}
    for study, verdict in studies:
        for trick in verdict.tricks:
            key = trick.slot, name_of(trick.choice), name_of(trick.instead)
            found.setdefault(key, []).append(Finding(study.folder, trick.choice, trick.word, trick.effect))
    metrics = {study.folder: study.metric for study, _ in studies}
    cards = (_card(key, findings, metrics) for key, findings in sorted(found.items()))
    return Prior(SCHEMA, tuple(study for study, _ in studies), tuple(cards))


def _card(key: tuple[str, str, str], findings: Sequence[Finding], metrics: dict[str, str]) -> Card:
    words = Counter(finding.word for finding in findings)
    comparable = len({metrics[finding.study] for finding in findings}) == 1
    return Card(
        *key,
        helps=words[Word.HELPS],
        hurts=words[Word.HURTS],
        no_difference=words[Word.NO_DIFFERENCE],
        undetermined=words[Word.UNDETERMINED],
        pooled=pool([finding.effect for finding in findings] if comparable else []),
        findings=tuple(findings),
    )


def _promise(card: Card) -> tuple[bool, int, float]:
    means = [finding.effect.mean for finding in card.findings if finding.effect.n]
    return card.sure, card.helps - card.hurts, fmean(means) if means else -math.inf


def _rounded(value: Any) -> Any:
    """Plain values with shorter numbers."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value
