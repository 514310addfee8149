"""Shared by all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Decoded images go to a cache of this session's, never to the user's."""
    os.environ["AUTOCLS_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory far from the repository."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
