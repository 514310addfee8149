"""The share of the time that GPUs were busy: what benchmarks/cluster.py measures a search by."""

import math

import pandas as pd
import pytest

from benchmarks.busy import Load, Look, Window, share, window


def trials(*rows: tuple[str, float, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["worker", "started", "begun", "finished", "seconds"])


FULL = trials(("a", 0, 1, 11, 10), ("b", 0, 5, 11, 6), ("a", 10, 11, 21, 10), ("b", 11, 11, 31, 20))


def test_the_window_lasts_from_the_last_gpu_s_first_trial_until_the_last_recipe() -> None:
    assert window(FULL, 2) == Window(5, 11)


def test_gpus_that_never_rest_are_busy_all_the_time() -> None:
    assert share(FULL, 2, window(FULL, 2)) == pytest.approx(1)


def test_what_lies_outside_the_window_does_not_count() -> None:
    assert share(trials(("a", 0, 0, 10, 10)), 1, Window(5, 15)) == pytest.approx(0.5)
    assert share(trials(("a", 0, 0, 4, 4), ("a", 0, 16, 20, 4)), 1, Window(5, 15)) == 0


def test_waiting_for_the_driver_between_epochs_is_rest() -> None:
    assert share(trials(("a", 0, 0, 10, 6)), 1, Window(0, 10)) == pytest.approx(0.6)


def test_a_gpu_without_a_trial_is_idle() -> None:
    assert share(trials(("a", 0, 0, 10, 10), ("b", 0, 0, 10, 5)), 4, Window(0, 10)) == pytest.approx(15 / 40)


def test_a_trial_that_no_worker_took_counts_for_nothing() -> None:
    table = trials(("a", 0, 0, 10, 10), ("", 9, math.nan, 12, 0))
    assert window(table, 1) == Window(0, 9)
    assert share(table, 1, window(table, 1)) == pytest.approx(1)


def test_a_search_that_never_used_all_gpus_has_no_window() -> None:
    with pytest.raises(ValueError, match="2 of 3 GPUs had a trial"):
        window(FULL, 3)
    with pytest.raises(ValueError, match="ended before all GPUs had a trial"):
        window(trials(("a", 0, 5, 10, 5)), 1)


def test_the_driver_s_load_is_of_the_looks_within_a_window() -> None:
    def look(at: float, epochs: int) -> Look:
        return Look(at, at / 4, at / 2, at, epochs, epochs // 5, 100)

    looks = [look(0, 0), look(10, 100), look(20, 300), look(99, 1000)]
    load = Load.of(looks, 5, 50)
    assert (load.reports, load.trials, load.thread, load.process) == (20, 4, 0.25, 0.5)
    with pytest.raises(ValueError, match="1 looks at the driver in"):
        Load.of(looks, 15, 50)
