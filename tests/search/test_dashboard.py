"""optuna-dashboard over a run folder's journal."""

import io
import json
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna_dashboard import wsgi

import autocls
from tests.search.objectives import quadratic


def ask(app: Any, path: str) -> Any:
    said: list[str] = []
    environ: dict[str, Any] = {"wsgi.input": io.BytesIO()}
    setup_testing_defaults(environ)
    environ["PATH_INFO"] = path
    body = b"".join(app(environ, lambda status, headers, *rest: said.append(status)))
    assert said[0].startswith("200"), (said, body)
    return json.loads(body)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    space = {"norm": ["none", "batch"], "optimizer": {"sgd": {"lr": {"log": [0.01, 0.3]}}}, "epochs": 3}
    out = tmp_path_factory.mktemp("run") / "out"
    autocls.search(objective=quadratic, space=space, trials=6, out=out, address="inline", confirm=0)
    return out / "journal.log"


def test_it_opens_the_study_with_its_trials(journal: Path) -> None:
    app = wsgi(JournalStorage(JournalFileBackend(str(journal))))
    (study,) = ask(app, "/api/studies")["study_summaries"]
    assert study["study_name"] == "autocls"
    trials = ask(app, f"/api/studies/{study['study_id']}")["trials"]
    assert len(trials) == 6
    assert {trial["state"] for trial in trials} <= {"Complete", "Pruned"}
    assert "optimizer.sgd.lr" in {parameter["name"] for parameter in trials[-1]["params"]}
    assert all(trial["intermediate_values"] for trial in trials)
