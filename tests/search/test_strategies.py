"""The samplers and pruners by name, and a sampler that looks at few trials and yet learns."""

import statistics
import time

import optuna
import pytest
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from autocls.errors import BadInput
from autocls.search.sampling import BEST, Tpe
from autocls.search.strategies import PRUNERS, SAMPLERS, check_names

optuna.logging.set_verbosity(optuna.logging.ERROR)


def decide(trial: Trial) -> float:
    """A conditional space of 20 parameters; the best has "a" everywhere and its number in the middle."""
    score = 0.0
    for i in range(10):
        if trial.suggest_categorical(f"slot{i}", ["a", "b", "c"]) == "a":
            score += 1 - abs(trial.suggest_float(f"slot{i}.a", 0, 1) - 0.5)
    return score


def searched(sampler: optuna.samplers.BaseSampler, trials: int) -> optuna.Study:
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, decide(trial))
    return study


@pytest.mark.parametrize("kind", ["sampler", "pruner"])
def test_an_unknown_name_names_the_near_one(kind: str) -> None:
    names = {"sampler": "tpe", "pruner": "none"}
    check_names(**names)
    near = names[kind]
    with pytest.raises(BadInput, match=f"--{kind}: no such {kind} '{near}e'; did you mean '{near}'"):
        check_names(**{**names, kind: f"{near}e"})


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_repeats_its_trials_with_its_seed_and_only_then(name: str) -> None:
    first, again, other = ([t.params for t in searched(SAMPLERS[name](seed), 12).trials] for seed in (1, 1, 2))
    assert first == again
    assert first != other


class Whole(Tpe):
    """Looks at the whole study, as Optuna's does."""

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        TPESampler.before_trial(self, study, trial)


def test_while_a_study_is_small_tpe_is_optunas() -> None:
    ours, optunas = (searched(sampler, 60).trials for sampler in (Tpe(3), Whole(3)))
    assert [t.params for t in ours] == [t.params for t in optunas]


@pytest.mark.parametrize("name", ["tpe", "random", "gp"])
def test_a_sampler_made_anew_in_the_middle_of_a_study_goes_on_as_the_first_would_have(name: str) -> None:
    whole = searched(SAMPLERS[name](7), 16 if name == "gp" else 130)
    study = optuna.create_study(direction="maximize", sampler=SAMPLERS[name](7))
    for number in range(len(whole.trials)):
        if number % 5 == 3:
            study = optuna.load_study(study_name=study.study_name, storage=study._storage, sampler=SAMPLERS[name](7))
        trial = study.ask()
        study.tell(trial, decide(trial))
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]


def test_a_trial_of_which_some_answers_are_known_gets_the_others_as_it_would_have() -> None:
    whole = searched(Tpe(7), 20).trials[-1]
    study = searched(Tpe(7), 19)
    half = study.ask()
    half.suggest_categorical("slot0", ["a", "b", "c"])
    decide(
        Trial(optuna.load_study(study_name=study.study_name, storage=study._storage, sampler=Tpe(7)), half._trial_id)
    )
    assert study.trials[-1].params == whole.params


def test_looking_at_few_trials_tpe_still_learns() -> None:
    best = [searched(Tpe(seed, latest=20), 150).best_value for seed in range(3)]
    chance = [searched(RandomSampler(seed), 150).best_value for seed in range(3)]
    assert min(best) > max(chance)


def test_the_best_trials_are_not_forgotten() -> None:
    sampler = Tpe(0, latest=10)
    study = searched(sampler, 60)
    study.ask()
    assert sampler._extract is not None
    kept = {t.number for t in sampler._extract._get_trials(states=(TrialState.COMPLETE,))}
    assert study.best_trial.number in kept
    assert kept >= set(range(50, 60))
    assert len(kept) <= 10 + BEST


@pytest.mark.alone
def test_a_trial_takes_no_longer_in_a_large_study() -> None:
    took = {}
    for size in (300, 5000):
        donor = optuna.create_study(direction="maximize", sampler=RandomSampler(0))
        study = optuna.create_study(direction="maximize", sampler=Tpe(0))
        for _ in range(size):
            trial = donor.ask()
            score, told = decide(trial), trial._get_latest_trial()
            study.add_trial(create_trial(value=score, params=told.params, distributions=told.distributions))
        times = []
        for _ in range(7):
            started = time.process_time()
            trial = study.ask()
            study.tell(trial, decide(trial))
            times.append(time.process_time() - started)
        took[size] = statistics.median(times)  # the first one takes the whole study in
    assert took[5000] < 3 * took[300]


@pytest.mark.parametrize("name", PRUNERS)
def test_a_pruner_never_stops_the_only_trial(name: str) -> None:
    study = optuna.create_study(direction="maximize", pruner=PRUNERS[name](9))
    trial = study.ask()
    trial.set_user_attr("planned", 9)
    for epoch in range(1, 10):
        trial.report(epoch / 10, epoch)
        assert not trial.should_prune()
