"""What is read of a run folder while its search goes on, and when it was killed."""

import shutil
from pathlib import Path

import pytest

from autocls.errors import BadInput
from autocls.report.run import read
from autocls.search import folder
from tests.watched import searching, until


def test_a_running_search_is_read_from_its_journal_alone(tmp_path: Path) -> None:
    with searching(tmp_path / "out") as gate:
        run = folder.read_running(gate.folder)
        assert run.running
        assert run.trials["state"].tolist() == ["RUNNING"]
        assert run.winner is None
        gate.let(3)
        until(lambda: len(folder.read_running(gate.folder).trials) == 2)
        until(lambda: folder.read_running(gate.folder).trials["epochs"].tolist() == [2, 1])
        run = folder.read_running(gate.folder)
        assert run.board["state"].tolist() == ["COMPLETE", "RUNNING"]
        assert (run.winner, run.best_recipe) == (0, run.trials["recipe"][0])
        assert run.trials["reason"].tolist() == ["", ""]
        assert run.verdict is None, "nothing was run again"
        assert run.summary["seconds"] > 0
        assert not (gate.folder / "trials.parquet").exists()
        copy = tmp_path / "killed"
        shutil.copytree(gate.folder, copy)
    ended = folder.read_running(gate.folder)
    assert not ended.running
    assert set(ended.trials["state"]) <= {"COMPLETE", "PRUNED"}
    assert ended.summary == read(gate.folder).summary
    folder.refresh(copy)
    assert read(copy).trials["state"].tolist() == ["COMPLETE", "PRUNED"]
    assert read(copy).trials["reason"].tolist() == ["", "the search was killed"]


def test_a_run_is_loaded_from_its_files_or_else_from_its_journal(tmp_path: Path) -> None:
    with searching(tmp_path / "out") as gate:
        assert folder.load(gate.folder).running
    assert not folder.load(gate.folder).running
    with pytest.raises(BadInput, match="no such folder"):
        folder.load(tmp_path / "nothing")
    (tmp_path / "journal.log").touch()
    with pytest.raises(BadInput, match="killed before it began"):
        folder.load(tmp_path)
