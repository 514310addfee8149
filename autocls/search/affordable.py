"""The best recipe of a study whose network costs no more than is allowed, measured again where it is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.search.evidence import verdict
from autocls.search.record import Record, Row
from autocls.training.footprint import Footprint, Limits, OverLimit, footprint
from autocls.training.inference import default_device
from autocls.verdict.verdict import Phase


@dataclass(frozen=True)
class Affordable:
    """A trial within limits."""

    row: Row
    score: float
    confirmed: bool
    """Whether the score is the mean over fresh seeds; else it is that of the search, which is optimistic."""
    footprint: Footprint
    """Measured here."""


def best_within(folder: Path, limits: Limits) -> Affordable:
    """The first trial that keeps the limits here: of those that were confirmed, then of the other complete ones.

    Raises BadInput where there is none, saying how little one can have.
    """
    study = Record.open(folder)
    about, device, seen = study.about(), default_device(), list[Footprint]()
    if not about["classes"]:
        raise BadInput(f"{folder}: its trials were simulated, so there are no networks to measure")
    for row, score, confirmed in _best_first(study):
        recipe = Recipe.from_yaml(row.recipe)
        found = footprint(recipe, len(about["classes"]), about["channels"], device)
        try:
            limits.check(found)
        except OverLimit:
            seen.append(found)
            continue
        return Affordable(row, score, confirmed, found)
    if not seen:
        raise BadInput(f"{folder}: no trial of this search was completed, so there is no best recipe")
    smallest, fastest = min(f.parameters for f in seen), min(f.latency for f in seen)
    raise BadInput(
        f"{folder}: none of its {len(seen)} complete trials is within the limits: the smallest has {smallest:,} "
        f"parameters, the fastest takes {1000 * fastest:.3g} ms an image here"
    )


def _best_first(study: Record) -> Iterator[tuple[Row, float, bool]]:
    """The complete trials of the search with their scores, and whether these were confirmed."""
    rows = {row.number: row for row in study.rows() if row.phase == Phase.SEARCH and row.state == "COMPLETE"}
    found = verdict(study)
    candidates = [c for c in found.candidates if c.confirmed.n] if found is not None else []
    for candidate in candidates:
        yield rows.pop(candidate.trial), candidate.confirmed.mean, True
    for row in sorted(rows.values(), key=lambda row: (-row.score, row.number)):
        yield row, row.score, False
