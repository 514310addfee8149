import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autocls.errors import BadInput
from autocls.search.cluster import Resources, _HandOut, _Stop, _Watch, fit
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


def trial(name: str, worker: str) -> SimpleNamespace:
    """Tune's, as its callbacks get it."""
    return SimpleNamespace(trial_id=name, temporary_state=SimpleNamespace(ray_actor=worker))


def test_a_free_worker_begins_what_waits_before_more_is_asked_for(driver: Driver):
    hand_out = _HandOut(driver, at_once=2)
    tell = _Watch(driver, hand_out, Resources())

    def begins(name: str) -> None:
        tell.on_trial_start(0, [], trial(name, worker=name))

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


def test_a_free_worker_gets_a_trial_of_its_own_while_another_starts(driver: Driver):
    hand_out = _HandOut(driver, at_once=2)
    tell = _Watch(driver, hand_out, Resources())
    assert hand_out.suggest("a")
    assert hand_out.suggest("b")
    tell.on_trial_start(0, [], trial("a", worker="first"))
    hand_out.on_trial_complete("a")
    assert hand_out.suggest("c"), "b waits for its own worker"
    assert hand_out.suggest("d") is None
    tell.on_trial_start(0, [], trial("c", worker="first"))
    tell.on_trial_start(0, [], trial("b", worker="second"))
    hand_out.on_trial_complete("c")
    assert hand_out.suggest("d"), "both are there: one more is asked for ahead"
    assert hand_out.suggest("e") is None


def test_a_worker_rests_while_what_runs_must_end_first(driver: Driver):
    hand_out = _HandOut(driver, at_once=2)
    tell = _Watch(driver, hand_out, Resources())
    stop = _Stop(driver, hand_out, tell)
    driver._programme = iter([Move.SEARCH, Move.WAIT, Move.WAIT, Move.SEARCH])
    first = hand_out.suggest("a")
    assert hand_out.suggest("b") == {"job": None}
    assert hand_out.suggest("c") is None, "two workers have something to begin with"
    for name in ("a", "b"):
        tell.on_trial_start(0, [], trial(name, worker=name))
    assert hand_out.suggest("c") == {"job": None}
    assert not stop("b", {"said": None})
    tell.on_trial_error(0, [], SimpleNamespace(trial_id="z", config={"job": None}))
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


def test_no_more_trials_are_out_than_may_run_at_once(driver: Driver):
    hand_out = _HandOut(driver, at_once=2, most=2)
    tell = _Watch(driver, hand_out, Resources())
    for name in ("a", "b"):
        assert hand_out.suggest(name)
        tell.on_trial_start(0, [], trial(name, worker=name))
    assert hand_out.suggest("c") is None
    driver.take(hand_out.numbers["a"], Epoch(1, 0.5, 1.0))
    hand_out.on_trial_complete("a")
    assert hand_out.suggest("c")


SMALL, LARGE = {"CPU": 4.0, "GPU": 1.0}, {"CPU": 8.0, "GPU": 4.0}


@pytest.mark.parametrize(
    ("wanted", "nodes", "at_once", "gpus"),
    [
        (Resources(), [{"CPU": 4.0}], 4, 0),
        (Resources(), [SMALL, LARGE], 5, 1),
        (Resources(cpus=3), [SMALL, LARGE], 3, 1),
        (Resources(gpus=0.5), [SMALL, LARGE], 10, 0.5),
        (Resources(gpus=0.25, at_once=3), [LARGE], 3, 0.25),
        (Resources(gpus=2), [SMALL, LARGE], 2, 2),
        (Resources(gpus=5), [SMALL, LARGE], 1, 5),  # over both nodes
        (Resources(gpus=0), [SMALL, LARGE], 12, 0),
        (Resources(cpus=0, gpus=1), [SMALL, LARGE], 5, 1),
    ],
)
def test_so_many_trials_run_at_once(wanted: Resources, nodes: list[Any], at_once: int, gpus: float):
    found, rooms = fit(wanted, nodes)
    assert (rooms, found.gpus) == (at_once, gpus)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Resources(cpus=9), r"--cpus-per-trial 9: no node has that many; nodes: 2 × 4 CPU, 1 GPU; 1 × 8 CPU, 4 GPU"),
        (Resources(gpus=7), r"--cpus-per-trial 1 --gpus-per-trial 7: no room for a single trial; nodes: 2 × 4 CPU"),
        (Resources(gpus=1.5), r"--gpus-per-trial 1.5: a fraction of one GPU, or a whole number of them"),
        (Resources(cpus=0, gpus=0), "a trial must take something"),
    ],
)
def test_a_trial_that_finds_no_room_is_refused_and_what_there_is_named(wanted: Resources, message: str):
    with pytest.raises(BadInput, match=message):
        fit(wanted, [SMALL, LARGE, SMALL])
