import pytest

from autocls.recipe import Recipe
from autocls.search import retries
from autocls.search.messages import Asked
from autocls.search.retries import TRIES, Retries
from autocls.verdict.verdict import Phase

TRIAL = Asked(3, Recipe(), 0, Phase.SEARCH)


def test_what_an_earlier_process_left_is_due_at_once_and_in_order():
    left = [TRIAL, Asked(5, Recipe(norm="batch"), 0, Phase.SEARCH)]
    waiting = Retries(left)
    assert [waiting.take() for _ in left if waiting.due] == left
    assert not waiting
    assert not waiting.due


def test_a_trial_is_tried_again_after_a_pause_and_not_for_ever(monkeypatch: pytest.MonkeyPatch):
    now = 100.0
    monkeypatch.setattr(retries.time, "monotonic", lambda: now)
    waiting, asked = Retries([]), TRIAL
    for tries in range(1, TRIES):
        again = waiting.again(asked)
        assert again is not None
        assert again.tries == tries
        assert waiting
        assert not waiting.due
        now += retries.PAUSE
        assert waiting.due
        asked = waiting.take()
    assert waiting.again(asked) is None
    assert not waiting


def test_a_recipe_that_ended_its_workers_is_known_by_the_trial_that_did():
    waiting = Retries([])
    assert waiting.culprit(TRIAL.recipe) is None
    waiting.quarantine(TRIAL)
    assert waiting.culprit(TRIAL.recipe) == 3
    assert waiting.culprit(Recipe(norm="batch")) is None
