"""Optuna's trials, made so that no driver's death leaves one of which nobody knows whose it is."""

from datetime import datetime, timedelta
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from autocls.search.sharing import SOON


def asked(study: optuna.Study, driver: str) -> Trial:
    """What ``Study.ask`` gives; but whose a new trial is stands in it from its first moment.

    A driver that is killed before it has said more finds it when it comes back.
    """
    study._thread_local.cached_all_trials = None  # the sampler has to see what others told meanwhile
    waiting = study._pop_waiting_trial_id()
    if waiting is None:
        return added(study, user_attrs={"driver": driver})
    trial = Trial(study, waiting)
    trial.set_user_attr("driver", driver)
    return trial


def added(study: optuna.Study, **given: Any) -> Trial:
    """A new trial of a study, with what ``create_trial`` takes; it exists with all of that or not at all."""
    begun = create_trial(state=TrialState.RUNNING, **given)
    # Study.add_trial keeps the number to itself, and others may add at the same time.
    return Trial(study, study._storage.create_new_trial(study._study_id, begun))


def is_orphaned(trial: FrozenTrial) -> bool:
    """Whether nobody will say any more what a trial is that was asked for, and doesn't say by whom."""
    begun = trial.datetime_start
    return "driver" not in trial.user_attrs and begun is not None and datetime.now() - begun > timedelta(seconds=SOON)


def with_pruner(study: optuna.Study, pruner: BasePruner) -> optuna.Study:
    """The same study with another pruner, whose sampler has no part in trials that are made by hand."""
    return optuna.load_study(
        study_name=study.study_name, storage=study._storage, sampler=RandomSampler(), pruner=pruner
    )
