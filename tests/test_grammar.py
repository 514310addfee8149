import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocls.errors import BadInput
from autocls.grammar import Problem, Problems, parse, read


def test_scalars_stay_the_text_that_was_written():
    text = "a: off\nb: 1e-3\nc: no\nd: 010\ne: '1'\nf:\n"
    assert parse(text).value == {"a": "off", "b": "1e-3", "c": "no", "d": "010", "e": "1", "f": ""}


def test_every_place_knows_its_line():
    document = parse("# a comment\n\na: b\nc:\n  d: {e: 1}\n  f:\n    - g\n    - h: 2\n", "x.yaml")
    lines = {("a",): 3, ("c",): 4, ("c", "d", "e"): 5, ("c", "f"): 6, ("c", "f", 0): 7, ("c", "f", 1, "h"): 8}
    assert lines.items() <= document.lines.items()
    assert document.where(Problem(("c", "f", 1, "h"), "is odd")) == "x.yaml:8: c.f.h: is odd"


def test_a_problem_at_a_place_that_is_not_in_the_file_gets_the_line_around_it():
    assert (
        parse("a:\n  b: 1\n", "x.yaml").where(Problem(("a", "b", "c"), "is missing")) == "x.yaml:2: a.b.c: is missing"
    )


def test_an_empty_file_says_nothing():
    assert parse("# nothing here\n").value == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nb: 2", "x:2: not valid YAML: expected ',' or ']', but got ':'"),
        ("a: 1\n---\nb: 2", "x:2: not valid YAML: but found another document"),
        ("- a\n- b", "x:1: expected 'slot: choice' lines, found ['a', 'b']"),
        ("lenet", "x:1: expected 'slot: choice' lines, found 'lenet'"),
    ],
)
def test_what_is_no_recipe_at_all_is_refused_with_its_line(text: str, message: str):
    with pytest.raises(BadInput) as error:
        parse(text, "x")
    assert str(error.value) == message


def test_every_key_written_twice_is_said():
    with pytest.raises(Problems) as error:
        parse("a: 1\nb: {c: 1, c: 2}\na: 2\n", "x")
    assert str(error.value) == "x:2: b.c: is written twice\nx:3: a: is written twice"


@pytest.mark.parametrize("text", ["? [a, b]\n: c", "a: b\x00", "a: &x [*x]"], ids=["list as key", "NUL", "endless"])
def test_yaml_that_can_only_be_a_mistake_is_bad_input(text: str):
    with pytest.raises(BadInput, match=r"^x:"):
        parse(text, "x")


@given(st.text(max_size=30))
def test_any_text_is_parsed_or_bad_input(text: str):
    with contextlib.suppress(BadInput):
        assert isinstance(parse(text, "x").value, dict)


def test_a_file_that_can_not_be_read_is_bad_input(tmp_path: Path):
    (tmp_path / "latin.yaml").write_bytes("a: \xe9".encode("latin-1"))
    for name in ("missing.yaml", "latin.yaml", "."):
        with pytest.raises(BadInput, match="can't be read"):
            read(tmp_path / name)
