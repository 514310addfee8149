"""A search whose output folder is a URL, as a person types it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from .. import s3

pytestmark = pytest.mark.cluster

SEARCH = ("search", "digits", "--trials", 3, "--epochs", 1, "--address", "inline", "--confirm", 0, "--no-progress")
URL = "s3://bucket/runs/x"


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedMotoServer]:
    with s3.served() as server:
        yield server


def run(server: ThreadedMotoServer, cache: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    """A command on the machine that has this cache."""
    endpoint = f"http://{s3.HOST}:{s3.port_of(server)}"
    env = {**os.environ, "AWS_ENDPOINT_URL": endpoint, "AUTOCLS_CACHE": str(cache), "COLUMNS": "200", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "autocls", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=cache.parent)


def test_a_search_is_kept_at_a_url_and_every_verb_reads_it_there(server, tmp_path):
    client, here, elsewhere = s3.empty_bucket(server), tmp_path / "here", tmp_path / "elsewhere"
    searched = run(server, here, *SEARCH, "--out", URL)
    assert searched.returncode == 0, searched.stderr
    (folder,) = (here / "runs").iterdir()
    assert f"{URL}: has all of {folder}" in searched.stderr
    assert f"Report: {folder / 'report.html'}" in searched.stdout
    local = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert s3.keys(client, "runs/x/") == local
    assert {"journal.log", "report.html", "best_recipe.yaml", "model/weights.safetensors"} <= local

    again = run(server, elsewhere, *SEARCH, "--out", URL)
    assert again.returncode == 2
    assert f"--out {URL}: holds another study" in again.stderr

    recipe = (folder / "best_recipe.yaml").read_text()
    assert run(server, elsewhere, "best", URL).stdout == recipe
    (copy,) = (elsewhere / "runs").iterdir()
    reported = run(server, elsewhere, "report", URL)
    assert reported.stdout.strip() == str(copy / "report.html")
    assert f"{URL}: its copy is {copy}" in reported.stderr
    for verb in ("leaderboard", "cards"):
        done = run(server, elsewhere, verb, URL)
        assert done.returncode == 0, done.stderr
    assert "no such" not in run(server, elsewhere, "verdict", URL).stderr
    predicted = run(server, elsewhere, "predict", f"{URL}/model", "nowhere.png")
    assert "nowhere.png" in predicted.stderr
    ended = run(server, elsewhere, "resume", URL, "--address", "inline")
    assert ended.returncode == 2
    assert "its search has ended: all trials are done" in ended.stderr
    nothing = run(server, elsewhere, "report", "s3://bucket/runs/y")
    assert nothing.stderr == "autocls: s3://bucket/runs/y: there is nothing\n"


def test_a_bucket_that_is_not_there_ends_the_search_before_it_begins(server, tmp_path):
    done = run(server, tmp_path / "here", *SEARCH, "--out", "s3://no-bucket/x")
    assert done.returncode == 2
    assert done.stderr.startswith("autocls: --out s3://no-bucket/x: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "here").exists()
