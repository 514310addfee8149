"""One search from data to run folder."""

import logging
import time as clock
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from autocls.data import Prepared, prepare
from autocls.data.shipment import Shipment
from autocls.errors import BadInput
from autocls.files import resumable
from autocls.search import cluster, folder, screening
from autocls.search.driver import Budget, Driver, Watch
from autocls.search.engine import engine, knock
from autocls.search.environment import describe, device
from autocls.search.finish import FINISHED, SCRATCH, SearchResult, appoint, finish
from autocls.search.kept import KEPT
from autocls.search.mirror import begun_at, taken_up_at
from autocls.search.programme import whole
from autocls.search.record import INTERRUPTED
from autocls.search.request import Request
from autocls.search.runner import Objective, Runner, imagine, train_on
from autocls.search.setting import Plan, Setting, misfits_on
from autocls.search.strategies import check_names
from autocls.search.study import Misfits, Study, no_misfits
from autocls.space import Space
from autocls.training.footprint import Limits
from autocls.training.metrics import metric as metric_named
from autocls.training.teacher import load_teacher
from autocls.tricks.distillation import Teacher
from autocls.verdict.prior import Prior

log = logging.getLogger("autocls")

DEFAULT_SECONDS = 600.0
FEWEST_SEEDS = 5


def search(
    data: str | Path | None = None,
    space: str | Path | Mapping[str, Any] | Space = "quick",
    *,
    objective: Objective | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    epochs: int | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    metric: str = "accuracy",
    address: str = "local",
    cpus_per_trial: float = 1,
    gpus_per_trial: float | None = None,
    max_concurrent: int | None = None,
    stall: float = 600.0,
    sampler: str = "tpe",
    pruner: str = "paced",
    confirm: int = 3,
    seeds: int = 5,
    max_params: int | None = None,
    max_latency: float | None = None,
    screen: bool | None = None,
    prior: str | Path | None = None,
    storage: str | None = None,
    root: str | Path | None = None,
    skip_bad: bool = False,
    send_data: bool = False,
    watch: Watch = lambda snapshot: None,
) -> SearchResult:
    """Search ``space`` for the best way to train a classifier on ``data`` (or the best of ``objective``).

    ``seconds`` in all, and ``trials`` of the search, end it, whichever comes first; with neither it takes ten
    minutes. ``epochs`` overrides the space's. The ``confirm`` best recipes are run again on ``seeds`` fresh seeds,
    and the winner's tricks are judged, within 40 % of the budget; with 0 there is no verdict. ``screen`` says
    whether designed runs come first; None where the budget allows. A winner has at most ``max_params`` parameters,
    and takes at most ``max_latency`` seconds for one image on a trial's device: what costs more isn't trained.
    ``prior`` is a file of ``autocls cards``, whose choices come early. ``address`` is a Ray cluster's, or
    ``inline`` for this process; there each trial takes ``gpus_per_trial`` devices (or a fraction of one) with
    ``cpus_per_trial`` cores each, at most ``max_concurrent`` run at once, and one that says nothing for ``stall``
    seconds is stopped and tried again. All nodes must have the data at the same path, unless ``send_data`` has the
    decoded images sent to each once. Everything lands in ``out``, by default ``reports/<data>-<space>``; where it is
    a URL, in a local folder of which a copy is kept there. ``watch`` is called at each change. Raises BadInput for
    anything that can't be used, before the first trial.
    """
    began = clock.monotonic()
    if (data is None) == (objective is None):
        raise BadInput("search takes data or an objective, one of them")
    request = Request(
        data=None if data is None else str(data),
        trials=trials,
        seconds=DEFAULT_SECONDS if trials is None and seconds is None else seconds,
        seed=seed,
        metric=metric,
        sampler=sampler,
        pruner=pruner,
        confirm=confirm,
        seeds=seeds,
        screen=screen,
        max_params=max_params,
        max_latency=max_latency,
        storage=storage,
        root=None if root is None else str(root),
        skip_bad=skip_bad,
        send_data=send_data,
        cpus_per_trial=cpus_per_trial,
        gpus_per_trial=gpus_per_trial,
        max_concurrent=max_concurrent,
        stall=stall,
        driver=uuid.uuid4().hex[:8],
    )
    _check(request)
    opened = _space(space, epochs)
    favoured = Prior.load(Path(prior)).favoured() if prior is not None else {}
    name = space if isinstance(space, str | Path) else "space"
    out = out if out is not None else folder.default(_short(data, objective), name)
    with begun_at(out) as target:
        knock(address)  # before data is read, which may take minutes
        task = _Task.of(request, opened, objective)
        return _begin(task, target, address, Path(name).stem, favoured, watch, began)


