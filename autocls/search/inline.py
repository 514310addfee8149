"""Trials in this process, one after another: for simulated ones that take no time, and for a debugger."""

import time
from pathlib import Path

from autocls.search.checkpoint import Keeper
from autocls.search.driver import Driver
from autocls.search.runner import Runner
from autocls.search.training import epochs

REST = 0.05
"""Seconds between two looks at whether there is work, while there is none yet."""
ADDRESS = "inline"
"""What a search's ``address`` is called for this."""


def run(driver: Driver, runner: Runner, *, checkpoints: Path) -> None:
    """Train the driver's trials until it has no more, its time is up, or the user interrupts (ctrl-C)."""
    try:
        while not driver.asked_all() and not driver.time_is_up():
            asked = driver.ask()
            if asked is None:
                time.sleep(REST)
                continue
            job = driver.job(asked)
            keeper = Keeper(job, checkpoints)
            for said in epochs(job, runner, keeper):
                if driver.take(asked.number, said):
                    break
            keeper.forget()
    except KeyboardInterrupt:
        return
