"""What can be seen of a run in milliseconds: of small networks on a handful of images of noise."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from autocls.data import ImageData, Split
from autocls.recipe import Recipe
from autocls.training import artifact, network
from autocls.training.inference import weights_of
from autocls.training.optimisation import rate_factor
from autocls.training.session import Session
from autocls.tricks.architecture import Architecture, CifarResnet, Lenet, MobilenetV2
from autocls.tricks.base import Aspect, Trick
from autocls.tricks.finetuning import File

STAND_INS: tuple[Architecture, ...] = (Lenet(), CifarResnet(depth=20), MobilenetV2(width=0.25))
"""Small networks; between them, every trick finds a place."""

CLASSES, CHANNELS, SIZE = 3, 3, 32
BASE = Recipe(architecture=STAND_INS[0], image_size=SIZE, batch_size=8, epochs=14)
"""Three steps an epoch: the 42 of all epochs are what an average needs to show its rate."""

_SCORES = [0.5, *[0.6] * 13]
"""Validation scores that stop rising, for the schedules that look at them."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it, torch computes in one thread: faster for networks as small as these, and steadier."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def stand_in(trick: Trick) -> Recipe | None:
    """A recipe of the first small network that has a place for ``trick``; None when none of them has."""
    homes = (BASE.model_copy(update={"architecture": architecture}) for architecture in STAND_INS)
    return next((home for home in homes if trick not in network.without_place(home, [trick], CLASSES, CHANNELS)), None)


class Bench:
    """Noise to train on, and a network to start from and to learn from, kept in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[tuple[Recipe, Aspect], str] = {}
        card = artifact.ModelCard.of(noise(), "accuracy", 0.0)
        artifact.save(folder, BASE, weights_of(self.session(BASE, seed=1).model), card)

    def observe(self, recipe: Recipe, aspect: Aspect) -> str:
        """A digest of what the aspect of the recipe's run looks like; runs that differ in it have others.

        Teachers and weights to start from are stood for by the bench's own.
        """
        if (recipe, aspect) not in self._seen:
            self._seen[recipe, aspect] = _digest(_SEEN[aspect](self, self.at_hand(recipe)))
        return self._seen[recipe, aspect]

    def at_hand(self, recipe: Recipe) -> Recipe:
        """``recipe`` with the bench's own network for its teacher and for the weights that it starts from."""
        changes: dict[str, object] = {}
        if recipe.distill is not None:
            changes["distill"] = recipe.distill.taught_by(self._folder)
        if recipe.weights is not None or recipe.freeze is not None:
            changes["weights"] = File(path=str(self._folder / artifact.WEIGHTS))
        return recipe.model_copy(update=changes)

    def session(self, recipe: Recipe, seed: int = 0) -> Session:
        """The recipe, ready to train on noise of its size."""
        return Session(recipe, noise(recipe.image_size), seed, torch.device("cpu"))

    def _graph(self, recipe: Recipe) -> Iterable[object]:
        with torch.device("meta"):
            model = network.build(recipe.without(["weights"]), CLASSES, CHANNELS)
        return [str(model), *((name, tuple(tensor.shape)) for name, tensor in model.state_dict().items())]

    def _start(self, recipe: Recipe) -> Iterable[object]:
        return weights_of(self.session(recipe).model).values()

    def _groups(self, recipe: Recipe) -> Iterable[object]:
        optimizer = self.session(recipe).optimizer
        groups = [{**group, "params": len(group["params"])} for group in optimizer.param_groups]
        return [type(optimizer).__name__, *map(str, groups)]

    def _rates(self, recipe: Recipe) -> Iterable[object]:
        session = self.session(recipe)
        steps = len(session.order())
        for epoch in range(recipe.epochs):
            scores = _SCORES[:epoch]
            for step in range(steps):
                factor = rate_factor(recipe, epoch + step / steps, 1 / steps, scores)
                yield [rate * factor for rate in session.rates]

    def _batch(self, recipe: Recipe) -> Iterable[object]:
        session = self.session(recipe)
        for index, progress in zip(session.order(), (0.0, 0.6), strict=False):
            batch = session.batch(index, progress)
            yield from (batch.images, batch.targets)

    def _loss(self, recipe: Recipe) -> Iterable[object]:
        session = self.session(recipe)
        session.begin(1)
        return [session.loss(session.batch(session.order()[0], 0.0))]

    def _steps(self, recipe: Recipe) -> Iterable[object]:
        session = self.session(recipe)
        self._train(session, epochs=3)
        return weights_of(session.model).values()

    def _answers(self, recipe: Recipe) -> Iterable[object]:
        session = self.session(recipe)
        self._train(session, epochs=recipe.epochs)
        return [session.answers(noise(recipe.image_size).split.val)]

    def _train(self, session: Session, epochs: int) -> None:
        for epoch in range(1, epochs + 1):
            session.begin(epoch)
            order = session.order()
            for step, index in enumerate(order):
                done = epoch - 1 + step / len(order)
                batch = session.batch(index, done / session.recipe.epochs)
                session.step(batch, rate_factor(session.recipe, done, 1 / len(order), _SCORES[: epoch - 1]))


_SEEN: dict[Aspect, Callable[[Bench, Recipe], Iterable[object]]] = {
    Aspect.GRAPH: Bench._graph,
    Aspect.START: Bench._start,
    Aspect.GROUPS: Bench._groups,
    Aspect.RATES: Bench._rates,
    Aspect.BATCH: Bench._batch,
    Aspect.LOSS: Bench._loss,
    Aspect.STEPS: Bench._steps,
    Aspect.ANSWERS: Bench._answers,
}


@lru_cache(maxsize=8)
def noise(size: int = SIZE, channels: int = CHANNELS) -> ImageData:
    """Forty images of noise: 24 to train on, of classes that come 12, 8 and 4 times, 8 to validate and 8 to test."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, channels, size, size), dtype=np.uint8)
    labels = np.array([0, 1, 0, 1, 0, 2] * 4 + [0, 1, 2, 0] * 4, dtype=np.int64)
    split = Split(*np.split(np.arange(40), [24, 32]))
    return ImageData(images, labels, ("a", "b", "c"), split, mean=(0.5,) * channels, std=(0.3,) * channels)


def _digest(parts: Iterable[object]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, torch.Tensor):
            part = (tuple(part.shape), part.detach().numpy().tobytes())
        digest.update(repr(part).encode())
    return digest.hexdigest()
