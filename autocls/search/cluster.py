"""Ray Tune: places the driver's trials on workers that stay warm, and knows nothing of studies or training.

Measured: a function trainable that imports torch costs 2 s a trial, a reused class trainable 0.02 s. So a worker is a
class that takes recipe after recipe. Ray's own OptunaSearch would tell every trial that a scheduler stopped as
complete; here the stopper asks the study, and the searcher only hands recipes out.
"""

import logging
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from autocls.search.checkpoint import CHECKPOINTS
from autocls.search.driver import Driver
from autocls.search.messages import Epoch
from autocls.search.placement import Resources, room
from autocls.search.runner import Runner
from autocls.search.worker import Worker

FAR_AHEAD = 1
"""Recipes asked beyond the running ones: a worker that falls free finds the next one waiting, and stays warm for it."""


SIT_OUT = 60.0
"""Seconds for which a worker whose machine can't read the images takes no trial; each time twice as long."""
LOOK = 5.0
"""Seconds between two looks at which nodes there are: ones that join are used."""
PATIENT = 3
"""A trial is taken for hung after so many times the longest epoch of the search, should that be more than ``stall``."""


def nodes_here() -> list[Mapping[str, float]]:
    """What each node of the connected cluster offers."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def run(driver: Driver, runner: Runner, *, resources: Resources, at_once: int, scratch: Path) -> None:
    """Train the driver's trials until it has no more, its time is up, or the user interrupts (ctrl-C).

    Nodes that share ``scratch`` keep checkpoints there; the others go without.
    """
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # a trial's failure stands in the study, with its reason
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(at_once + FAR_AHEAD)  # so that all the workers start at once
    hand_out = _HandOut(driver, at_once, resources.at_once)
    watch = _Watch(driver, hand_out, resources)
    threads = max(1, int(resources.cpus))
    with tempfile.TemporaryDirectory(prefix="autocls-") as elsewhere:  # of what Tune keeps nothing is needed
        tune.run(
            tune.with_parameters(
                Worker, runner=runner, checkpoints=scratch / CHECKPOINTS, threads=threads, devices=resources.devices
            ),
            name="trials",
            storage_path=elsewhere,
            search_alg=hand_out,
            scheduler=_Newest(),  # type: ignore[no-untyped-call]  # Ray's own __init__
            num_samples=-1,
            stop=_Stop(driver, hand_out, watch),
            callbacks=[watch],
            resources_per_trial=tune.PlacementGroupFactory([resources.bundle] * resources.devices),
            reuse_actors=True,
            max_failures=0,
            raise_on_failed_trial=False,
            trial_dirname_creator=str,
            verbose=0,
        )


_QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the study keeps the results
    "TUNE_DISABLE_AUTO_CALLBACK_SYNCER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # the study is what a search resumes from
    "TUNE_RESULT_BUFFER_LENGTH": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "0",
}


class _Newest(FIFOScheduler):
    """Tune's scheduler: a free worker takes the trial that was asked for last.

    The oldest that waits has a worker of its own on the way, which Tune would end as it starts: where a trial takes
    less time than a worker's start, no second worker ever came up.
    """

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        return next((trial for trial in reversed(tune_controller.get_trials()) if trial.status == Trial.PENDING), None)


class _HandOut(Searcher):
    """Tune's searcher: hands out what the driver asks for, at most ``at_once`` trials and one waiting.

    Tune asks for more before it gives a free worker what waits, so more is asked for only when nothing waits for one.
    While the driver waits for what runs, free workers get rest: Tune closes a worker that has no trial, and another one
    takes ten seconds to come up.
    """

    def __init__(self, driver: Driver, at_once: int, most: int | None = None) -> None:
        super().__init__(metric="score", mode="max")
        self._driver = driver
        self.at_once = at_once
        self._most = most
        """Trials that are out at the same time, where that is limited: none is asked ahead then."""
        self.waiting: set[str] = set()
        """Tune's names of trials that are out and have not begun."""
        self.numbers: dict[str, int] = {}
        """The study's number of each trial that is out, by Tune's name for it."""
        self.resting: set[str] = set()
        """Tune's names of the rests that are out."""
        self._sits_out: dict[str, float] = {}
        """Tune's names of trials that were taken from an unfit worker, and until when it rests; monotonic times."""
        self._unfit: Counter[str] = Counter()
        """How often each worker was."""

    def suggest(self, trial_id: str) -> Any:
        out = len(self.numbers) + len(self.resting)
        free = self.at_once - (out - len(self.waiting))
        if len(self.waiting) >= max(free, FAR_AHEAD) or (self._most is not None and out >= self._most):
            return None
        asked = self._driver.ask()
        if asked is None and self._driver.waits:
            self.resting.add(trial_id)
            self.waiting.add(trial_id)
            return {"job": None}
        if asked is None:
            return Searcher.FINISHED if self._driver.asked_all() or self._driver.time_is_up() else None
        self.numbers[trial_id] = asked.number
        self.waiting.add(trial_id)
        return {"job": self._driver.job(asked)}

    def sit_out(self, trial_id: str, worker: str) -> None:
        """Let a worker that is unfit rest, whose trial goes elsewhere: it would spoil one after another."""
        del self.numbers[trial_id]
        self.resting.add(trial_id)
        self._sits_out[trial_id] = time.monotonic() + SIT_OUT * 2.0 ** self._unfit[worker]
        self._unfit[worker] += 1

    def has_rested(self, trial_id: str) -> bool:
        """Whether a worker that rests had better take a trial: one waits, none is awaited, or all are unfit."""
        if trial_id not in self._sits_out:
            return not self._driver.waits or not self.waiting.isdisjoint(self.numbers)
        over = time.monotonic() >= self._sits_out[trial_id] or len(self._sits_out) >= self.at_once
        return over or self._driver.asked_all()

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self.numbers.pop(trial_id, None)
        self.resting.discard(trial_id)
        self._sits_out.pop(trial_id, None)
        self.waiting.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the study is kept by itself."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the study is kept by itself."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Stop(tune.Stopper):
    """Tune's stopper: sees every result first, and asks the study."""

    def __init__(self, driver: Driver, hand_out: _HandOut, watch: "_Watch") -> None:
        self._driver = driver
        self._hand_out = hand_out
        self._watch = watch

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        said: Epoch | None = result.pop("said")  # Tune keeps every trial's last result, and weights may be in it
        if said is None:
            return self._hand_out.has_rested(trial_id)
        self._watch.heard(trial_id, said)
        number = self._hand_out.numbers.get(trial_id)
        if number is None:
            return True
        ends = self._driver.take(number, said)
        if not said.unfit:
            return ends
        self._hand_out.sit_out(trial_id, said.worker)
        self._watch.taken_back(trial_id)
        return False

    def stop_all(self) -> bool:
        return self._driver.time_is_up()

    def __getstate__(self) -> dict[str, Any]:
        return {}


