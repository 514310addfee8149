"""One search from data to run folder."""

import logging
import time as clock
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from autocls.errors import BadInput
from autocls.files import resumable
from autocls.search import folder, screening
from autocls.search.driver import Driver
from autocls.search.engine import knock
from autocls.search.environment import describe
from autocls.search.finish import FINISHED, SearchResult, finish
from autocls.search.mirror import begun_at, taken_up_at
from autocls.search.record import INTERRUPTED
from autocls.search.request import Request
from autocls.search.runner import Objective
from autocls.search.snapshot import Watch
from autocls.search.strategies import check_names
from autocls.search.study import Study
from autocls.search.task import Task
from autocls.space import Space
from autocls.training.labelling import check_metric
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
    metric: str | None = None,
    folds: int = 0,
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

    ``seconds`` in all, and ``trials`` of the search, end it, whichever comes first; with neither it takes ten minutes.
    ``epochs`` overrides the space's. The ``metric`` is accuracy unless said, and map where images have any number of
    labels. With ``folds``, a trial's score is its mean over so many stratified folds, which takes as many times as
    long; the model that is kept is trained once, on the ordinary split. The ``confirm`` best recipes are run again on
    ``seeds`` fresh seeds, and the winner's tricks are judged, within 40 % of the budget; with 0 there is no verdict.
    ``screen`` says whether designed runs come first; None where the budget allows. A winner has at most ``max_params``
    parameters, and takes at most ``max_latency`` seconds for one image on a trial's device: what costs more isn't
    trained. ``prior`` is a file of ``autocls cards``, whose choices come early. ``address`` is a Ray cluster's, or
    ``inline`` for this process; there each trial takes ``gpus_per_trial`` devices (or a fraction of one) with
    ``cpus_per_trial`` cores each, at most ``max_concurrent`` run at once, and one that says nothing for ``stall``
    seconds is stopped and tried again. All nodes must have the data at the same path, unless ``send_data`` has the
    decoded images sent to each once. Everything lands in ``out``, by default ``reports/<data>-<space>``; where it is a
    URL, in a local folder of which a copy is kept there. ``watch`` is called at each change. Raises BadInput for
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
        folds=folds,
    )
    _check(request)
    opened = _space(space, epochs)
    favoured = Prior.load(Path(prior)).favoured() if prior is not None else {}
    name = space if isinstance(space, str | Path) else "space"
    out = out if out is not None else folder.default(_short(data, objective), name)
    with begun_at(out) as target:
        knock(address)  # before data is read, which may take minutes
        task = Task.of(request, opened, objective)
        return _begin(task, target, address, Path(name).stem, favoured, watch, began)


def _begin(
    task: Task, target: Path, address: str, name: str, favoured: Mapping[str, str], watch: Watch, began: float
) -> SearchResult:
    """Carry a new search out. Raises BadInput."""
    asked, opened = task.request, task.space
    with ExitStack() as held:
        with task.engine(address, target) as (run, at_once):
            folder.make(target)
            study = Study.create(
                target, asked.storage, opened, {"space": name, **task.about()},
                seed=asked.seed, sampler=asked.sampler, pruner=asked.pruner, misfits=task.misfits,
                driver=asked.driver,
            )  # fmt: skip
            held.enter_context(closing(study))
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
    task = Task.of(request, opened, objective)
    with closing(Study.reopen(target, request.storage, opened, task.misfits, request.driver)) as study:
        about = study.about()
        stopped = about.get("stopped")
        if about.get(FINISHED):
            raise BadInput(f"{target}: its search has ended: {stopped}; there is nothing to resume")
        if task.prepared is not None and task.prepared.fingerprint != about["fingerprint"]:
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
    check_metric(request.metric)
    check_names(request.sampler, request.pruner)


def _space(space: str | Path | Mapping[str, Any] | Space, epochs: int | None) -> Space:
    if isinstance(space, str | Path):
        space = Space.load(space)
    elif not isinstance(space, Space):
        space = Space.from_plain(space)
    return space if epochs is None else space.with_epochs(epochs)


def _short(data: str | Path | None, objective: Objective | None) -> str:
    return getattr(objective, "__name__", "objective") if data is None else str(data)
