"""Where a study is kept: a journal in its run folder, or what several searches share, a database or a journal file."""

import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from autocls.errors import BadInput
from autocls.files import PATIENCE
from autocls.search.claim import Claim
from autocls.search.journal import Journal
from autocls.search.record import JOURNAL

NAME = "autocls"
"""Of the study in a journal of its own; in a shared store it is called as its run folder is."""
TRIES = 3
"""At a database in which others make the same tables."""
_CHECKED = {"pool_pre_ping": True}
"""A connection that broke while it wasn't used is made anew."""

P = ParamSpec("P")
T = TypeVar("T")


def opened(folder: Path, storage: str | None) -> tuple[BaseStorage, str, Journal | Claim]:
    """A run folder's store, its study's name there, and what keeps other processes from writing the folder.

    That is its own journal where no ``storage`` is shared. Raises BadInput when the store can't be opened, or another
    process writes the folder.
    """
    if storage is None:
        journal = Journal(folder / JOURNAL)
        return JournalStorage(journal), NAME, journal
    claim = Claim(folder)
    return shared(storage), folder.resolve().name, claim


def shared(storage: str) -> BaseStorage:
    """The store that several searches share: a database by its URL, or the file of a journal. Raises BadInput."""
    return _database(storage) if "://" in storage else _shared_journal(Path(storage))


def _shared_journal(path: Path) -> BaseStorage:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path)))
    except (OSError, ValueError) as error:
        raise BadInput(f"--storage {path}: can't be opened as a journal: {error}") from None


def _database(url: str) -> BaseStorage:
    import sqlalchemy

    try:
        parsed = sqlalchemy.engine.make_url(url)
    except sqlalchemy.exc.ArgumentError:
        raise BadInput(
            f"--storage {url}: no database's URL; postgresql://user:password@host/database, sqlite:///file.db, "
            "or the path of a journal file"
        ) from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    shown = parsed.render_as_string(hide_password=True)
    try:
        store = _made(parsed.render_as_string(hide_password=False))
    except ImportError as error:
        raise BadInput(
            f"--storage {shown}: its driver is not installed ({error.name or error}); for PostgreSQL: "
            "pip install 'autocls[postgresql]'"
        ) from None
    except Exception as error:  # each database driver raises errors of its own
        raise BadInput(f"--storage {shown}: can't be opened: {str(error).splitlines()[0]}") from None
    # Optuna wraps what it is given as well; all studies of one store must share what was read.
    return optuna.storages.get_storage(store)


def _made(url: str) -> RDBStorage:
    """Optuna's storage, whose tables another driver may be making just now."""
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    for _ in range(TRIES):
        try:
            return _PatientStorage(url, engine_kwargs=_CHECKED)
        except (IntegrityError, ProgrammingError):
            time.sleep(1.0)
    return _PatientStorage(url, engine_kwargs=_CHECKED)


def _patiently(method: Callable[P, T]) -> Callable[P, T]:
    """The method, tried again while the database is away. What was not committed was not done."""

    @wraps(method)
    def again(*args: P.args, **options: P.kwargs) -> T:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return method(*args, **options)
            except StorageInternalError as error:
                why = _away(error)
                if why is None:
                    raise
                if time.monotonic() > deadline:
                    raise BadInput(
                        f"--storage: its database is away ({str(why).splitlines()[0]}); what was told before is "
                        "there, and `autocls resume` with the output folder goes on from it"
                    ) from error
            time.sleep(1.0)

    return again


def _away(error: StorageInternalError) -> BaseException | None:
    """The database's error that its connection broke, or that none can be made, if it was that."""
    from sqlalchemy.exc import InterfaceError, OperationalError, PendingRollbackError

    why = error.__cause__
    if isinstance(why, PendingRollbackError):  # Optuna asked once more, on the connection that broke
        why = why.__context__
    return why if isinstance(why, InterfaceError | OperationalError) else None


class _PatientStorage(RDBStorage):
    """Optuna's database, for which it waits a minute when it is restarted under a search."""


# Those with an underscore are what Optuna's cache asks.
for _name in [*BaseStorage.__abstractmethods__, "_create_new_trial", "_get_trials", "_set_trial_param"]:
    setattr(_PatientStorage, _name, _patiently(getattr(RDBStorage, _name)))
