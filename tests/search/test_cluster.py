import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autocls.search.cluster import _HandOut, _Stop, _Tell
from autocls.search.driver import Budget, Driver, Move
from autocls.search.messages import Epoch
from autocls.search.study import Study
from autocls.space import Space


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    space = Space.load("quick").with_epochs(1)
    study = Study.create(tmp_path, None, space, {}, seed=3, sampler="random", pruner="none")

    def no_teacher(*_: Any) -> Path:
        raise AssertionError("nothing learns from another here")

    return Driver(study, Budget(), space.baseline(), time.monotonic(), lambda snapshot: None, no_teacher)


def test_a_free_worker_begins_what_waits_before_more_is_asked_for(driver: Driver):
    hand_out = _HandOut(driver, at_once=2)
    tell = _Tell(driver, hand_out)

    def begins(name: str) -> None:
        tell.on_trial_start(0, [], SimpleNamespace(trial_id=name))

    assert hand_out.suggest("a")
    assert hand_out.suggest("b")
    assert hand_out.suggest("c") is None  # no worker has begun: one recipe for each is enough
    begins("a")
    assert hand_out.suggest("c") is None
    begins("b")
    assert hand_out.suggest("c")  # waits for the first that is free
    assert hand_out.suggest("d") is None
    driver.take(hand_out.numbers["a"], Epoch(1, 0.5, 1.0))
    hand_out.on_trial_complete("a")
    assert hand_out.suggest("d") is None
    begins("c")
    assert hand_out.suggest("d")
    begins("d")  # on a node that joined: it is used, and one more waits
    assert hand_out.suggest("e")
    assert hand_out.suggest("f") is None


def test_a_worker_rests_while_what_runs_must_end_first(driver: Driver):
    hand_out = _HandOut(driver, at_once=2)
    stop, tell = _Stop(driver, hand_out), _Tell(driver, hand_out)
    driver._programme = iter([Move.SEARCH, Move.WAIT, Move.WAIT, Move.SEARCH])
    first = hand_out.suggest("a")
    assert hand_out.suggest("b") == {"job": None}
    assert hand_out.suggest("c") is None, "two workers have something to begin with"
    for name in ("a", "b"):
        tell.on_trial_start(0, [], SimpleNamespace(trial_id=name))
    assert hand_out.suggest("c") == {"job": None}
    assert not stop("b", {"said": None})
    tell.on_trial_error(0, [], SimpleNamespace(config={"job": None}))
    assert stop("a", {"said": Epoch(1, 0.5, 1.0)})
    assert stop("b", {"said": None}), "there may be work now"
    for name in ("a", "b", "c"):
        hand_out.on_trial_complete(name)
    assert hand_out.suggest("d")["job"].number == first["job"].number + 1


def test_a_job_says_from_which_score_on_weights_are_wanted(driver: Driver):
    hand_out = _HandOut(driver, at_once=1)
    first = hand_out.suggest("a")["job"]
    assert (first.number, first.seed, first.best) == (0, 3, float("-inf"))
    driver.take(0, Epoch(1, 0.75, 1.0))
    hand_out.on_trial_complete("a")
    assert hand_out.suggest("b")["job"].best == 0.75
