"""Verdicts as a search leaves them, made by hand."""

import math
from dataclasses import replace

from autocls.verdict.paragraph import write
from autocls.verdict.verdict import (
    SCHEMA,
    Candidate,
    Effect,
    Interaction,
    Mean,
    Opening,
    Phase,
    Screened,
    Share,
    Spent,
    Step,
    Trick,
    Verdict,
    Word,
)

UNKNOWN = Effect(math.nan, math.nan, math.nan, 0, 1.0, 1.0)
SAME = Effect(0.0, 0.0, 0.0, 8, 1.0, 1.0)

_ALL = Verdict(
    schema=SCHEMA,
    metric="accuracy",
    baseline=0,
    winner=9,
    margin=0.003,
    alpha=0.05,
    looks=(5, 8),
    spent=(
        Spent(Phase.SCREEN, 26, 78, 0.09),
        Spent(Phase.SEARCH, 64, 421, 0.5),
        Spent(Phase.CONFIRM, 26, 208, 0.25),
        Spent(Phase.ATTRIBUTE, 40, 140, 0.16),
    ),
    candidates=(
        Candidate(
            trial=9,
            search_score=0.9926,
            confirmed=Mean(0.98312, 0.98022, 0.98602, 8, 0.00347),
            failed=0,
            from_best=SAME,
            beats_baseline=Share(1.0, 0.93, 1.0),
            tied=True,
            seconds=12.4,
            parameters=61_706,
            recommended=True,
        ),
        Candidate(
            trial=21,
            search_score=0.9932,
            confirmed=Mean(0.98150, 0.97741, 0.98559, 8, 0.00489),
            failed=1,
            from_best=Effect(-0.00162, -0.0051, 0.00186, 8, 0.31, 0.289),
            beats_baseline=Share(0.9375, 0.8, 1.0),
            tied=True,
            seconds=31.0,
            parameters=2_278_604,
            recommended=False,
        ),
        Candidate(
            trial=0,
            search_score=0.9740,
            confirmed=Mean(0.96102, 0.95391, 0.96813, 8, 0.0085),
            failed=0,
            from_best=Effect(-0.0221, -0.0284, -0.0158, 8, 0.00006, 0.0078),
            beats_baseline=None,
            tied=False,
            seconds=8.9,
            parameters=None,
            recommended=False,
        ),
    ),
    confirmed=Mean(0.98312, 0.98022, 0.98602, 8, 0.00347),
    optimism=0.00948,
    gain=Effect(0.0221, 0.0158, 0.0284, 8, 0.00006, 0.0078),
    tricks=(
        Trick(
            slot="norm",
            choice="batch",
            instead="none",
            active=True,
            word=Word.HELPS,
            effect=Effect(0.0142, 0.0081, 0.0203, 8, 0.0008, 0.0078),
            p_holm=0.0032,
            failed=0,
        ),
        Trick(
            slot="optimizer",
            choice="adam(lr=0.00221)",
            instead="sgd(lr=0.1, momentum=0.9)",
            active=True,
            word=Word.UNDETERMINED,
            effect=Effect(0.0061, -0.0012, 0.0134, 8, 0.088, 0.109),
            p_holm=0.176,
            failed=1,
        ),
        Trick(
            slot="label_smoothing",
            choice="0.0893",
            instead="0.0",
            active=True,
            word=Word.NO_DIFFERENCE,
            effect=Effect(0.0003, -0.0017, 0.0023, 8, 0.73, 0.75),
            p_holm=0.73,
            failed=0,
        ),
        Trick(
            slot="mix",
            choice="mixup(alpha=0.119)",
            instead="none",
            active=False,
            word=Word.HURTS,
            effect=Effect(-0.0058, -0.0089, -0.0027, 8, 0.003, 0.0156),
            p_holm=0.009,
            failed=0,
        ),
    ),
    screened=(
        Screened("norm", "batch", 0.031, 0.012, 0.05, 13, 0.003),
        Screened("erase", "cutout", -0.004, -0.021, 0.013, 13, 0.61),
    ),
    interactions=(
        Interaction(
            first="norm",
            second="optimizer",
            both=0.98312,
            only_first=0.9770,
            only_second=0.9689,
            neither=0.9582,
            effect=Effect(-0.0046, -0.0127, 0.0035, 8, 0.22, 0.25),
            p_holm=0.22,
        ),
    ),
    path=(
        Step("", "", Mean(0.96102, 0.95391, 0.96813, 8, 0.0085), None),
        Step(
            "norm",
            "batch",
            Mean(0.9779, 0.9741, 0.9817, 8, 0.0045),
            Effect(0.01688, 0.0101, 0.0236, 8, 0.001, 0.0078),
        ),
        Step(
            "optimizer",
            "adam(lr=0.00221)",
            Mean(0.98312, 0.98022, 0.98602, 8, 0.00347),
            Effect(0.00522, -0.0012, 0.0116, 8, 0.1, 0.12),
        ),
    ),
    test=Opening(images=360, winner=0.979, baseline=0.958, times=1),
    notes=("The screening runs took 3 of 8 epochs", "batch_size was not taken out: the time was up"),
    paragraph="",
)
VERDICT = replace(_ALL, paragraph=write(_ALL))
"""Of a search whose phases all ran; its numbers fit together as a real one's do."""

_LITTLE = replace(
    _ALL,
    winner=0,
    looks=(),
    spent=(Spent(Phase.SEARCH, 12, 96, 1.0),),
    candidates=(),
    confirmed=Mean(math.nan, math.nan, math.nan, 0, math.nan),
    optimism=math.nan,
    gain=UNKNOWN,
    tricks=(),
    screened=(),
    interactions=(),
    path=(),
    test=None,
    notes=("Nothing was confirmed: the time was up",),
)
BARE = replace(_LITTLE, paragraph=write(_LITTLE))
"""Of a search that had time for nothing but itself."""