@dataclass
class _Running:
    trial: Any
    """Tune's."""
    number: int | None
    """The study's of it; None when it rests."""
    heard: float
    """When it last said something, or began; a monotonic time."""


class _Watch(tune.Callback):
    """Sees which trials begin, which workers die or say nothing for too long, and which nodes there are."""

    def __init__(self, driver: Driver, hand_out: _HandOut, resources: Resources) -> None:
        self._driver = driver
        self._hand_out = hand_out
        self._resources = resources
        self._running: dict[str, _Running] = {}
        self._longest = 0.0
        """Epoch of the search, in seconds."""
        self._killed: dict[str, str] = {}
        """Why, by Tune's name of the trial."""
        self._looked = time.monotonic()

    def heard(self, trial_id: str, said: Epoch) -> None:
        """Take in that a trial's worker is alive."""
        self._longest = max(self._longest, said.seconds)
        if trial_id in self._running:
            self._running[trial_id].heard = time.monotonic()

    def taken_back(self, trial_id: str) -> None:
        """Take in that a trial's worker has it no more, and rests."""
        self._running[trial_id].number = None

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        now = time.monotonic()
        if now - self._looked < min(LOOK, self._resources.stall / 4):
            return
        self._looked = now
        self._hand_out.at_once = max(1, room(self._resources, nodes_here()))
        for running in list(self._running.values()):
            self._end_if_hung(running, now)

    def _end_if_hung(self, running: _Running, now: float) -> None:
        """Kill the worker of a trial that says nothing; each try of a trial gets twice as long as the one before."""
        trial_id = running.trial.trial_id
        if running.number is None or trial_id in self._killed:
            return
        patience = max(self._resources.stall, PATIENT * self._longest) * 2 ** self._driver.tries(running.number)
        if now - running.heard > patience and running.trial.temporary_state.ray_actor is not None:
            self._killed[trial_id] = f"no report in {patience:.0f} s (--stall)"
            ray.kill(running.trial.temporary_state.ray_actor)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._hand_out.waiting.discard(trial.trial_id)
        number = self._hand_out.numbers.get(trial.trial_id)
        self._running[trial.trial_id] = _Running(trial, number, time.monotonic())

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._running.pop(trial.trial_id, None)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        job, running = trial.config["job"], self._running.pop(trial.trial_id, None)
        if job is None or (running is not None and running.number is None):
            return
        said = Path(trial.error_file).read_text(encoding="utf-8").strip()
        reason = self._killed.pop(trial.trial_id, "") or why_lost(said)
        self._driver.lost(job.number, reason, said)


_LOW_ON_MEMORY = re.compile(
    r"killed due to the node running low on memory\. Memory on the node \(IP: ([^,)]+).* was (\S+) used / (\S+) limit"
)
"""What Ray's memory monitor says of a worker that it killed: the node, and of its memory what was used and is there."""


def why_lost(said: str) -> str:
    """What Ray says of a worker that is gone, in a line, without its advice."""
    if (killed := _LOW_ON_MEMORY.search(said)) is not None:
        return "on {}: out of memory: {} of {} were used".format(*killed.groups())
    last = said.splitlines()[-1].partition(" Some common causes")[0]
    where = re.findall(r"^\s*ip: (\S+)$", said, re.MULTILINE)
    return f"its worker died{f' on {where[-1]}' if where else ''}: {last.rpartition('Worker exit detail: ')[2]}"
