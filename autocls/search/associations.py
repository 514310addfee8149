"""What went along with good scores in a search's log: associations in search data, not effects.

A sampler tries what did well again and again, so its log mixes a choice's own effect with all that was tried beside it.
The verdict's tricks are what a choice does.
"""

from collections.abc import Sequence

import numpy as np
import optuna
import pandas as pd
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial

from autocls.search.record import Record
from autocls.verdict.verdict import Phase

LABEL = "association in search data, not effect"
FEWEST = 10
"""Complete trials that an association is worth computing from."""
FOREST = 100
"""Trials that a forest is grown from, at the most: 1,000 of 15 parameters would take a minute."""


def associations(study: Record) -> pd.DataFrame:
    """Of a study opened with its answers: a row for each parameter that all complete trials of the search have.

    ``ped_anova`` and ``fanova`` are shares of 1, the largest ``ped_anova`` first: how well the parameter tells the best
    trials from all (Watanabe et al. 2023, arXiv:2304.10255), and how much of a forest's variance it explains (Hutter et
    al. 2014), the forest of ``FOREST`` trials from the whole search. Empty with fewer than ``FEWEST`` trials, and where
    all have one score.
    """
    trials = study.trials()
    searched = [trials[row.number] for row in study.rows() if row.phase == Phase.SEARCH and row.state == "COMPLETE"]
    columns = ["parameter", "ped_anova", "fanova"]
    some = [searched[i] for i in np.linspace(0, len(searched) - 1, min(FOREST, len(searched))).astype(int)]
    if len(searched) < FEWEST or len({trial.value for trial in some}) < 2:
        return pd.DataFrame(columns=columns)
    ped = get_param_importances(_log(searched), evaluator=PedAnovaImportanceEvaluator())
    fanova = get_param_importances(_log(some), evaluator=FanovaImportanceEvaluator(seed=0))
    return pd.DataFrame([(name, share, fanova.get(name, 0.0)) for name, share in ped.items()], columns=columns)


def _log(trials: Sequence[FrozenTrial]) -> optuna.Study:
    log = optuna.create_study(direction="maximize")
    log.add_trials(trials)
    return log
