"""Which of the search's best to use: each of them, and the baseline, run again on fresh seeds.

The frame of these runs has a row a run, with the columns ``candidate`` (the trial's number), ``seed``, ``score`` (0..1,
NaN where the run failed), ``seconds`` and ``parameters``. All run the same seeds, so runs are paired by seed.
"""

import math
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import replace

import numpy as np
import pandas as pd

from autocls.verdict.effects import Floats, mean, outperforms, paired
from autocls.verdict.verdict import Candidate

CHEAPER = 0.9
"""The share of the best's training time from which a candidate that ties is worth having instead."""


def confirm(
    runs: pd.DataFrame,
    search_scores: Mapping[int, float],
    baseline: int,
    margin: float,
    barred: Collection[int] = (),
) -> tuple[Candidate, ...]:
    """The candidates, best first; nothing without runs.

    First come those with the most seeds (a candidate with fewer was told from the best before), of these those with the
    fewest failed runs, of these the best means. Tied with the first is who didn't fail more often and whose paired
    difference from it has a 95 % t interval that doesn't lie below 0. Recommended is the first, unless others tie with
    it, have a mean within the margin of its, and take at most 90 % of its time, seed by seed, by the upper end of the
    95 % t interval of the ratio: then the fastest of these. A clock's noise is no saving, and neither is what one seed
    took. The baseline is a candidate like the others. Who is barred comes last, ties with nobody and isn't recommended.
    """
    if runs.empty:
        return ()
    tables = {
        trial: runs[runs["candidate"] == trial].set_index("seed").sort_index()
        for trial in map(int, runs["candidate"].unique())
    }
    most = max(map(len, tables.values()))

    def place(trial: int) -> tuple[bool, bool, int, float, int]:
        scores = tables[trial]["score"]
        behind = -float(scores.mean()) if scores.count() else np.inf
        return trial in barred, len(scores) < most, int(scores.isna().sum()), behind, trial

    order = sorted(tables, key=place)
    best = tables[order[0]]
    reference = None if baseline not in tables else tables[baseline]["score"]
    candidates = [
        _candidate(
            trial, tables[trial], search_scores.get(trial, np.nan), best, None if trial == baseline else reference
        )
        for trial in order
    ]
    cheaper = {trial for trial in order if _times(tables[trial], best) <= CHEAPER}
    candidates = [replace(each, tied=each.tied and each.trial not in barred) for each in candidates]
    chosen = _recommended(candidates, cheaper, margin)
    return tuple(replace(each, recommended=each.trial == chosen) for each in candidates)


def close_calls(candidates: Sequence[Candidate]) -> list[int]:
    """The trials to run with more seeds: the best and all that tie with it; none if nothing does."""
    tied = [each.trial for each in candidates if each.tied]
    return tied if len(tied) > 1 else []


def _candidate(
    trial: int, runs: pd.DataFrame, search_score: float, best: pd.DataFrame, baseline: "pd.Series[float] | None"
) -> Candidate:
    scores, best_scores = runs["score"], best["score"]
    failed = int(scores.isna().sum())
    from_best = paired((scores - best_scores).to_numpy())
    share = None if baseline is None else outperforms(*_shared(scores, baseline))
    parameters = runs["parameters"].dropna()
    return Candidate(
        trial=trial,
        search_score=float(search_score),
        confirmed=mean(scores.to_numpy()),
        failed=failed,
        from_best=from_best,
        beats_baseline=None if share is None or np.isnan(share.value) else share,
        tied=failed <= int(best_scores.isna().sum()) and not from_best.high < 0,
        seconds=float(runs["seconds"].median()),
        parameters=None if parameters.empty else int(parameters.iloc[0]),
        recommended=False,
    )


def _shared(a: "pd.Series[float]", b: "pd.Series[float]") -> tuple[Floats, Floats]:
    """Of the seeds that both ran."""
    left, right = a.align(b, join="inner")
    return left.to_numpy(), right.to_numpy()


def _times(runs: pd.DataFrame, best: pd.DataFrame) -> float:
    """The share of the best's time that runs take for sure; NaN with less than two seeds that both finished."""
    seconds, best_seconds = _shared(
        *(each["seconds"].where(each["score"].notna() & each["seconds"].gt(0)) for each in (runs, best))
    )
    return math.exp(paired(np.log(seconds) - np.log(best_seconds)).high)


def _recommended(candidates: Sequence[Candidate], cheaper: Set[int], margin: float) -> int:
    best = candidates[0]
    instead = [
        each
        for each in candidates
        if each.tied and each.trial in cheaper and each.confirmed.mean >= best.confirmed.mean - margin
    ]
    return min(instead, key=lambda each: each.seconds, default=best).trial
