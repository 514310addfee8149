"""Ranking trials: pure functions over the table of a run folder's ``trials.parquet``."""

import pandas as pd

_STATES = ["COMPLETE", "RUNNING", "PRUNED", "FAIL"]


def leaderboard(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials, best first, with a ``rank`` from 1 for complete ones.

    Complete trials come by score, equal scores by fewer parameters, then by number; then by score those that still run,
    then pruned ones, then failed ones.
    """
    by_state = trials.assign(_state=trials["state"].map(_STATES.index))
    ranked = by_state.sort_values(
        ["_state", "score", "parameters", "number"], ascending=[True, False, True, True], na_position="last"
    ).drop(columns="_state")
    complete = ranked["state"] == "COMPLETE"
    ranked.insert(0, "rank", complete.cumsum().where(complete).astype("Int64"))
    return ranked.reset_index(drop=True)


def winner(trials: pd.DataFrame) -> int | None:
    """The number of the first trial of the leaderboard; None when none was completed."""
    complete = trials[trials["state"] == "COMPLETE"]
    return None if complete.empty else int(leaderboard(complete)["number"].iloc[0])


def best_so_far(trials: pd.DataFrame) -> pd.DataFrame:
    """Complete trials in the order in which they finished, with ``best``, the best score up to each."""
    finished = trials[trials["state"] == "COMPLETE"].sort_values(["finished", "number"])
    return finished.assign(best=finished["score"].cummax()).reset_index(drop=True)
