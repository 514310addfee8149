"""The documented schemas of a judged search's files."""

from pathlib import Path

import pytest

from autocls.verdict.file import load
from autocls.verdict.prior import Prior
from tests.verdict.schema import PAGES, cards_page, verdict_page
from tests.verdict.verdicts import VERDICT


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_page_is_what_the_code_says(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path](), "run `make docs`"


def example(page: str) -> str:
    return page.rpartition("```\n")[0].rpartition("```")[2].partition("\n")[2]


def test_the_examples_are_read_back(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text(example(verdict_page()))
    assert load(tmp_path / "verdict.json") == VERDICT
    (tmp_path / "cards.yaml").write_text(example(cards_page()))
    assert Prior.load(tmp_path / "cards.yaml").favoured() == {"norm": "batch"}


def test_every_class_has_its_table_once() -> None:
    for name in ("Verdict", "Trick", "Effect", "Opening", "Word"):
        assert verdict_page().count(f"## {name}\n") == 1
    assert cards_page().count("| `sign_flip` | float |") == 1
