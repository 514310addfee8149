import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from optuna.storages.journal import JournalFileBackend

from autocls.errors import BadInput
from autocls.search.journal import _ANSWER, Journal
from autocls.search.messages import Ended
from autocls.search.record import JOURNAL, Record
from autocls.search.study import Study
from autocls.space import Space

ENTRIES = [{"op_code": i, "worker_id": "a", "text": "ä\n"} for i in range(100)]


def test_entries_are_there_at_once_and_in_order_on_the_disk(tmp_path: Path):
    journal = Journal(tmp_path / "journal.log")
    for entry in ENTRIES:
        journal.append_logs([entry])
    assert journal.read_logs(0) == ENTRIES
    assert journal.read_logs(98) == ENTRIES[98:]
    journal.flush()
    assert list(JournalFileBackend(str(tmp_path / "journal.log")).read_logs(0)) == ENTRIES


def test_what_was_read_is_forgotten(tmp_path: Path):
    journal = Journal(tmp_path / "journal.log")
    journal.append_logs(ENTRIES)
    journal.read_logs(50)
    with pytest.raises(ValueError, match="entry 49 was read before"):
        journal.read_logs(49)


def test_a_journal_that_is_there_is_read_and_continued(tmp_path: Path):
    for half in (ENTRIES[:50], ENTRIES[50:]):
        journal = Journal(tmp_path / "journal.log")
        journal.append_logs(half)
        journal.close()
    assert Journal(tmp_path / "journal.log").read_logs(0) == ENTRIES


def test_a_disk_that_takes_no_more_is_said(tmp_path: Path):
    (tmp_path / "run").mkdir()
    journal = Journal(tmp_path / "run" / "journal.log", patience=0)
    shutil.rmtree(tmp_path / "run")
    journal.append_logs(ENTRIES)
    with pytest.raises(BadInput, match=r"journal\.log: can't be written: No such file or directory"):
        journal.flush()
    with pytest.raises(BadInput, match="can't be written"):
        journal.append_logs(ENTRIES)


def test_a_disk_that_is_gone_for_a_while_loses_nothing(tmp_path: Path):
    (tmp_path / "run").mkdir()
    journal = Journal(tmp_path / "run" / "journal.log", patience=20)
    journal.append_logs(ENTRIES[:50])
    journal.flush()
    (tmp_path / "run").rename(tmp_path / "gone")
    for entry in ENTRIES[50:]:
        journal.append_logs([entry])
    time.sleep(1.5)
    (tmp_path / "gone").rename(tmp_path / "run")
    journal.flush()
    assert list(JournalFileBackend(str(tmp_path / "run" / "journal.log")).read_logs(0)) == ENTRIES


def test_a_batch_of_which_a_part_was_written_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    journal = Journal(tmp_path / "journal.log", patience=20)
    append, full = JournalFileBackend.append_logs, [True]

    def partly(self: JournalFileBackend, logs: list[dict[str, object]]) -> None:
        if full and full.pop():
            append(self, logs[: len(logs) // 2])
            with (tmp_path / "journal.log").open("a") as file:
                file.write('{"op_co')
            raise OSError(28, "No space left on device")
        append(self, logs)

    monkeypatch.setattr(JournalFileBackend, "append_logs", partly)
    journal.append_logs(ENTRIES)
    journal.flush()
    assert list(JournalFileBackend(str(tmp_path / "journal.log")).read_logs(0)) == ENTRIES


def test_where_a_file_system_has_no_locks_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def acquire(self: FileLock, blocking: bool) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(FileLock, "acquire", acquire)
    journal = Journal(tmp_path / "journal.log")
    journal.append_logs(ENTRIES)
    assert journal.read_logs(0) == ENTRIES
    assert "has no locks: nothing keeps a second search out" in caplog.text


def test_only_one_process_writes_a_journal(tmp_path: Path):
    first = Journal(tmp_path / "journal.log")
    with pytest.raises(BadInput, match="a search is running in it"):
        Journal(tmp_path / "journal.log")
    first.close()
    Journal(tmp_path / "journal.log").close()


@pytest.mark.parametrize("torn", ['{"op_code":8,"trial_i', "x" * 10_000])
def test_a_line_that_was_cut_off_is_cut_off_before_more_is_written(tmp_path: Path, torn: str):
    journal = Journal(tmp_path / "journal.log")
    journal.append_logs(ENTRIES[:50])
    journal.close()
    with (tmp_path / "journal.log").open("a") as file:
        file.write(torn)
    again = Journal(tmp_path / "journal.log")
    again.append_logs(ENTRIES[50:])
    again.close()
    assert list(JournalFileBackend(str(tmp_path / "journal.log")).read_logs(0)) == ENTRIES


WRITER = """
import sys
import time
from pathlib import Path
from autocls.search.messages import Ended
from autocls.search.study import Study
from autocls.space import Space

study = Study.create(
    Path(sys.argv[1]), None, Space.load("quick"), {"data": "x"}, seed=0, sampler="random", pruner="none"
)
while asked := study.ask():
    study.report(asked.number, 1, 0.5)
    study.tell(asked.number, "COMPLETE", Ended(seconds=1.0))
    print(asked.number, flush=True)
"""


def test_a_killed_writer_leaves_all_trials_but_those_of_its_last_moment(tmp_path: Path):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    said = [int(next(writer.stdout)) for _ in range(30)]
    time.sleep(1)  # as long as a slow disk may take; the writer goes on
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    rows = Record.open(tmp_path).rows()
    assert [row.number for row in rows][:30] == said
    assert all(row.state == "COMPLETE" for row in rows[:30])
    lines = (tmp_path / "journal.log").read_text(encoding="utf-8").splitlines()
    assert all(json.loads(line) for line in lines[:-1])


def test_a_record_knows_all_rows_without_the_sampler_s_answers(tmp_path: Path):
    study = _small(tmp_path)
    assert Record.open(tmp_path).rows() == study.rows()
    assert Record.open(tmp_path).about() == study.about()
    answers = [line for line in (tmp_path / JOURNAL).read_bytes().splitlines() if line.startswith(_ANSWER)]
    assert len(answers) >= 8
    assert all(b"param_name" in line for line in answers)


def test_a_line_that_was_cut_off_is_left(tmp_path: Path):
    rows = _small(tmp_path).rows()
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b'{"op_code":8,"trial_i')
    assert Record.open(tmp_path).rows() == rows


def _small(folder: Path) -> Study:
    space = Space.from_yaml("norm: [none, batch]\nbatch_size: [32, 64]\nepochs: 2")
    study = Study.create(folder, None, space, {"metric": "accuracy"}, seed=0, sampler="random", pruner="none")
    for state in ("COMPLETE", "PRUNED", "FAIL"):
        asked = study.ask()
        assert asked is not None
        study.report(asked.number, 1, 0.5)
        study.tell(asked.number, state, Ended(seconds=1.0))
    study.ask()
    study.flush()
    return study
