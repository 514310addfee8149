"""The page on how sure a verdict is says what the benchmarks found."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["truth", "agreement"])
def test_its_tables_are_those_of_the_results(name: str) -> None:
    page = (ROOT / "docs" / "how_sure.md").read_text(encoding="utf-8")
    _, table, *_ = (ROOT / "benchmarks" / "results" / f"{name}.md").read_text(encoding="utf-8").split("\n\n")
    assert table.strip() in page
