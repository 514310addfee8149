from typing import Any

import pytest

from autocls.errors import BadInput
from autocls.search.placement import Resources, fit

SMALL, LARGE = {"CPU": 4.0, "GPU": 1.0}, {"CPU": 8.0, "GPU": 4.0}


@pytest.mark.parametrize(
    ("wanted", "nodes", "at_once", "gpus"),
    [
        (Resources(), [{"CPU": 4.0}], 4, 0),
        (Resources(), [SMALL, LARGE], 5, 1),
        (Resources(cpus=3), [SMALL, LARGE], 3, 1),
        (Resources(gpus=0.5), [SMALL, LARGE], 10, 0.5),
        (Resources(gpus=0.25, at_once=3), [LARGE], 3, 0.25),
        (Resources(gpus=2), [SMALL, LARGE], 2, 2),
        (Resources(gpus=5), [SMALL, LARGE], 1, 5),  # over both nodes
        (Resources(gpus=0), [SMALL, LARGE], 12, 0),
        (Resources(cpus=0, gpus=1), [SMALL, LARGE], 5, 1),
    ],
)
def test_so_many_trials_run_at_once(wanted: Resources, nodes: list[Any], at_once: int, gpus: float):
    found, rooms = fit(wanted, nodes)
    assert (rooms, found.gpus) == (at_once, gpus)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Resources(cpus=9), r"--cpus-per-trial 9: no node has that many; nodes: 2 × 4 CPU, 1 GPU; 1 × 8 CPU, 4 GPU"),
        (Resources(gpus=7), r"--cpus-per-trial 1 --gpus-per-trial 7: no room for a single trial; nodes: 2 × 4 CPU"),
        (Resources(gpus=1.5), r"--gpus-per-trial 1.5: a fraction of one GPU, or a whole number of them"),
        (Resources(cpus=0, gpus=0), "a trial must take something"),
    ],
)
def test_a_trial_that_finds_no_room_is_refused_and_what_there_is_named(wanted: Resources, message: str):
    with pytest.raises(BadInput, match=message):
        fit(wanted, [SMALL, LARGE, SMALL])
