"""The study: what is asked first, what is never asked twice, and what is kept of each trial."""

import math
from pathlib import Path

import pytest

from autocls.errors import BadInput
from autocls.search.study import PRUNERS, SAMPLERS, Record, Study, check_names
from autocls.space import Space

SPACE = Space.from_yaml(
    "norm: [none, batch]\noptimizer: {sgd: {lr: {log: [0.01, 1]}, momentum: 0.9}}\nepochs: 4\n"
    "suggestions: [{norm: batch}]"
)


def make(folder: Path, space: Space = SPACE, sampler: str = "tpe", pruner: str = "none") -> Study:
    return Study.create(folder, None, space, {"metric": "accuracy"}, seed=0, sampler=sampler, pruner=pruner)


def test_the_baseline_and_the_suggestions_come_first(tmp_path: Path) -> None:
    study = make(tmp_path)
    assert [study.ask().recipe for _ in range(2)] == [SPACE.baseline(), *SPACE.suggestions]  # type: ignore[union-attr]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("pruner", PRUNERS)
def test_every_sampler_and_pruner_runs_trials(tmp_path: Path, sampler: str, pruner: str) -> None:
    study = make(tmp_path, sampler=sampler, pruner=pruner)
    for _ in range(4):
        asked = study.ask()
        assert asked is not None
        for epoch in range(1, 5):
            study.report(asked.number, epoch, epoch / 10)
        study.tell(asked.number, "COMPLETE", seconds=1.0, parameters=None)
    assert [row.state for row in study.rows()] == ["COMPLETE"] * 4


def test_an_unknown_sampler_names_the_near_one() -> None:
    with pytest.raises(BadInput, match="--sampler: no such sampler 'tpee'; did you mean 'tpe'"):
        check_names("tpee", "none")


def test_a_finite_space_is_exhausted_without_a_recipe_twice(tmp_path: Path) -> None:
    study = make(tmp_path, Space.from_yaml("norm: [none, batch]\nbatch_size: [32, 64]\nepochs: 1"))
    seen = []
    while asked := study.ask():
        seen.append(asked.recipe)
        study.report(asked.number, 1, 0.5)
        study.tell(asked.number, "COMPLETE", seconds=1.0, parameters=None)
    assert len(seen) == len(set(seen)) == 4
    assert len(study.rows()) == 4


def test_what_has_no_place_in_a_network_is_not_asked_again(tmp_path: Path) -> None:
    study = make(
        tmp_path, Space.from_yaml("norm: [none, batch]\nlabel_smoothing: {uniform: [0, 0.2]}\nepochs: 1"), "random"
    )
    norms = []
    for _ in range(12):
        asked = study.ask()
        assert asked is not None
        norms.append(asked.recipe.norm is not None)
        if asked.recipe.norm is not None:
            study.rule_out(asked.number)
            study.tell(asked.number, "FAIL", seconds=0.0, parameters=None, reason="not applicable")
    assert sum(norms) == 1


def test_the_baseline_is_never_pruned(tmp_path: Path) -> None:
    study = make(tmp_path, pruner="asha")
    first, second, third = (study.ask() for _ in range(3))
    assert first is not None
    assert second is not None
    assert third is not None
    assert not study.report(second.number, 1, 0.9)
    assert study.report(third.number, 1, 0.1)
    assert not study.report(first.number, 1, 0.1)


def test_rows_hold_the_curve_the_best_epoch_and_the_reason(tmp_path: Path) -> None:
    study = make(tmp_path)
    for state, scores, reason in (
        ("COMPLETE", [0.5, 0.9, 0.8], ""),
        ("FAIL", [], "out of memory"),
        ("PRUNED", [0.1], ""),
    ):
        asked = study.ask()
        assert asked is not None
        for epoch, score in enumerate(scores, 1):
            study.report(asked.number, epoch, score)
        study.tell(asked.number, state, seconds=2.0, parameters=7, reason=reason)
    complete, failed, pruned = study.rows()
    assert (complete.score, complete.epochs, complete.curve, complete.planned) == (0.9, 3, (0.5, 0.9, 0.8), 4)
    assert (failed.state, failed.reason) == ("FAIL", "out of memory")
    assert math.isnan(failed.score)
    assert (pruned.state, pruned.curve) == ("PRUNED", (0.1,))


def test_a_journal_is_read_back_and_a_trial_left_running_is_told_as_stopped(tmp_path: Path) -> None:
    study = make(tmp_path)
    asked = study.ask()
    assert asked is not None
    study.report(asked.number, 1, 0.5)
    (row,) = Record.open(tmp_path).rows()
    assert (row.state, row.score, row.reason) == ("PRUNED", 0.5, "the search was killed")


def test_a_journal_without_a_study_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "journal.log").touch()
    with pytest.raises(BadInput, match="killed before it began"):
        Record.open(tmp_path)


def test_a_second_study_of_the_same_name_in_one_storage_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    folder = tmp_path / "run"
    Study.create(folder, url, SPACE, {}, seed=0, sampler="tpe", pruner="none")
    with pytest.raises(BadInput, match="holds a study called 'run' already"):
        Study.create(folder, url, SPACE, {}, seed=0, sampler="tpe", pruner="none")
