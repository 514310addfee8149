import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
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
        journal.flush()
    assert Journal(tmp_path / "journal.log").read_logs(0) == ENTRIES


def test_a_disk_that_takes_no_more_is_said(tmp_path: Path):
    (tmp_path / "run").mkdir()
    journal = Journal(tmp_path / "run" / "journal.log")
    shutil.rmtree(tmp_path / "run")
    journal.append_logs(ENTRIES)
    with pytest.raises(BadInput, match=r"journal\.log: can't be written: No such file or directory"):
        journal.flush()
    with pytest.raises(BadInput, match="can't be written"):
        journal.append_logs(ENTRIES)


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
