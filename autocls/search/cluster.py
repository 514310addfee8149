"""Ray Tune: places the driver's trials on workers that stay warm, and knows nothing of studies or training.

Measured: a function trainable that imports torch costs 2 s a trial, a reused class trainable 0.02 s. So a worker is a
class that takes recipe after recipe. Ray's own OptunaSearch would tell every trial that a scheduler stopped as
complete; here the stopper asks the study, and the searcher only hands recipes out.
"""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.search import Searcher

from autocls.errors import BadInput
from autocls.search.driver import Driver
from autocls.search.runner import Runner
from autocls.search.worker import Worker

FAR_AHEAD = 1
"""Recipes asked beyond the running ones: a worker that falls free finds the next one waiting, and stays warm for it."""


@dataclass(frozen=True)
class Resources:
    """What one trial takes; GPUs may be a fraction, None is one if the cluster has any."""

    cpus: float = 1
    """For each of its GPUs, if it has several."""
    gpus: float | None = None

    @property
    def devices(self) -> int:
        """How many processes train it: one for each of its GPUs."""
        return max(1, int(self.gpus or 0))

    def bundle(self) -> dict[str, float]:
        """What one of them takes, which must be on one node."""
        return {"CPU": self.cpus, "GPU": (self.gpus or 0) / self.devices}


def fit(wanted: Resources) -> tuple[Resources, int]:
    """The resources of a trial, and how many trials run at once. Raises BadInput when not even one fits a node."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = wanted.gpus if wanted.gpus is not None else float(any(n.get("GPU", 0) >= 1 for n in nodes))
    if gpus > 1 and gpus != int(gpus):
        raise BadInput(f"--gpus-per-trial {gpus:g}: several GPUs must be whole ones")
    resources = Resources(wanted.cpus, gpus)
    bundle = resources.bundle()
    for name, amount in bundle.items():
        offered = max(n.get(name, 0) for n in nodes)
        if amount > offered:
            asked = {"CPU": wanted.cpus, "GPU": gpus}[name]
            raise BadInput(
                f"--{name.lower()}s-per-trial {asked:g}: no node has that many {name}s; the largest offers {offered:g}"
            )
    if not any(bundle.values()):
        raise BadInput("--cpus-per-trial 0 --gpus-per-trial 0: a trial must take something")
    rooms = sum(min(int(n.get(k, 0) / a) for k, a in bundle.items() if a) for n in nodes)
    if rooms < resources.devices:
        raise BadInput(f"--gpus-per-trial {gpus:g}: there is room for {rooms}, with {wanted.cpus:g} CPUs for each")
    return resources, rooms // resources.devices


def run(driver: Driver, runner: Runner, *, resources: Resources, at_once: int, scratch: Path) -> None:
    """Train the driver's trials until it has no more, its time is up, or the user interrupts (ctrl-C).

    ``scratch`` must be reachable from every node; the best weights so far come to lie below it.
    """
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # a trial's failure stands in the study, with its reason
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(at_once + FAR_AHEAD)  # so that all the workers start at once
    hand_out = _HandOut(driver, at_once)
    threads = max(1, int(resources.cpus))
    tune.run(
        tune.with_parameters(
            Worker,
            runner=runner,
            weights=scratch.resolve() / "weights",
            threads=threads,
            devices=resources.devices,
        ),
        name="trials",
        storage_path=str(scratch.resolve()),
        search_alg=hand_out,
        num_samples=-1,
        stop=_Stop(driver, hand_out),
        callbacks=[_Tell(driver, hand_out)],
        resources_per_trial=tune.PlacementGroupFactory([resources.bundle()] * resources.devices, strategy="PACK"),
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


class _HandOut(Searcher):
    """Tune's searcher: hands out what the driver asks for, at most ``at_once`` trials and one waiting.

    Tune asks for more before it gives a free worker what waits, so more is asked for only when nothing waits for one.
    While the driver waits for what runs, free workers get rest: Tune closes a worker that has no trial, and another one
    takes ten seconds to come up.
    """

    def __init__(self, driver: Driver, at_once: int) -> None:
        super().__init__(metric="score", mode="max")
        self._driver = driver
        self._at_once = at_once
        self.waiting: set[str] = set()
        """Tune's names of trials that are out and have not begun."""
        self.numbers: dict[str, int] = {}
        """The study's number of each trial that is out, by Tune's name for it."""
        self.resting: set[str] = set()
        """Tune's names of the rests that are out."""

    def suggest(self, trial_id: str) -> Any:
        free = self._at_once - (len(self.numbers) + len(self.resting) - len(self.waiting))
        if len(self.waiting) >= max(free, FAR_AHEAD):
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

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self.numbers.pop(trial_id, None)
        self.resting.discard(trial_id)
        self.waiting.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the study is kept by itself."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the study is kept by itself."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Stop(tune.Stopper):
    """Tune's stopper: sees every result first, and asks the study."""

    def __init__(self, driver: Driver, hand_out: _HandOut) -> None:
        self._driver = driver
        self._hand_out = hand_out

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        if trial_id in self._hand_out.resting:
            return not self._driver.waits
        number = self._hand_out.numbers.get(trial_id)
        return number is None or self._driver.take(number, result["said"])

    def stop_all(self) -> bool:
        return self._driver.time_is_up()

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Tell(tune.Callback):
    """Tells the hand-out which trials begin, and the driver which workers died."""

    def __init__(self, driver: Driver, hand_out: _HandOut) -> None:
        self._driver = driver
        self._hand_out = hand_out

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._hand_out.waiting.discard(trial.trial_id)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if trial.config["job"] is None:
            return
        said = Path(trial.error_file).read_text(encoding="utf-8").strip()
        self._driver.lost(trial.config["job"].number, f"its worker died: {said.splitlines()[-1]}", said)
