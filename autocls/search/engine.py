"""Where a study's trials run: on Ray's workers, or in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from autocls.search import cluster, inline
from autocls.search.connection import connected
from autocls.search.driver import Driver
from autocls.search.runner import Runner


@contextmanager
def engine(
    address: str, runner: Runner, resources: cluster.Resources, scratch: Path
) -> Iterator[tuple[Callable[[Driver], None], int]]:
    """What runs a driver's trials, and how many it runs at once. Raises BadInput when no cluster answers or fits."""
    if address == inline.ADDRESS:
        yield partial(inline.run, runner=runner, scratch=scratch), 1
        return
    with connected(address):
        fitting, at_once = cluster.fit(resources)
        yield partial(cluster.run, runner=runner, resources=fitting, at_once=at_once, scratch=scratch), at_once
