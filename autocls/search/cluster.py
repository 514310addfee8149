"""Ray Tune: places the driver's trials on workers that stay warm, and knows nothing of studies or training.

Measured: a function trainable that imports torch costs 2 s a trial, a reused class trainable 0.02 s. So a worker is a
class that takes recipe after recipe. Ray's own OptunaSearch would tell every trial that a scheduler stopped as
complete; here the stopper asks the study, and the searcher only hands recipes out.
"""

import logging
import math
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.search import Searcher

from autocls.errors import BadInput, TrialFailed
from autocls.recipe import Recipe
from autocls.search.driver import Driver, Epoch
from autocls.search.runner import Runner
from autocls.training.artifact import save_weights
from autocls.training.loop import EpochResult

FAR_AHEAD = 1
"""Recipes asked beyond the running ones: a worker that falls free finds the next one waiting, and stays warm for it."""


@dataclass(frozen=True)
class Resources:
    """What one trial takes; GPUs may be a fraction, None is one if the cluster has any."""

    cpus: float = 1
    gpus: float | None = None


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Within it, Ray is connected: as it was, to the cluster at ``address``, or to one started here for ``local``.

    Raises BadInput when no cluster answers.
    """
    if ray.is_initialized():
        yield
        return
    _connect(address)
    try:
        yield
    finally:
        ray.shutdown()


def _connect(address: str) -> None:
    # No dashboard and no usage report: nothing a search needs, and seconds saved at the start.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if ":" in address.removeprefix("ray://"):
        _knock(address)
    try:
        ray.init(address=address, include_dashboard=False if address == "local" else None,
                 logging_level=logging.ERROR, log_to_driver=False)  # fmt: skip
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise BadInput(f"--address {address}: no Ray cluster answers there: {str(error).splitlines()[0]}") from None


def _knock(address: str) -> None:
    """Ray itself waits for minutes before it gives an address up. Raises BadInput when nobody listens there."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError, OverflowError) as error:
        raise BadInput(f"--address {address}: no Ray cluster answers there: {error}") from None


def fit(wanted: Resources) -> tuple[Resources, int]:
    """The resources of a trial, and how many trials run at once. Raises BadInput when not even one fits a node."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = wanted.gpus if wanted.gpus is not None else float(any(n.get("GPU", 0) >= 1 for n in nodes))
    per_trial = {"CPU": wanted.cpus, "GPU": gpus}
    for name, amount in per_trial.items():
        offered = max(n.get(name, 0) for n in nodes)
        if amount > offered:
            raise BadInput(
                f"--{name.lower()}s-per-trial {amount:g}: no node has that many {name}s; the largest offers {offered:g}"
            )
    if not any(per_trial.values()):
        raise BadInput("--cpus-per-trial 0 --gpus-per-trial 0: a trial must take something")
    rooms = [min(int(n.get(k, 0) / a) for k, a in per_trial.items() if a) for n in nodes]
    return Resources(wanted.cpus, gpus), max(1, sum(rooms))


def run(driver: Driver, runner: Runner, *, seed: int, resources: Resources, at_once: int, scratch: Path) -> None:
    """Train the driver's trials until it has no more, its time is up, or the user interrupts (ctrl-C).

    ``scratch`` must be reachable from every node; the best weights so far come to lie below it.
    """
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # a trial's failure stands in the study, with its reason
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(at_once + FAR_AHEAD)  # so that all the workers start at once
    hand_out = _HandOut(driver, seed, at_once)
    tune.run(
        tune.with_parameters(_Worker, runner=runner, weights=scratch.resolve() / "weights"),
        name="trials",
        storage_path=str(scratch.resolve()),
        search_alg=hand_out,
        num_samples=-1,
        stop=_Stop(driver, hand_out),
        callbacks=[_Tell(driver)],
        resources_per_trial={"cpu": resources.cpus, "gpu": resources.gpus or 0},
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
    """Tune's searcher: hands out what the driver asks for, at most ``at_once`` trials and one waiting."""

    def __init__(self, driver: Driver, seed: int, at_once: int) -> None:
        super().__init__(metric="score", mode="max")
        self._driver = driver
        self._seed = seed
        self._room = at_once + FAR_AHEAD
        self.numbers: dict[str, int] = {}
        """The study's number of each trial that is out, by Tune's name for it."""

    def suggest(self, trial_id: str) -> Any:
        if len(self.numbers) >= self._room:
            return None
        asked = self._driver.ask()
        if asked is None:
            return Searcher.FINISHED if self._driver.asked_all() or self._driver.time_is_up() else None
        self.numbers[trial_id] = asked.number
        return {
            "number": asked.number,
            "recipe": asked.recipe.to_yaml(),
            "seed": self._seed,
            "best": self._driver.snapshot.best,
        }

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self.numbers.pop(trial_id, None)

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
        number = self._hand_out.numbers.get(trial_id)
        return number is None or self._driver.take(number, Epoch(**result["said"]))

    def stop_all(self) -> bool:
        return self._driver.time_is_up()

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Tell(tune.Callback):
    """Tells the driver which workers died."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        last = Path(trial.error_file).read_text(encoding="utf-8").strip().splitlines()[-1]
        self._driver.lost(trial.config["number"], f"its worker died: {last}")


class _Worker(tune.Trainable):
    """A warm process that trains recipe after recipe, an epoch a step.

    It writes weights itself: a checkpoint of Tune's would lie there only some time after the score was told.
    """

    def setup(self, config: dict[str, Any], runner: Runner | None = None, weights: Path = Path()) -> None:
        import torch

        torch.set_num_threads(max(1, int(os.environ.get("OMP_NUM_THREADS", "1"))))
        assert runner is not None, "tune.with_parameters gives it"
        self._runner = runner
        self._weights = weights
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._recipe = Recipe.from_yaml(new_config["recipe"])
        self._best = new_config["best"]
        self._folder = self._weights / str(new_config["number"])
        self._epochs = self._runner(self._recipe, new_config["seed"])
        return True

    def step(self) -> dict[str, Any]:
        said = self._next()
        return {"said": asdict(said), "score": said.score}

    def _next(self) -> Epoch:
        started = time.perf_counter()
        try:
            result = next(self._epochs)
        except StopIteration:
            return Epoch(0, math.nan, 0.0, failure=f"ended before its {self._recipe.epochs} epochs")
        except Exception as error:  # whatever a network or a user's objective raises ends this trial, not the worker
            return Epoch(0, math.nan, time.perf_counter() - started, failure=_reason(error))
        if not math.isfinite(result.score):
            return Epoch(result.epoch, math.nan, result.seconds, failure=f"the score is {result.score}")
        return Epoch(result.epoch, result.score, result.seconds, result.parameters, self._keep(result))

    def _keep(self, result: EpochResult) -> str:
        """Write the weights of an epoch that beats the search's best and the trial's own; the folder, or nothing."""
        if result.weights is None or result.score < self._best:
            return ""
        self._best = math.nextafter(result.score, math.inf)  # an equal later epoch is no better
        self._folder.mkdir(parents=True, exist_ok=True)
        save_weights(result.weights(), self._folder)
        return str(self._folder)


def _reason(error: Exception) -> str:
    import torch

    if isinstance(error, TrialFailed):
        return str(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return "out of memory"
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0] if first else ''}"
