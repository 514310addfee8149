"""Simulated trials; a worker imports them from here."""

import math
import os
from collections.abc import Iterator

from autocls.recipe import Recipe
from autocls.tricks.optimizer import Sgd


def quadratic(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Best at lr = 0.1 with BatchNorm; rises over the epochs."""
    assert isinstance(recipe.optimizer, Sgd)
    top = 0.9 - 0.1 * abs(math.log10(recipe.optimizer.lr / 0.1)) + 0.05 * (recipe.norm is not None)
    for epoch in range(1, epochs + 1):
        yield top * (1 - 0.5**epoch)


def broken(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Fails in each of the ways that a trial can; works without a norm."""
    yield 0.5
    if recipe.norm is not None and recipe.norm.choice == "batch":
        raise RuntimeError("no such thing\nmore")
    if recipe.norm is not None:
        yield math.nan
    for _ in range(epochs - 1):
        yield 0.6


def deadly(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Kills its worker when there is a norm."""
    if recipe.norm is not None:
        os._exit(1)
    for epoch in range(1, epochs + 1):
        yield epoch / (epochs + 1)


def endless(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """One epoch takes 0.3 s."""
    import time

    for epoch in range(1, epochs + 1):
        time.sleep(0.3)
        yield 1 - 1 / epoch


def brief(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Like ``quadratic``; one epoch takes 20 ms."""
    import time

    for score in quadratic(recipe, seed, epochs):
        time.sleep(0.02)
        yield score


def dear(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Takes 0.1 s an epoch unless it is the plain one."""
    import time

    for epoch in range(1, epochs + 1):
        time.sleep(0.1 * (recipe.without(["optimizer", "epochs"]) != Recipe()))
        yield epoch / (epochs + 1)


def uneven(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Some runs take five times as long as others, so that workers wait for one another."""
    import time

    for epoch in range(epochs):
        time.sleep(0.5 if seed % 2 else 0.1)
        yield 0.5 + 0.1 * (recipe.norm is not None) + 0.01 * epoch + 0.001 * (seed % 7)


def crew(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """The devices of a trial: their number must be 2, and they are as many processes."""
    import torch

    from autocls.training import team

    processes = team.gather(torch.tensor([[os.getpid()]] * 2), 4)
    assert team.size() == len(set(processes.flatten().tolist())) == 2
    for _ in range(epochs):
        yield 0.5


def deserted(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Its second device dies in the second epoch, in which the first waits for it, when there is a norm."""
    import torch

    from autocls.training import team

    for epoch in range(1, epochs + 1):
        if recipe.norm is not None and epoch == 2 and team.rank() == 1:
            os._exit(1)
        yield float(team.mean(torch.tensor(epoch / (epochs + 1))))


def stumbling(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Its second device raises what the first, which waits for it, doesn't."""
    import torch

    from autocls.training import team

    for epoch in range(1, epochs + 1):
        if team.rank() == 1:
            raise KeyError("bone")
        yield float(team.mean(torch.tensor(epoch / (epochs + 1))))
