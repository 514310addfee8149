"""Where a study's trials run: on Ray's workers, or in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from autocls.search import cluster, connection, inline
from autocls.search.checkpoint import CHECKPOINTS
from autocls.search.driver import Driver
from autocls.search.folder import make
from autocls.search.kept import KEPT
from autocls.search.placement import Resources, fit
from autocls.search.runner import Runner


def knock(address: str) -> None:
    """Raise BadInput within seconds when there is no way to the cluster at ``address``."""
    if address != inline.ADDRESS:
        connection.knock(address)


@contextmanager
def engine(
    address: str, runner: Runner, resources: Resources, scratch: Path
) -> Iterator[tuple[Callable[[Driver], None], int]]:
    """What runs a driver's trials, and how many it runs at once. Raises BadInput when no cluster answers or fits."""
    scratch = scratch.resolve()
    if address == inline.ADDRESS:
        yield partial(_run_here, runner=runner, scratch=scratch), 1
        return
    with connection.connected(address):
        fitting, at_once = fit(resources, cluster.nodes_here())
        yield partial(_run_there, runner=runner, resources=fitting, at_once=at_once, scratch=scratch), at_once


def _run_here(driver: Driver, runner: Runner, scratch: Path) -> None:
    _make(scratch)
    inline.run(driver, runner, checkpoints=scratch / CHECKPOINTS)


def _run_there(driver: Driver, runner: Runner, resources: Resources, at_once: int, scratch: Path) -> None:
    _make(scratch)
    cluster.run(driver, runner, resources=resources, at_once=at_once, scratch=scratch)


def _make(scratch: Path) -> None:
    for name in (CHECKPOINTS, KEPT):
        make(scratch / name)
