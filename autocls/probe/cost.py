"""What a trick costs, measured on this machine on a small network."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from autocls.probe.observation import BASE, Bench, noise, one_thread, stand_in
from autocls.recipe import Recipe
from autocls.training.network import count_parameters
from autocls.training.session import Session
from autocls.tricks.base import Trick

BATCH = 24
_REPEATS = 15


@dataclass(frozen=True)
class Cost:
    """A run with a trick against the same run without it: on what network, and how many times as much."""

    architecture: str
    step: float
    """Time of a training step, a ratio."""
    answer: float
    """Time to answer, a ratio."""
    memory: float
    """Bytes that a training step keeps for its gradients, a ratio."""
    parameters: int
    """More parameters; fewer if negative."""

    def __str__(self) -> str:
        return (
            f"a training step takes {self.step:.2g} × the time and {self.memory:.2g} × the memory, an answer "
            f"{self.answer:.2g} × the time, {self.parameters:+,} parameters (here, one thread, {self.architecture} at "
            f"{BASE.image_size} pixels, {BATCH} images)"
        )


def cost(slot: str, trick: Trick, bench: Bench) -> Cost | None:
    """What ``trick`` costs in its slot; None for a network, and where no small one has a place for it.

    Takes a fifth of a second. Times are the shortest of 15, in turns: what disturbs a run only ever makes it longer.
    """
    home = stand_in(trick)
    if home is None or slot == "architecture":
        return None
    home = home.model_copy(update={"batch_size": BATCH})
    recipes = [bench.at_hand(recipe) for recipe in (home.model_copy(update={slot: trick}), home.without([slot]))]
    with one_thread():
        with_it, without = (_Run(recipe) for recipe in recipes)
        steps, answers = (_shortest(getattr(with_it, act), getattr(without, act)) for act in ("step", "answer"))
        memory = [_kept(run.loss) for run in (with_it, without)]
    return Cost(
        architecture=home.architecture.choice,
        step=steps[0] / steps[1],
        answer=answers[0] / answers[1],
        memory=memory[0] / memory[1],
        parameters=count_parameters(with_it.model) - count_parameters(without.model),
    )


class _Run:
    """One recipe, to be run piece by piece."""

    def __init__(self, recipe: Recipe) -> None:
        self._data = noise(recipe.image_size)
        self._session = Session(recipe, self._data, 0, torch.device("cpu"))
        self._session.begin(recipe.epochs)  # past what is frozen or small at first
        self._index = self._session.order()[0]
        self.model = self._session.model

    def loss(self) -> torch.Tensor:
        return self._session.loss(self._session.batch(self._index, 1.0))

    def step(self) -> None:
        self._session.step(self._session.batch(self._index, 1.0), 1.0)

    def answer(self) -> None:
        self._session.answers(self._data.split.train)


def _shortest(*acts: Callable[[], object]) -> list[float]:
    """The shortest time of each act."""
    times = [[_seconds(act) for act in acts] for _ in range(_REPEATS)]
    return [min(of_act) for of_act in zip(*times, strict=True)]


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _kept(act: Callable[[], object]) -> int:
    """The bytes of the tensors that autograd keeps of ``act``."""
    storages: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = act()  # held, so that no storage is freed and taken again
    del result
    return sum(storages.values())
