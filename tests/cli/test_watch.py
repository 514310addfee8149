"""``autocls watch``, and the page that ``autocls search`` serves."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import autocls
from autocls.cli.watch import Beside
from autocls.errors import BadInput
from tests.commands import run
from tests.search.objectives import quadratic
from tests.watched import get, until


@pytest.mark.alone
def test_a_search_serves_its_page_until_it_ends(tmp_path: Path) -> None:
    short = ["--trials", "1", "--epochs", "1", "--confirm", "0", "--address", "inline"]
    with subprocess.Popen(
        [sys.executable, "-m", "autocls", "search", "digits", *short, "--out", "out", "--json"],
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as search:
        assert search.stderr is not None
        assert search.stdout is not None
        address = next(
            found[1] for line in search.stderr if (found := re.match(r"watch: (http://127.0.0.1:\S+)", line))
        )
        until(lambda: get(address + "update").ended)
        assert search.wait(30) == 0
        assert "report.html" in search.stdout.read()
        assert "watch:" not in search.stderr.read(), "it is said once"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    space = {"norm": ["none", "batch"], "optimizer": {"sgd": {"lr": {"log": [0.01, 0.3]}}}, "epochs": 3}
    out = tmp_path_factory.mktemp("run") / "out"
    return autocls.search(objective=quadratic, space=space, trials=4, out=out, address="inline", confirm=0).folder


@pytest.mark.alone
def test_watch_serves_a_folder_and_ends_with_its_search(finished: Path) -> None:
    words = ["watch", str(finished), "--host", "0.0.0.0"]
    with subprocess.Popen(
        [sys.executable, "-m", "autocls", *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as watch:  # fmt: skip
        assert watch.stdout is not None
        assert watch.stderr is not None
        address = watch.stdout.readline().removeprefix("watch: ").strip()
        until(lambda: get(re.sub(r"//[^:]*:", "//127.0.0.1:", address)).ended)
        assert watch.wait(30) == 0
        assert watch.stderr.read() == "autocls: anybody who has the address can read the page\n"


def test_what_can_not_be_watched_is_one_message(tmp_path: Path) -> None:
    said = run("watch", tmp_path)
    assert (said.returncode, said.stderr) == (
        2,
        f"autocls: {tmp_path}: holds no search: there is no journal.log in it\n",
    )


def test_a_search_goes_on_without_its_page(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: Any) -> None:
        raise BadInput("can't listen there: no ports")

    monkeypatch.setattr("autocls.watch.Server", refuse)
    with Beside(tmp_path) as page:
        page.begin()
        page.begin()
        page.part()
    assert [record.message for record in caplog.records] == [
        "the page is not served while the search runs: can't listen there: no ports"
    ]
    assert capsys.readouterr().err == ""
