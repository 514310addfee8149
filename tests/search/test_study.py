"""The study: what is asked first, what is never asked twice, and what is kept of each trial."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

from autocls.domains import Log, OneOf
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.search.driver import Driver
from autocls.search.evidence import chosen_trial, over_limit
from autocls.search.fitting import NO_TEACHER, Misfits, no_misfits
from autocls.search.messages import Asked, Ended, Epoch, Run
from autocls.search.record import Record
from autocls.search.snapshot import Budget
from autocls.search.strategies import PRUNERS, SAMPLERS
from autocls.search.study import DUPLICATES_IN_A_ROW, Study
from autocls.space import Space
from autocls.training.artifact import WEIGHTS
from autocls.training.footprint import Footprint
from autocls.verdict.verdict import Phase

SPACE = Space.from_yaml(
    "norm: [none, batch]\noptimizer: {sgd: {lr: {log: [0.01, 1]}, momentum: 0.9}}\nepochs: 4\n"
    "suggestions: [{norm: batch}]"
)


def make(
    folder: Path, space: Space = SPACE, sampler: str = "tpe", pruner: str = "none", misfits: Misfits = no_misfits
) -> Study:
    about = {"metric": "accuracy"}
    return Study.create(folder, None, space, about, seed=0, sampler=sampler, pruner=pruner, misfits=misfits)


def test_the_baseline_and_the_suggestions_come_first(tmp_path: Path) -> None:
    study = make(tmp_path)
    first, second = study.ask(), study.ask()
    assert first is not None
    assert second is not None
    assert [first.recipe, second.recipe] == [SPACE.baseline(), *SPACE.suggestions]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("pruner", PRUNERS)
def test_every_sampler_and_pruner_runs_trials(tmp_path: Path, sampler: str, pruner: str) -> None:
    study = make(tmp_path, sampler=sampler, pruner=pruner)
    for _ in range(4):
        asked = study.ask()
        assert asked is not None
        for epoch in range(1, 5):
            study.report(asked.number, epoch, epoch / 10)
        study.tell(asked.number, "COMPLETE", Ended())
    assert [row.state for row in study.rows()] == ["COMPLETE"] * 4


def test_a_finite_space_is_exhausted_without_a_recipe_twice(tmp_path: Path) -> None:
    study = make(tmp_path, Space.from_yaml("norm: [none, batch]\nbatch_size: [32, 64]\nepochs: 1"))
    seen = []
    while asked := study.ask():
        seen.append(asked.recipe)
        study.report(asked.number, 1, 0.5)
        study.tell(asked.number, "COMPLETE", Ended())
    assert len(seen) == len(set(seen)) == 4
    assert len(study.rows()) == 4


def test_what_has_no_place_is_left_out_before_a_trial_and_said(tmp_path: Path) -> None:
    def misfits(recipe: Recipe) -> dict[str, str]:
        return {"norm": "batch: not applicable: none here"} if recipe.norm else {}

    space = Space.from_yaml("norm: [none, batch]\nlabel_smoothing: [0, 0.1]\nepochs: 1")
    study = make(tmp_path, space, "random", misfits=misfits)
    while (asked := study.ask()) is not None:
        assert asked.recipe.norm is None
        study.report(asked.number, 1, 0.5)
        study.tell(asked.number, "COMPLETE", Ended())
    rows = study.rows()
    assert len(rows) == 2, "what is the same without the choice is trained once"
    assert {row.left_out for row in rows} <= {(), ("batch: not applicable: none here",)}


TAUGHT = Space.from_yaml(
    "distill: [none, best: {temperature: 2, weight: 0.5}]\nlabel_smoothing: [0, 0.1]\nepochs: 1\n"
    "suggestions: [{distill: {best: {temperature: 2, weight: 0.5}}}, "
    "{distill: {best: {temperature: 2, weight: 0.5}}, label_smoothing: 0.1}]"
)


def finish(study: Study, asked: Asked) -> None:
    study.report(asked.number, 1, 0.5)
    study.tell(asked.number, "COMPLETE", Ended())


def test_before_there_is_a_teacher_what_is_new_without_one_is_tried_so_and_said(tmp_path: Path) -> None:
    study = make(tmp_path, TAUGHT)
    asked = [study.ask() for _ in range(2)]
    assert [(a.recipe.distill, a.recipe.label_smoothing) for a in asked if a] == [(None, 0.0), (None, 0.1)]
    assert [row.left_out for row in study.rows()] == [(), (NO_TEACHER,)]


def test_what_only_a_teacher_makes_new_is_tried_as_soon_as_there_is_one(tmp_path: Path) -> None:
    study = make(tmp_path, TAUGHT)
    first, second = study.ask(), study.ask()
    assert (first, second) != (None, None)
    assert study.ask() is None
    assert study.waiting
    third = study.ask(lambda: tmp_path / "0")
    assert third is not None
    assert third.recipe == TAUGHT.suggestions[0].model_copy(update={"distill": third.recipe.distill})
    assert third.recipe.distill.folder == str(tmp_path / "0")
    (row,) = (row for row in study.rows() if row.number == third.number)
    assert Recipe.from_yaml(row.recipe) == third.recipe
    assert row.left_out == ()


def test_another_teacher_makes_another_recipe_and_the_same_one_does_not(tmp_path: Path) -> None:
    study = make(tmp_path, TAUGHT, "random")
    folders: set[str] = set()
    for teacher in ("0", "0", "1"):
        while (asked := study.ask(lambda: tmp_path / teacher)) is not None:  # noqa: B023
            finish(study, asked)
            folders |= {asked.recipe.distill.folder} if asked.recipe.distill else set()
    assert folders == {str(tmp_path / "0"), str(tmp_path / "1")}
    assert len(study.rows()) == 2 + 2 + 2
    assert not study.waiting


def test_a_search_waits_for_a_teacher_only_while_one_may_come(tmp_path: Path) -> None:
    study = make(tmp_path, TAUGHT)
    driver = Driver(study, Budget(trials=9), TAUGHT.baseline(), 0.0, lambda _: None, lambda *_: tmp_path / "0")
    first, second = driver.ask(), driver.ask()
    assert first is not None
    assert second is not None
    known = len(study._study.trials)
    assert [driver.ask() for _ in range(3)] == [None] * 3
    assert not driver.asked_all()
    assert len(study._study.trials) <= known + DUPLICATES_IN_A_ROW, "asked no more until something changes"
    driver.take(first.number, Epoch(1, 0.5, 1.0, failure="no"))
    assert driver.ask() is None
    assert not driver.asked_all()
    driver.take(second.number, Epoch(1, 0.5, 1.0, failure="no"))
    assert driver.ask() is None
    assert driver.asked_all(), "nothing runs that could be a teacher"


def test_the_teacher_is_the_best_complete_trial(tmp_path: Path) -> None:
    appointed: list[tuple[int, float, Path]] = []

    def appoint(number: int, recipe: Recipe, score: float, weights: Path) -> Path:
        appointed.append((number, score, weights))
        return tmp_path / str(number)

    study = make(tmp_path, TAUGHT)
    (tmp_path / "weights").mkdir()
    driver = Driver(
        study, Budget(trials=9), TAUGHT.baseline(), 0.0, lambda _: None, appoint, kept_in=tmp_path / "weights"
    )
    first, second = driver.ask(), driver.ask()
    assert first is not None
    assert second is not None
    driver.take(first.number, Epoch(1, 0.5, 1.0, weights=b"a"))
    third = driver.ask()
    assert third is not None
    assert third.recipe.distill.folder == str(tmp_path / str(first.number))
    driver.take(second.number, Epoch(1, 0.4, 1.0))
    driver.take(third.number, Epoch(1, 0.6, 1.0, weights=b"c"))
    assert appointed[0] == (first.number, 0.5, tmp_path / "weights" / "0")
    assert (appointed[0][2] / WEIGHTS).read_bytes() == b"a"
    while asked := driver.ask():
        if asked.recipe.distill:
            break
    assert asked is not None
    assert asked.recipe.distill.folder == str(tmp_path / str(third.number))


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
        study.tell(asked.number, state, Ended(seconds=2.0, reason=reason))
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
    study.flush()
    (row,) = Record.open(tmp_path).rows()
    assert (row.state, row.score, row.reason) == ("PRUNED", 0.5, "the search was killed")


def test_a_journal_without_a_study_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "journal.log").touch()
    with pytest.raises(BadInput, match="killed before it began"):
        Record.open(tmp_path)


def shared(
    folder: Path, driver: str, seed: int = 0, folds: int = 0, misfits: Misfits = no_misfits, space: Space = SPACE
) -> Study:
    run, about = folder / driver / "run", {"folds": folds}
    run.mkdir(parents=True)
    names = {"sampler": "tpe", "pruner": "none", "driver": driver}
    return Study.create(run, url(folder), space, about, seed=seed, misfits=misfits, **names)


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'studies.db'}"


def back(folder: Path, driver: str) -> Study:
    """The study as a driver has it that comes back."""
    return Study.reopen(folder / driver / "run", url(folder), SPACE, driver=driver)


def test_a_second_driver_joins_the_study_of_its_name_and_repeats_nothing(tmp_path: Path) -> None:
    first, second = shared(tmp_path, "a"), shared(tmp_path, "b")
    assert (first.joined, second.joined) == (False, True)
    baseline, suggestion = first.ask(), second.ask()
    assert baseline is not None
    assert suggestion is not None
    assert [baseline.recipe, suggestion.recipe] == [SPACE.baseline(), *SPACE.suggestions]
    assert first.begun() == second.begun() == 2
    assert first.ask() is not None
    assert second.begun() == 3


def test_what_a_driver_that_joined_notes_is_its_own(tmp_path: Path) -> None:
    first, second = shared(tmp_path, "a"), shared(tmp_path, "b")
    first.note("stopped", "interrupted")
    second.note("stopped", "time is up")
    assert first.about()["stopped"] == "interrupted"
    assert second.about()["stopped"] == "time is up"
    assert not second.search_has_ended()
    first.note("searched", True)
    assert second.search_has_ended()


def test_a_driver_that_comes_back_takes_up_its_own_trials(tmp_path: Path) -> None:
    first, second = shared(tmp_path, "a"), shared(tmp_path, "b")
    mine, its = first.ask(), second.ask()
    assert mine is not None
    assert its is not None
    second.close()
    again = back(tmp_path, "b")
    assert again.unfinished == [its]
    assert again.joined


def test_a_driver_that_was_killed_while_it_asked_takes_up_what_it_asked_for_at_once(tmp_path: Path) -> None:
    def killed(recipe: Recipe) -> dict[str, str]:
        raise KeyboardInterrupt

    first, second = shared(tmp_path, "a"), shared(tmp_path, "b", misfits=killed)
    assert [first.ask() is not None for _ in range(2)] == [True, True]
    with pytest.raises(KeyboardInterrupt):
        second.ask()
    assert first.running() == {0, 1, 2}
    second.close()
    asked = back(tmp_path, "b").ask()
    assert asked is not None
    assert asked.number == 2


def test_so_does_one_that_asked_for_the_baseline(tmp_path: Path) -> None:
    def killed(recipe: Recipe) -> dict[str, str]:
        raise KeyboardInterrupt

    only = shared(tmp_path, "a", misfits=killed)
    with pytest.raises(KeyboardInterrupt):
        only.ask()
    only.close()
    asked = back(tmp_path, "a").ask()
    assert asked is not None
    assert (asked.number, asked.recipe) == (0, SPACE.baseline())


def test_what_another_driver_has_put_aside_for_a_teacher_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autocls.search.trials.SOON", 0.0)
    first = shared(tmp_path, "a", space=TAUGHT)
    begun = [first.ask(), first.ask()]
    assert all(begun)
    assert first.ask() is None
    assert first.waiting
    second = shared(tmp_path, "b", space=TAUGHT)
    its, mine = second.ask(lambda: tmp_path / "0"), first.ask(lambda: tmp_path / "0")
    numbers = [asked.number for asked in (*begun, its, mine) if asked]
    assert len(set(numbers)) == len(numbers) >= 3


def test_a_second_process_can_t_go_on_with_a_folder_that_shares_a_study(tmp_path: Path) -> None:
    searching = shared(tmp_path, "a")
    code = (
        "import sys; from pathlib import Path; from autocls.search.claim import Claim\n"
        "Claim(Path(sys.argv[1]))"
    )  # fmt: skip
    run = tmp_path / "a" / "run"
    claim = [sys.executable, "-c", code, run]
    assert f"{run}: a search is running in it" in subprocess.run(claim, capture_output=True, text=True).stderr
    searching.close()
    assert subprocess.run(claim, capture_output=True).returncode == 0


def test_a_study_of_another_search_is_not_joined(tmp_path: Path) -> None:
    shared(tmp_path, "a")
    with pytest.raises(BadInput, match="its study 'run' is of another search: it has another seed, 0 and not 1"):
        shared(tmp_path, "b", seed=1)


def test_scores_by_other_folds_are_not_joined(tmp_path: Path) -> None:
    shared(tmp_path, "a")
    with pytest.raises(BadInput, match="it has another number of folds, 0 and not 5"):
        shared(tmp_path, "b", folds=5)


def test_a_designed_run_is_never_pruned_and_its_row_says_what_it_was_for(tmp_path: Path) -> None:
    study = make(tmp_path, pruner="asha")
    for _ in range(3):
        finish(study, study.ask())
    recipe = Recipe(norm="batch", epochs=4)
    begun = study.begin(Run(Phase.CONFIRM, recipe, seed=99, role="1"))
    assert not any(study.report(begun.number, epoch, 0.01) for epoch in (1, 2, 3, 4))
    study.tell(begun.number, "COMPLETE", Ended())
    row = study.rows()[-1]
    assert (row.state, row.phase, row.seed, row.role, row.score) == ("COMPLETE", "confirm", 99, "1", 0.01)
    assert Recipe.from_yaml(row.recipe) == recipe


def test_a_screening_run_is_complete_and_the_sampler_takes_it_for_one_that_was_stopped_early(tmp_path: Path) -> None:
    study = make(tmp_path)
    finish(study, study.ask())
    asked = {name: (domain, domain.at(0.9)) for name, domain in OPEN.items()}
    begun = study.begin(Run(Phase.SCREEN, Recipe(norm="batch", epochs=1), seed=1, role="0:0", parameters=asked))
    study.report(begun.number, 1, 0.7)
    study.tell(begun.number, "COMPLETE", Ended())
    assert study.rows()[-1].state == "COMPLETE"
    told = study.trials()[-1]
    assert told.state.name == "PRUNED"
    assert told.params == {name: value for name, (_, value) in asked.items()}
    finish(study, study.ask())  # the sampler takes it in


def test_what_is_ruled_out_is_tried_as_the_baseline_has_it_and_the_row_says_so(tmp_path: Path) -> None:
    study = make(tmp_path)
    study.rule_out("norm", "batch", "batch: worse")
    for _ in range(6):
        finish(study, study.ask())
    rows = study.rows()
    assert all(Recipe.from_yaml(row.recipe).norm is None for row in rows)
    assert any("batch: worse" in row.left_out for row in rows)


OPEN = {"norm": OneOf("none", "batch"), "optimizer.sgd.lr": Log(0.01, 1)}


def test_the_sampler_knows_by_how_much_a_network_exceeds_the_limits(tmp_path: Path) -> None:
    space = Space.from_yaml("norm: [none, batch]\nbatch_size: [32, 64]\nepochs: 2")
    about = {"metric": "accuracy", "limits": {"parameters": 100}}
    study = Study.create(tmp_path, None, space, about, seed=0, sampler="tpe", pruner="none")
    for parameters in (80, 150):
        asked = study.ask()
        assert asked is not None
        study.report(asked.number, 1, 0.5)
        study.tell(asked.number, "COMPLETE", Ended(footprint=Footprint(parameters, 10, 0.001, 0.01)))
    assert [trial.constraints for trial in study.trials()] == [{"parameters": pytest.approx(-0.2)}, {"parameters": 0.5}]
    row = study.rows()[1]
    assert (row.parameters, row.multiply_adds, row.latency, row.latency_64) == (150, 10, 0.001, 0.01)
    assert over_limit(study) == [1]
    assert chosen_trial(study) == 0, "both have the same score"
