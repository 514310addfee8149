"""The whole pipeline against worlds whose truth is known; benchmarks/truth.py has the figures of many."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import pytest

from autocls.verdict.verdict import Word
from benchmarks.truth import LARGE, Outcome, false, study
from benchmarks.worlds import SD, TRICKS, World


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    worlds = [World(seed, null) for seed in range(1000, 1003) for null in (True, False)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return list(pool.map(partial(study, trials=400), worlds))


def test_where_no_trick_does_anything_none_is_claimed(outcomes: list[Outcome]) -> None:
    claims = [c for o in outcomes if o.world.null for c in o.claims if c.slot in TRICKS]
    assert claims
    assert not [c for c in claims if c.word in (Word.HELPS, Word.HURTS)]


def test_where_tricks_help_the_large_ones_are_found_and_nothing_false_is_claimed(outcomes: list[Outcome]) -> None:
    planted = [o for o in outcomes if not o.world.null]
    assert not [c for o in planted for c in o.claims if false(c, o.margin)]
    large = [(slot, o) for o in planted for slot, effect in o.helpful.items() if effect >= LARGE]
    found = [slot for slot, o in large if any(c.slot == slot and c.word == Word.HELPS for c in o.claims)]
    assert len(found) >= len(large) / 2 > 0


def test_the_confirmed_score_is_nearer_the_truth_than_the_search_score(outcomes: list[Outcome]) -> None:
    off = [abs(sum(getattr(o, of) for o in outcomes)) / len(outcomes) / SD for of in ("confirmed", "optimism")]
    assert off[0] < 0.5 < off[1]


def test_the_designed_runs_stay_within_their_share(outcomes: list[Outcome]) -> None:
    assert max(o.designed for o in outcomes) <= 0.41