def _begin(
    task: "_Task",
    target: Path,
    address: str,
    name: str,
    favoured: Mapping[str, str],
    watch: Watch,
    began: float,
) -> SearchResult:
    """Carry a new search out. Raises BadInput."""
    asked, opened = task.request, task.space
    with task.engine(address, target) as (run, at_once):
        about = {
            "space": name,
            "metric": asked.metric,
            "sampler": asked.sampler,
            "pruner": asked.pruner,
            "limits": {limit: most for limit, most in vars(task.limits).items() if most is not None},
            "device": "" if task.prepared is None else device(asked.cpus_per_trial),
            **_about(task.prepared),
        }
        folder.make(target)
        study = Study.create(
            target, asked.storage, opened, about,
            seed=asked.seed, sampler=asked.sampler, pruner=asked.pruner, misfits=task.misfits,
            driver=asked.driver,
        )  # fmt: skip
        if study.joined:
            log.info("%s: joined; the search that began it screens and judges", asked.storage)
        elif favoured:
            study.suggest(screening.with_choices(opened, screening.offered(opened, favoured)))
        folder.write_beginning(target, opened, describe(task.prepared, asked.seed))
        asked.write(target)
        driver = task.driver(study, target, began, watch, at_once)
        _carry_out(target, study, driver, run, began)
    return finish(target, study, task.prepared, driver)


def resume(
    target: str | Path,
    *,
    objective: Objective | None = None,
    address: str = "local",
    cpus_per_trial: float | None = None,
    gpus_per_trial: float | None = None,
    max_concurrent: int | None = None,
    stall: float | None = None,
    watch: Watch = lambda snapshot: None,
) -> SearchResult:
    """Go on with the search in a run folder that was killed or interrupted, within the budget that it began with.

    What ended counts; what ran goes on from its last checkpoint, or begins again. Where it runs may change; what is
    None stays as it was. ``target`` may be a URL, as that of a search. A simulated search wants its ``objective``
    again. Raises BadInput when the folder holds no search that could go on, or the images have changed.
    """
    with taken_up_at(target) as found:
        asked = Request.read(found)
        request = replace(
            asked,
            cpus_per_trial=asked.cpus_per_trial if cpus_per_trial is None else cpus_per_trial,
            gpus_per_trial=asked.gpus_per_trial if gpus_per_trial is None else gpus_per_trial,
            max_concurrent=asked.max_concurrent if max_concurrent is None else max_concurrent,
            stall=asked.stall if stall is None else stall,
        )
        return _go_on(found, request, objective, address, watch)


def _go_on(target: Path, request: Request, objective: Objective | None, address: str, watch: Watch) -> SearchResult:
    """Carry a search on that was begun in a folder. Raises BadInput."""
    _check(request)
    if request.data is None and objective is None:
        raise BadInput(f"{target}: its trials were simulated: resume it from Python, with autocls.resume")
    opened = Space.load(target / "space.yaml")
    knock(address)
    task = _Task.of(request, opened, objective)
    study = Study.reopen(target, request.storage, opened, task.misfits, request.driver)
    about = study.about()
    stopped = about.get("stopped")
    if about.get(FINISHED):
        study.close()
        raise BadInput(f"{target}: its search has ended: {stopped}; there is nothing to resume")
    if task.prepared is not None and task.prepared.fingerprint != about["fingerprint"]:
        study.close()
        raise BadInput(f"{request.data}: the images have changed since the search began: it can't go on with them")
    began = clock.monotonic() - about.get("seconds", 0.0)
    if stopped and stopped != INTERRUPTED:
        return finish(target, study, task.prepared, task.driver(study, target, began, watch, at_once=1))
    with task.engine(address, target) as (run, at_once):
        study.resume()
        began = clock.monotonic() - about.get("seconds", 0.0)
        driver = task.driver(study, target, began, watch, at_once)
        _carry_out(target, study, driver, run, began)
    return finish(target, study, task.prepared, driver)


