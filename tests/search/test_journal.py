"""Reading a journal without what a run folder does not show."""

from pathlib import Path

import pytest

from autocls.errors import BadInput
from autocls.search import journal
from autocls.search.folder import refresh
from autocls.search.study import JOURNAL, Record, Study
from autocls.space import Space


def search(folder: Path) -> None:
    space = Space.from_yaml("norm: [none, batch]\nbatch_size: [32, 64]\nepochs: 2")
    study = Study.create(folder, None, space, {"metric": "accuracy"}, seed=0, sampler="random", pruner="none")
    for state in ("COMPLETE", "PRUNED", "FAIL"):
        asked = study.ask()
        assert asked is not None
        study.report(asked.number, 1, 0.5)
        study.tell(asked.number, state, seconds=1.0, parameters=7, reason="")
    study.ask()


def test_the_rows_are_those_of_the_whole_journal(tmp_path: Path) -> None:
    search(tmp_path)
    found, whole = journal.read(tmp_path), Record.open(tmp_path)
    assert found.rows() == whole.rows()
    assert [row.state for row in found.rows()] == ["COMPLETE", "PRUNED", "FAIL", "PRUNED"]
    assert found.about() == whole.about()


def test_the_answers_to_the_sampler_are_recognised(tmp_path: Path) -> None:
    search(tmp_path)
    answers = [line for line in (tmp_path / JOURNAL).read_bytes().splitlines() if line.startswith(journal._ANSWER)]
    assert len(answers) >= 8
    assert all(b"param_name" in line for line in answers)


def test_a_line_that_was_cut_off_is_left(tmp_path: Path) -> None:
    search(tmp_path)
    rows = journal.read(tmp_path).rows()
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b'{"op_code":8,"trial_i')
    assert journal.read(tmp_path).rows() == rows


def test_a_journal_without_a_study_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).touch()
    with pytest.raises(BadInput, match="holds no study"):
        refresh(tmp_path)
