from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a cache of its own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("AUTOCLS_CACHE", str(folder))
    return folder