@dataclass(frozen=True)
class _Task:
    """A request with all that it takes to carry it out."""

    request: Request
    space: Space
    prepared: Prepared | None
    """None for simulated trials."""
    runner: Runner
    limits: Limits
    misfits: Misfits

    @classmethod
    def of(cls, request: Request, space: Space, objective: Objective | None) -> "_Task":
        """Reads the data, and asks the space's teachers. Raises BadInput."""
        limits = _limits(request.max_params, request.max_latency, objective)
        if objective is not None:
            return cls(request, space, None, imagine(objective), limits, no_misfits)
        root = Path(request.root) if request.root else None
        prepared = prepare(
            str(request.data), seed=request.seed, sizes=space.sizes(), root=root, skip_bad=request.skip_bad
        )
        for note in prepared.notes:
            log.info("%s", note)
        for teacher in _teachers(space):
            load_teacher(teacher, prepared.classes, prepared.channels)
        shipment = Shipment.of(prepared, space.sizes()) if request.send_data else None
        runner = train_on(prepared, request.metric, shipment)
        return cls(request, space, prepared, runner, limits, misfits_on(prepared))

    def engine(self, address: str, target: Path) -> AbstractContextManager[tuple[Callable[[Driver], None], int]]:
        """What runs its trials at an address, and how many at once. Raises BadInput."""
        asked = self.request
        resources = cluster.Resources(asked.cpus_per_trial, asked.gpus_per_trial, asked.max_concurrent, asked.stall)
        return engine(address, self.runner, resources, target / SCRATCH)

    def driver(self, study: Study, target: Path, began: float, watch: Watch, at_once: int) -> Driver:
        """The driver of its study, which may have begun earlier."""
        asked = self.request
        plan = Plan(asked.confirm, asked.seeds, asked.screen)
        return Driver(
            study,
            Budget(asked.trials, asked.seconds),
            self.space.baseline(),
            began,
            watch,
            partial(appoint, target / folder.TEACHERS, self.prepared, asked.metric),
            partial(whole, Setting(self.space, plan, asked.seed, self.misfits, at_once)),
            keep=max(1, asked.confirm),
            kept_in=(target / SCRATCH / KEPT).resolve(),
        )


def _carry_out(target: Path, study: Study, driver: Driver, run: Callable[[Driver], None], began: float) -> None:
    """Run a driver's trials to their end. Raises BadInput when the study, or what else is kept, can't be written."""
    try:
        with resumable(target):
            run(driver)
    finally:
        study.note("seconds", clock.monotonic() - began)
        study.flush()
    study.note("stopped", driver.close())
    study.note("seconds", clock.monotonic() - began)
    study.flush()


def _check(request: Request) -> None:
    """Raises BadInput for what no search can be asked for."""
    if request.trials is not None and request.trials < 1:
        raise BadInput(f"--trials: at least 1, not {request.trials}")
    if request.seconds is not None and request.seconds <= 0:
        raise BadInput(f"--time: more than 0 seconds, not {request.seconds:g}")
    if request.confirm < 0:
        raise BadInput(f"--confirm: 0 for none, or how many of the best recipes, not {request.confirm}")
    if request.seeds < FEWEST_SEEDS:
        raise BadInput(
            f"--seeds: at least {FEWEST_SEEDS}, with fewer nothing can be told from chance, not {request.seeds}"
        )
    if request.max_concurrent is not None and request.max_concurrent < 1:
        raise BadInput(f"--max-concurrent: at least 1, not {request.max_concurrent}")
    if request.stall <= 0:
        raise BadInput(f"--stall: more than 0 seconds, not {request.stall:g}")
    metric_named(request.metric)
    check_names(request.sampler, request.pruner)


def _teachers(space: Space) -> list[Path]:
    """The model folders that recipes of a space may learn from."""
    options = space.slots["distill"]
    assert isinstance(options, tuple), "distill is a trick's slot"
    return [Path(option.decided["folder"]) for option in options if option.trick is Teacher]


def _limits(parameters: int | None, latency: float | None, objective: Objective | None) -> Limits:
    for option, limit in (("--max-params", parameters), ("--max-latency", latency)):
        if limit is not None and limit <= 0:
            raise BadInput(f"{option}: more than 0, not {limit:g}")
        if limit is not None and objective is not None:
            raise BadInput(f"{option}: a simulated trial has no network that could cost too much")
    return Limits(parameters, latency)


def _space(space: str | Path | Mapping[str, Any] | Space, epochs: int | None) -> Space:
    if isinstance(space, str | Path):
        space = Space.load(space)
    elif not isinstance(space, Space):
        space = Space.from_plain(space)
    return space if epochs is None else space.with_epochs(epochs)


def _short(data: str | Path | None, objective: Objective | None) -> str:
    return getattr(objective, "__name__", "objective") if data is None else str(data)


def _about(prepared: Prepared | None) -> dict[str, Any]:
    if prepared is None:
        return {"data": "objective", "source": "objective", "classes": [], "counts": {}, "notes": []}
    return {
        "data": prepared.name,
        "source": prepared.source,
        "classes": list(prepared.classes),
        "counts": prepared.counts,
        "notes": list(prepared.notes),
        "channels": prepared.channels,
        "fingerprint": prepared.fingerprint,
    }
