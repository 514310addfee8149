"""The table of docs/applicability.md is current, and where a trick has a place in it, the network changes."""

from pathlib import Path

import pytest
import torch

from autocls.errors import NotApplicable
from autocls.probe.matrix import FAMILIES, SIZE, markdown, matrix, tricks
from autocls.surgery import sites
from autocls.tricks.architecture import Architecture
from autocls.tricks.surgery import Surgery


def test_the_page_in_the_docs_is_current():
    page = (Path(__file__).parents[2] / "docs" / "applicability.md").read_text(encoding="utf-8")
    assert page == markdown(matrix()), "run `make docs`"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_trick_that_has_a_place_changes_every_family_of_networks(family: str):
    with torch.device("meta"):
        model = Architecture.parse(family).build(3, 3, SIZE)
        there = sites(model, torch.zeros(2, 3, SIZE, SIZE))
        alive, without_place = [], []
        for name, trick in tricks().items():
            if isinstance(trick, Surgery):
                try:
                    planned = trick.operations(model, there)
                except NotApplicable:
                    without_place.append(name)
                else:
                    alive.append(name)
                    assert any(str(new) != str(model.get_submodule(path)) for path, new in planned.items()), name
    assert len(alive) > len(without_place)


def test_reasons_are_notes_below_the_table():
    found = {
        "one": {"norm.batch": "", "conv.grouped": "grouped: not applicable: One has no room"},
        "two": {"norm.batch": "batch: not applicable: Two has no room", "conv.grouped": ""},
    }
    lines = markdown(found).splitlines()
    assert "| `norm.batch` | ✓ | [1] |" in lines
    assert "| `conv.grouped` | [1] | ✓ |" in lines
    assert lines[-1] == "1. The network has no room."
