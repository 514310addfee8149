"""The verdict of a study, from the frames of its phases: any may be empty."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from autocls.verdict.attribution import WINNER, Claim, attribute, interactions, path
from autocls.verdict.confirmation import confirm
from autocls.verdict.effects import ALPHA, mean, paired
from autocls.verdict.effects import margin as default_margin
from autocls.verdict.paragraph import write
from autocls.verdict.screening import estimate
from autocls.verdict.verdict import SCHEMA, Opening, Spent, Verdict


@dataclass(frozen=True)
class Evidence:
    """What a study has to show. Frames have the columns that the modules of their phases describe, or are empty."""

    metric: str
    baseline: int
    """A trial's number, likewise ``winner``."""
    winner: int
    search_scores: Mapping[int, float]
    """Trial → its score in the search, in 0..1."""
    confirm: pd.DataFrame
    attribute: pd.DataFrame
    claims: tuple[Claim, ...]
    """What was asked in ``attribute``."""
    pairs: tuple[tuple[str, str], ...]
    """Of slots whose interaction was asked for there."""
    baseline_arm: str
    """The arm that is the baseline, all of the winner's tricks set back; the winner's own where it is the baseline."""
    order: tuple[str, ...]
    """The slots of the winner's tricks as the ablation path takes them in; empty where none was run."""
    looks: tuple[int, ...]
    """The numbers of seeds after which tricks are judged."""
    screen: pd.DataFrame
    neutral: Mapping[str, str]
    """Slot → its neutral choice, of the slots of ``screen``."""
    spent: tuple[Spent, ...]
    test: Opening | None
    notes: tuple[str, ...]
    barred: tuple[int, ...]
    """Trials that are there to compare with and can't win."""
    margin: float | None
    """The difference to call none; None for a tenth of the error that the winner leaves, 0.1 to 0.5 points."""


def judge(evidence: Evidence) -> Verdict:
    """All that the evidence allows to claim.

    The winner's score and its gain over the baseline come from the attribution runs, whose seeds took no part in
    choosing it; for want of those from the confirming runs, and a note says so.
    """
    fresh, chosen = evidence.attribute, evidence.confirm
    scores, gains = _scores(fresh, "arm", WINNER), _gains(fresh, "arm", WINNER, evidence.baseline_arm)
    reused = []
    if scores.isna().all():
        scores = _scores(chosen, "candidate", evidence.winner)
        if scores.notna().any():
            reused.append("score")
    if gains.isna().all():
        gains = _gains(chosen, "candidate", evidence.winner, evidence.baseline)
        if gains.notna().any():
            reused.append("gain over the baseline")
    notes = [*evidence.notes]
    if reused:
        notes.append(f"The runs that give its {' and '.join(reused)} also chose the winner, so they may flatter it")

    confirmed = mean(scores.tolist())
    seen = evidence.search_scores.get(evidence.winner, np.nan)
    margin = evidence.margin
    if margin is None:
        margin = default_margin(confirmed.mean if confirmed.n else float(np.nan_to_num(seen)))
    tricks = attribute(fresh, evidence.claims, margin, evidence.looks)
    verdict = Verdict(
        schema=SCHEMA,
        metric=evidence.metric,
        baseline=evidence.baseline,
        winner=evidence.winner,
        margin=margin,
        alpha=ALPHA,
        looks=tuple(look for look in evidence.looks if look <= scores.count()),
        spent=evidence.spent,
        candidates=confirm(chosen, evidence.search_scores, evidence.baseline, margin, evidence.barred),
        confirmed=confirmed,
        optimism=seen - confirmed.mean,
        gain=paired(gains.tolist()),
        tricks=tricks,
        screened=tuple(s for s in estimate(evidence.screen, evidence.neutral) if not np.isnan(s.effect)),
        interactions=interactions(fresh, evidence.pairs),
        path=path(fresh, evidence.order, evidence.claims) if evidence.order else (),
        test=evidence.test,
        notes=tuple(notes),
        paragraph="",
    )
    return replace(verdict, paragraph=write(verdict))


def _scores(runs: pd.DataFrame, column: str, of: str | int | None) -> "pd.Series[float]":
    """By seed."""
    return pd.Series(dtype=float) if runs.empty else runs[runs[column] == of].set_index("seed")["score"].astype(float)


def _gains(runs: pd.DataFrame, column: str, winner: str | int, baseline: str | int | None) -> "pd.Series[float]":
    """By seed; NaN where either did not finish."""
    return _scores(runs, column, winner) - _scores(runs, column, baseline)
