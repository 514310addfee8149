"""Early stopping: the rule is Optuna's, a resumed study goes on, and schedules are compared by themselves."""

import random
import time

import optuna
import pytest
from optuna.pruners import BasePruner, SuccessiveHalvingPruner
from optuna.trial import TrialState

from autocls.search.pruning import Asha, Paced, all_or_schedule

optuna.logging.set_verbosity(optuna.logging.ERROR)


def stopped(seed: int, *pruners: BasePruner, trials: int = 90) -> list[int]:
    """The epoch that each trial ended at; four run at a time with random scores, each pruner has its share of them."""
    rng = random.Random(seed)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(0))
    running, ended = [study.ask() for _ in range(4)], dict[int, int]()
    while len(ended) < trials:
        study.pruner = pruners[len(ended) * len(pruners) // trials]
        trial = rng.choice(running)
        epoch = len(trial._get_latest_trial().intermediate_values) + 1
        trial.report(round(rng.random(), 1), epoch)
        if trial.should_prune() or epoch == 12:
            study.tell(trial, epoch, TrialState.COMPLETE)
            ended[trial.number] = epoch
            running[running.index(trial)] = study.ask()
    return [ended[number] for number in sorted(ended)]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("first", "reduction"), [(1, 3), (2, 2), (1, 4)])
def test_it_stops_what_optunas_stops(seed: int, first: int, reduction: int) -> None:
    optunas = SuccessiveHalvingPruner(min_resource=first, reduction_factor=reduction)
    assert stopped(seed, Asha(first, reduction)) == stopped(seed, optunas)


@pytest.mark.parametrize("seed", range(5))
def test_a_new_one_goes_on_where_another_was(seed: int) -> None:
    assert stopped(seed, Asha(), Asha(), Asha()) == stopped(seed, Asha())


def test_asked_twice_it_counts_a_score_once() -> None:
    study = optuna.create_study(direction="maximize", pruner=Asha())
    for score in (0.5, 0.9, 0.6):
        trial = study.ask()
        trial.report(score, 1)
        said = [trial.should_prune() for _ in range(2)]
    assert said[0]
    assert study.pruner._scores[("all", 0)] == [0.5, 0.6, 0.9]


def test_the_best_of_a_schedule_goes_on_though_others_are_ahead() -> None:
    study = optuna.create_study(direction="maximize", pruner=Asha(groups=all_or_schedule))
    said, reports = [], (("cosine", 0.8), ("one_cycle", 0.2), ("one_cycle", 0.1), ("cosine", 0.7), ("one_cycle", 0.3))
    for schedule, score in reports:
        study.enqueue_trial({"schedule": schedule})
        trial = study.ask()
        trial.suggest_categorical("schedule", ["cosine", "one_cycle"])
        trial.report(score, 1)
        said.append(trial.should_prune())
    assert said == [False, False, True, True, False]


@pytest.mark.parametrize(
    ("most", "planned", "rungs"),
    [(9, 9, [1, 3, 9]), (8, 8, [1, 3, 8]), (12, 12, [2, 4, 12]), (30, 12, [1, 2, 4, 12]), (2, 1, [1, 1])],
)
def test_it_is_paced_by_the_planned_epochs(most: int, planned: int, rungs: list[int]) -> None:
    study = optuna.create_study(direction="maximize", pruner=Paced(most))
    asked = []
    for trial in [study.ask() for _ in range(planned + 1)]:
        trial.set_user_attr("planned", planned)
        for epoch in range(1, planned + 1):
            trial.report(epoch - trial.number, epoch)
            if trial.should_prune():
                asked.append(epoch)
                break
    assert set(asked) <= set(rungs)
    assert {due for _, rung in study.pruner._scores for due in [rungs[rung]]} == set(rungs)


@pytest.mark.alone
def test_an_epoch_takes_no_longer_in_a_large_study() -> None:
    study = optuna.create_study(direction="maximize", pruner=Asha(), sampler=optuna.samplers.RandomSampler(0))
    took, rng = [], random.Random(0)
    for _ in range(4000):
        trial = study.ask()
        trial.report(rng.random(), 1)
        started = time.process_time()
        trial.should_prune()
        took.append(time.process_time() - started)
        study.tell(trial, state=TrialState.PRUNED)
    assert sum(took[-1000:]) < 3 * sum(took[:1000])
