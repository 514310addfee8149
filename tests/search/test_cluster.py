import math
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autocls.search.cluster import SIT_OUT, _HandOut, _Stop, _Watch, why_lost
from autocls.search.driver import Driver
from autocls.search.messages import Epoch, Move
from autocls.search.placement import Resources
from autocls.search.snapshot import Budget
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
    tell = _Watch(driver, hand_out, Resources())

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
    tell = _Watch(driver, hand_out, Resources())
    stop = _Stop(driver, hand_out, tell)
    driver._programme = iter([Move.SEARCH, Move.WAIT, Move.WAIT, Move.SEARCH])
    first = hand_out.suggest("a")
    assert hand_out.suggest("b") == {"job": None}
    assert hand_out.suggest("c") is None, "two workers have something to begin with"
    for name in ("a", "b"):
        tell.on_trial_start(0, [], SimpleNamespace(trial_id=name))
    assert hand_out.suggest("c") == {"job": None}
    assert not stop("b", {"said": None})
    tell.on_trial_error(0, [], SimpleNamespace(trial_id="z", config={"job": None}))
    assert stop("a", {"said": Epoch(1, 0.5, 1.0)})
    assert stop("b", {"said": None}), "there may be work now"
    for name in ("a", "b", "c"):
        hand_out.on_trial_complete(name)
    assert hand_out.suggest("d")["job"].number == first["job"].number + 1


def test_a_worker_rests_no_longer_than_until_a_trial_is_to_be_tried_again(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("autocls.search.retries.PAUSE", 0.3)
    hand_out = _HandOut(driver, at_once=1)
    tell = _Watch(driver, hand_out, Resources())
    stop = _Stop(driver, hand_out, tell)
    driver._programme = iter([Move.SEARCH, Move.WAIT])
    first = hand_out.suggest("a")["job"]
    tell.on_trial_start(0, [], SimpleNamespace(trial_id="a"))
    assert stop("a", {"said": Epoch(0, math.nan, 0.0, failure="on x: out of memory", passing=True)})
    hand_out.on_trial_complete("a")
    assert hand_out.suggest("b") == {"job": None}
    tell.on_trial_start(0, [], SimpleNamespace(trial_id="b"))
    assert not stop("b", {"said": None})
    time.sleep(0.4)
    assert stop("b", {"said": None}), "nobody else would ask for it"
    hand_out.on_trial_complete("b")
    assert hand_out.suggest("c")["job"] == first


def test_a_rest_ends_when_a_trial_waits_for_a_worker(driver: Driver, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("autocls.search.retries.PAUSE", 0.0)
    hand_out = _HandOut(driver, at_once=2)
    tell = _Watch(driver, hand_out, Resources())
    stop = _Stop(driver, hand_out, tell)
    driver._programme = iter([Move.SEARCH, Move.WAIT, Move.WAIT])
    assert hand_out.suggest("a")["job"]
    tell.on_trial_start(0, [], SimpleNamespace(trial_id="a"))
    assert hand_out.suggest("b") == {"job": None}
    tell.on_trial_start(0, [], SimpleNamespace(trial_id="b"))
    assert hand_out.suggest("c") == {"job": None}
    assert not stop("b", {"said": None}), "what is awaited runs"
    hand_out.on_trial_complete("c")
    driver.lost(hand_out.numbers["a"], "its worker died", "")  # with its node: no other worker will come
    hand_out.on_trial_complete("a")
    assert hand_out.suggest("d")["job"]
    assert not driver._retries
    driver._waits = True  # as it is once the programme was asked again
    assert stop("b", {"said": None}), "what is awaited waits for this very worker"


def test_a_worker_that_is_unfit_sits_out_and_its_trial_goes_elsewhere(driver: Driver, monkeypatch: pytest.MonkeyPatch):
    hand_out = _HandOut(driver, at_once=2)
    tell = _Watch(driver, hand_out, Resources())
    stop = _Stop(driver, hand_out, tell)
    spoilt = hand_out.suggest("a")["job"].number
    assert hand_out.suggest("b")
    for name in ("a", "b"):
        tell.on_trial_start(0, [], SimpleNamespace(trial_id=name))
    unfit = Epoch(0, math.nan, 45.0, worker="n7:1", failure="on n7: pets: can't be read", passing=True, unfit=True)
    assert not stop("a", {"said": unfit}), "it rests"
    assert driver.tries(spoilt) == 1
    assert not stop("a", {"said": None})
    tell.on_trial_error(0, [], SimpleNamespace(trial_id="a", config={"job": SimpleNamespace(number=spoilt)}))
    assert driver.tries(spoilt) == 1, "a worker that dies while it rests costs no trial"
    now = time.monotonic()
    monkeypatch.setattr("autocls.search.cluster.time.monotonic", lambda: now + SIT_OUT - 1)
    assert not stop("a", {"said": None})
    monkeypatch.setattr("autocls.search.cluster.time.monotonic", lambda: now + SIT_OUT + 1)
    assert stop("a", {"said": None})
    hand_out.on_trial_complete("a")
    assert not stop("b", {"said": replace(unfit, worker="n8:1")})
    assert hand_out.suggest("c")["job"].number == spoilt, "it goes to another worker first"
    tell.on_trial_start(0, [], SimpleNamespace(trial_id="c"))
    assert not stop("c", {"said": unfit})
    assert stop("c", {"said": None}), "all rest: nobody else could take what they had"


def test_a_job_says_from_which_score_on_weights_are_wanted(driver: Driver):
    hand_out = _HandOut(driver, at_once=1)
    first = hand_out.suggest("a")["job"]
    assert (first.number, first.seed, first.best) == (0, 3, float("-inf"))
    driver.take(0, Epoch(1, 0.75, 1.0))
    hand_out.on_trial_complete("a")
    assert hand_out.suggest("b")["job"].best == 0.75


def test_no_more_trials_are_out_than_may_run_at_once(driver: Driver):
    hand_out = _HandOut(driver, at_once=2, most=2)
    tell = _Watch(driver, hand_out, Resources())
    for name in ("a", "b"):
        assert hand_out.suggest(name)
        tell.on_trial_start(0, [], SimpleNamespace(trial_id=name))
    assert hand_out.suggest("c") is None
    driver.take(hand_out.numbers["a"], Epoch(1, 0.5, 1.0))
    hand_out.on_trial_complete("a")
    assert hand_out.suggest("c")


def test_a_worker_that_ray_kills_for_memory_is_said_so_with_its_node_and_not_in_ray_s_prose():
    said = (
        "Failure # 1 (occurred at 2026-11-25_10-24-25)\n"
        "1 worker(s) were killed due to the node running low on memory. Memory on the node (IP: 192.0.2.2, ID: "
        "242c076449db6922cd1bdd0918e446448482b5ea423e01d370d43525) was 8.59GB used / 23.54GB limit (0.364706)\n"
        "OOM kill reason: Memory usage 9115738112B exceeded threshold of 505521248B (2.0% of 25276063744B limit)\n"
        "Refer to the documentation on how to address the out of memory issue: https://docs.ray.io/."
    )
    assert why_lost(said) == "on 192.0.2.2: out of memory: 8.59GB of 23.54GB were used"
