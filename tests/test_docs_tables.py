"""The tables of the documentation promise nothing that no test holds."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page, least", [("faults.md", 20), ("using.md", 9)])
def test_each_row_names_a_test_that_is_there(page: str, least: int) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    rows = [
        line for line in text.splitlines() if line.startswith("| ") and not re.match(r"\| (fault|given) ", line, re.I)
    ]
    assert len(rows) >= least
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, row
        for file, test in named:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{test}"
