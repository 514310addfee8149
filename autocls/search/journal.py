"""Reading a study's journal for what a run folder shows of it."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from autocls.errors import BadInput
from autocls.search.study import JOURNAL, Record

_ANSWER = b'{"op_code":5,'
"""How Optuna begins the line of one answer to the sampler; a line that begins otherwise is read in any case."""


class _WithoutAnswers(JournalFileBackend):
    """A journal as when first read, without the sampler's answers: most of its bytes, and the recipes say the same."""

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        if log_number_from:
            return
        with open(self._file_path, "rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    return  # still being written, or its writer was killed
                if not line.startswith(_ANSWER):
                    yield json.loads(line)


def read(folder: Path) -> Record:
    """The study that a run folder's journal holds. Raises BadInput when it holds none."""
    store = JournalStorage(_WithoutAnswers(str(folder / JOURNAL)))
    names = optuna.get_all_study_names(store)
    if not names:
        raise BadInput(f"{folder}: its {JOURNAL} holds no study: the search was killed before it began")
    return Record(optuna.load_study(study_name=names[0], storage=store))
