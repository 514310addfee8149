"""A trial over several devices: its worker is the first, and has an actor for each of the others.

The worker stands in the first bundle of its trial's placement group, the actors in the bundles behind it. They train
the same recipes in lockstep with it, as a team (``autocls.training.team``) that stays from trial to trial.
"""

import socket
import time
from collections.abc import Iterator
from typing import Any

import ray
import torch
from ray.exceptions import GetTimeoutError, OutOfMemoryError, RayActorError, RayError, RayTaskError
from ray.util.placement_group import get_current_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy
from torch import distributed

from autocls.errors import TrialFailed
from autocls.search.runner import Runner
from autocls.training import team
from autocls.training.loop import EpochResult
from autocls.training.team import PeerLost

GRACE = 10.0
"""Seconds in which the others must say what became of them once a step has failed."""
BEGIN = 90.0
"""Seconds for which devices that can't begin are tried again: Ray takes half a minute to notice that a node is dead."""


class Peer:
    """One of a trial's other devices; an actor."""

    def __init__(self, runner: Runner, threads: int) -> None:
        torch.set_num_threads(threads)
        self._runner = runner
        self._training: Iterator[EpochResult] = iter(())

    def join(self, rank: int, size: int, address: str) -> None:
        """Join the team."""
        team.join(rank, size, address)

    def begin(self, *job: Any) -> None:
        """Drop what was trained, which may not have ended, for the next: with the runner's arguments ``job``."""
        self._training = self._runner(*job)

    def step(self) -> None:
        """Train an epoch. What is raised but by all devices alike ends the team, so that none waits for this one."""
        try:
            next(self._training, None)
        except TrialFailed:
            raise
        except Exception:
            team.leave()
            raise


class Peers:
    """The other devices of a trial, as its worker sees them; started when they are first needed."""

    def __init__(self, runner: Runner, devices: int, threads: int) -> None:
        """``devices`` counts the worker's own."""
        self._runner = runner
        self._devices = devices
        self._threads = threads
        self._actors: list[Any] = []

    def run(self, *job: Any) -> Iterator[EpochResult]:
        """What the runner gives of its arguments ``job``, on all the devices; itself a Runner.

        Raises what the runner raises, and PeerLost when another device was the cause; the next run starts anew then.
        """
        if self._devices == 1:
            yield from self._runner(*job)
            return
        self._begin(job)
        training = self._runner(*job)
        while (result := self._step(training)) is not None:
            yield result

    def _begin(self, job: tuple[Any, ...]) -> None:
        """Have the other devices begin; for a while again and again, as Ray places none elsewhere before it must."""
        deadline = time.monotonic() + BEGIN
        while True:
            try:
                if not self._actors:
                    self._start()
                ray.get([actor.begin.remote(*job) for actor in self._actors])
                return
            except (RayError, RuntimeError) as error:
                self.dismiss()
                if time.monotonic() > deadline:
                    raise PeerLost(f"a device of the trial can't begin: {_said(error)}") from error
                time.sleep(1)

    def dismiss(self) -> None:
        """End the team and the actors."""
        team.leave()
        for actor in self._actors:
            ray.kill(actor)
        self._actors = []

    def _start(self) -> None:
        group = get_current_placement_group()
        assert group is not None, "Tune places each trial in one"
        actor = ray.remote(Peer)
        for place, bundle in list(enumerate(group.bundle_specs))[1:]:
            options = actor.options(
                num_cpus=bundle.get("CPU", 0),
                num_gpus=bundle.get("GPU", 0),
                scheduling_strategy=PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=place),
            )
            self._actors.append(options.remote(self._runner, self._threads))
        ray.get([peer.__ray_ready__.remote() for peer in self._actors], timeout=team.PATIENCE.total_seconds())
        address = f"tcp://{ray.util.get_node_ip_address()}:{_free_port()}"
        joining = [peer.join.remote(rank, self._devices, address) for rank, peer in enumerate(self._actors, start=1)]
        team.join(0, self._devices, address)
        ray.get(joining)

    def _step(self, training: Iterator[EpochResult]) -> EpochResult | None:
        """The next epoch of all the devices."""
        stepping = [actor.step.remote() for actor in self._actors]
        try:
            result = next(training, None)
            ray.get(stepping)
        except TrialFailed:
            raise  # so do they all, and stay together
        except Exception as error:
            team.leave()  # devices that wait for this one are told
            lost = _lost(stepping) if _is_echo(error) else []
            self.dismiss()
            if not _is_echo(error):
                raise
            raise PeerLost("; ".join(lost) or f"the devices of the trial have lost each other: {error}") from error
        return result


def _lost(stepping: list[Any]) -> list[str]:
    """What became of the other devices, those left out that only noticed that another was gone."""
    said = []
    for rank, step in enumerate(stepping, start=1):
        try:
            ray.get(step, timeout=GRACE)
        except RayError as error:
            if not (isinstance(error, RayTaskError) and _is_echo(error.cause)):
                said.append(f"device {rank} of the trial: {_said(error)}")
    return said


def _is_echo(error: BaseException) -> bool:
    """Whether it may only be that another device is gone: gloo says so by a RuntimeError that is none of its own."""
    return isinstance(error, distributed.DistError | RayError) or (type(error) is RuntimeError and "gloo" in str(error))


def _said(error: Exception) -> str:
    if isinstance(error, OutOfMemoryError):
        return "it was killed, as its node ran out of memory"
    if isinstance(error, RayActorError | GetTimeoutError):
        return "it died" if isinstance(error, RayActorError) else "it does not answer"
    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(error, RayTaskError) and isinstance(cause, torch.OutOfMemoryError | MemoryError):
        return f"out of memory on {error.ip}"
    return f"{type(cause).__name__}: {next(iter(str(cause).strip().splitlines()), '')}"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])
