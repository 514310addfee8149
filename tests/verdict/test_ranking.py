"""Who stands where on the leaderboard."""

import pandas as pd

from autocls.verdict.ranking import best_so_far, leaderboard, winner

TRIALS = pd.DataFrame(
    {
        "number": [0, 1, 2, 3, 4, 5],
        "state": ["COMPLETE", "FAIL", "COMPLETE", "PRUNED", "COMPLETE", "COMPLETE"],
        "score": [0.90, None, 0.95, 0.99, 0.95, 0.95],
        "parameters": pd.array([10, None, 500, 10, 100, 100], dtype="Int64"),
        "finished": [1.0, 2.0, 5.0, 3.0, 4.0, 6.0],
    }
)


def test_complete_trials_come_by_score_then_parameters_then_number() -> None:
    table = leaderboard(TRIALS)
    assert table["number"].tolist() == [4, 5, 2, 0, 3, 1]
    assert table["rank"].fillna(0).tolist() == [1, 2, 3, 4, 0, 0]


def test_the_winner_is_the_first_complete_trial() -> None:
    assert winner(TRIALS) == 4
    assert winner(TRIALS.query("state != 'COMPLETE'")) is None


def test_best_so_far_runs_in_the_order_of_finishing() -> None:
    table = best_so_far(TRIALS)
    assert table["number"].tolist() == [0, 4, 2, 5]
    assert table["best"].tolist() == [0.90, 0.95, 0.95, 0.95]
