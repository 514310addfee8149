"""A warm process that trains recipe after recipe, an epoch a step. It imports nothing that only the driver needs."""

import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from ray import tune

from autocls.search.checkpoint import Keeper
from autocls.search.messages import Epoch, Job
from autocls.search.peers import Peers
from autocls.search.runner import Runner
from autocls.search.training import epochs

REST = 0.2
"""Seconds after which a worker that rests asks whether there is work."""


def rest() -> Iterator[None]:
    """Nothing, now and then: a worker without a trial would be closed, and the next one has all to import."""
    while True:
        time.sleep(REST)
        yield None


class Worker(tune.Trainable):
    """Tune's view of the process; a job comes as ``{"job": Job}``, rest as ``{"job": None}``."""

    def setup(
        self,
        config: dict[str, Any],
        runner: Runner | None = None,
        checkpoints: Path = Path(),
        threads: int = 1,
        devices: int = 1,
    ) -> None:
        torch.set_num_threads(threads)
        assert runner is not None, "tune.with_parameters gives it"
        self._peers = Peers(runner, devices, threads)
        self._checkpoints = checkpoints
        self._keeper: Keeper | None = None
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        if self._keeper is not None:
            self._keeper.forget()
        job: Job | None = new_config["job"]
        self._keeper = None if job is None else Keeper(job, self._checkpoints)
        self._epochs: Iterator[Epoch | None] = rest()
        if job is not None and self._keeper is not None:
            self._epochs = chain(epochs(job, self._peers.run, self._keeper), rest())  # one that is unfit sits out
        return True

    def step(self) -> dict[str, Any]:
        said = next(self._epochs)
        return {"said": said, "score": 0.0 if said is None else said.score}

    def get_auto_filled_metrics(self, *asked: Any, **wanted: Any) -> dict[str, Any]:
        """None: Tune's own would carry the recipe back after each epoch, and the driver keep statistics of them."""
        return {}

    def cleanup(self) -> None:
        self._peers.dismiss()
