"""A search's request, with all that it takes to carry it out."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from autocls.data import Prepared, prepare
from autocls.data.checks import FEW
from autocls.data.shipment import Shipment
from autocls.errors import BadInput
from autocls.search import folder
from autocls.search.driver import Driver
from autocls.search.engine import engine
from autocls.search.environment import device
from autocls.search.finish import SCRATCH, appoint
from autocls.search.fitting import Misfits, no_misfits
from autocls.search.kept import KEPT
from autocls.search.placement import Resources
from autocls.search.programme import whole
from autocls.search.request import Request
from autocls.search.runner import Objective, Runner, imagine, train_on
from autocls.search.setting import Plan, Setting, misfits_on
from autocls.search.snapshot import Budget, Watch
from autocls.search.study import Study
from autocls.space import Space
from autocls.training.footprint import Limits
from autocls.training.labelling import SINGLE_LABEL, labelling
from autocls.training.teacher import load_teacher
from autocls.tricks.architecture import Architecture
from autocls.tricks.distillation import Teacher
from autocls.tricks.finetuning import Hub

log = logging.getLogger("autocls")


@dataclass(frozen=True)
class Task:
    """A request with all that it takes to carry it out."""

    request: Request
    space: Space
    """What is left of the one that was asked for, on these data."""
    prepared: Prepared | None
    """None for simulated trials."""
    metric: str
    notes: tuple[str, ...]
    """What the user should know of the data, and of what they leave of the space."""
    runner: Runner
    limits: Limits
    misfits: Misfits

    @classmethod
    def of(cls, request: Request, space: Space, objective: Objective | None) -> "Task":
        """Reads the data, and asks the space's teachers. Raises BadInput."""
        limits = _limits(request.max_params, request.max_latency, objective)
        if objective is not None:
            if request.folds:
                raise BadInput("--folds: a simulated trial has no images to fold")
            metric = SINGLE_LABEL.metric(request.metric)
            return cls(request, space, None, metric, (), imagine(objective), limits, no_misfits)
        _ask_hubs(space)
        root = Path(request.root) if request.root else None
        prepared = prepare(
            str(request.data), seed=request.seed, sizes=space.sizes(), root=root, skip_bad=request.skip_bad
        )
        metric = labelling(multilabel=prepared.multilabel).metric(request.metric)
        space, left_out = space.fit_for(multilabel=prepared.multilabel)
        notes = (
            *prepared.notes,
            *(f"left out of the space: {why}" for why in left_out),
            *_of_folds(prepared, request.folds),
        )
        for note in notes:
            log.info("%s", note)
        for teacher in _teachers(space):
            load_teacher(teacher, prepared.classes, prepared.channels)
        shipment = Shipment.of(prepared, space.sizes()) if request.send_data else None
        runner = train_on(prepared, metric, shipment, request.folds)
        return cls(request, space, prepared, metric, notes, runner, limits, misfits_on(prepared))

    def about(self) -> dict[str, Any]:
        """What the study keeps of it for whoever reads it; JSON can hold it."""
        return {
            "metric": self.metric,
            "folds": self.request.folds,
            "limits": {limit: most for limit, most in vars(self.limits).items() if most is not None},
            "device": "" if self.prepared is None else device(self.request.cpus_per_trial),
            "notes": list(self.notes),
            **_images(self.prepared),
        }

    def engine(self, address: str, target: Path) -> AbstractContextManager[tuple[Callable[[Driver], None], int]]:
        """What runs its trials at an address, and how many at once. Raises BadInput."""
        asked = self.request
        resources = Resources(asked.cpus_per_trial, asked.gpus_per_trial, asked.max_concurrent, asked.stall)
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
            partial(appoint, target / folder.TEACHERS, self.prepared, self.metric),
            partial(whole, Setting(self.space, plan, asked.seed, self.misfits, at_once)),
            keep=max(1, asked.confirm),
            kept_in=(target / SCRATCH / KEPT).resolve(),
        )


def _teachers(space: Space) -> list[Path]:
    """The model folders that recipes of a space may learn from."""
    options = space.slots["distill"]
    assert isinstance(options, tuple), "distill is a trick's slot"
    return [Path(option.decided["folder"]) for option in options if option.trick is Teacher]


def _ask_hubs(space: Space) -> None:
    """Fetch one network's weights from each hub that a space needs, before hours are planned on it. Raises BadInput."""
    weights, architectures = space.slots["weights"], space.slots["architecture"]
    assert isinstance(weights, tuple), "weights is a trick's slot"
    assert isinstance(architectures, tuple), "architecture is a trick's slot"
    if not any(option.trick is Hub for option in weights):
        return
    networks = [network for option in architectures if (network := Architecture.parse(option.name)) is not None]
    for network in {network.source: network for network in networks if not network.unpublished()}.values():
        Hub().tensors(network)


def _of_folds(prepared: Prepared, folds: int) -> list[str]:
    """What to tell a person of folds, used or not. Raises BadInput when there are too few images for so many."""
    images, validated = prepared.images["train"] + prepared.images["val"], prepared.images["val"]
    if folds:
        prepared.check_folds(folds)
        return [
            f"each trial is scored on all {images:,} images that are not the test part's, by {folds} folds: "
            f"{folds} networks are trained for it"
        ]
    few = images + prepared.images["test"] < FEW and not prepared.multilabel
    return [
        f"few images: the {validated} of the validation part tell recipes apart only roughly; --folds 5 scores each on "
        f"{images:,}, in five times the time"
    ] * few


def _limits(parameters: int | None, latency: float | None, objective: Objective | None) -> Limits:
    """What a winner may cost. Raises BadInput."""
    for option, limit in (("--max-params", parameters), ("--max-latency", latency)):
        if limit is not None and limit <= 0:
            raise BadInput(f"{option}: more than 0, not {limit:g}")
        if limit is not None and objective is not None:
            raise BadInput(f"{option}: a simulated trial has no network that could cost too much")
    return Limits(parameters, latency)


def _images(prepared: Prepared | None) -> dict[str, Any]:
    if prepared is None:
        return {"data": "objective", "source": "objective", "classes": [], "counts": {}, "images": {}}
    return {
        "data": prepared.name,
        "source": prepared.source,
        "classes": list(prepared.classes),
        "multilabel": prepared.multilabel,
        "counts": prepared.counts,
        "images": prepared.images,
        "channels": prepared.channels,
        "fingerprint": prepared.fingerprint,
    }
