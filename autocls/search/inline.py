"""Trials in this process, one after another: for simulated ones that take no time, and for a debugger."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autocls.search.driver import Driver
from autocls.search.runner import Runner
from autocls.search.training import epochs

ADDRESS = "inline"
"""What a search's ``address`` is called for this."""


def run(driver: Driver, runner: Runner, *, scratch: Path) -> None:
    """Train the driver's trials until it has no more, its time is up, or the user interrupts (ctrl-C)."""
    with ThreadPoolExecutor(1) as writer:
        try:
            while (asked := driver.ask()) is not None:
                for said in epochs(driver.job(asked), runner, scratch.resolve() / "weights", writer):
                    if driver.take(asked.number, said):
                        break
        except KeyboardInterrupt:
            return
