"""``verdict.json``, written and read."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from autocls.errors import BadInput
from autocls.verdict.file import VERDICT as FILE
from autocls.verdict.file import load, save, verdict_of
from autocls.verdict.verdict import SCHEMA
from tests.verdict.verdicts import BARE, VERDICT


def test_a_verdict_comes_back_as_it_was(tmp_path: Path) -> None:
    save(VERDICT, tmp_path / FILE)
    assert load(tmp_path / FILE) == VERDICT


def test_what_is_not_known_is_null_in_the_file_and_nan_again(tmp_path: Path) -> None:
    save(BARE, tmp_path / FILE)
    written = json.loads((tmp_path / FILE).read_text(), parse_constant=pytest.fail)
    assert written["optimism"] is None
    assert written["test"] is None
    read = load(tmp_path / FILE)
    assert math.isnan(read.optimism)
    assert math.isnan(read.gain.low)
    assert read.test is None
    assert repr(read) == repr(BARE), "but for NaN, which equals nothing"


def written(folder: Path, **changed: Any) -> Path:
    """The file of VERDICT, some of it changed."""
    path = folder / FILE
    save(VERDICT, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | changed, indent=2))
    return path


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"schema": SCHEMA + 1}, f":2: schema: is {SCHEMA + 1}; this version of autocls reads {SCHEMA}"),
        ({"margin": "wide"}, "margin: input should be a valid number"),
        ({"margin": {"a": 1}}, "margin: input should be a valid number"),
        ({"winner": None}, "winner: input should be a valid integer"),
        ({"spent": [{"phase": "sleep", "runs": 1, "epochs": 1, "share": 1}]}, "spent.phase: input should be 'screen'"),
        ({"spent": [{"phase": "search"}]}, "spent.runs: field required"),
        ({"tricks": 3}, "tricks: input should be a valid tuple, not '3'"),
        ({"paragaph": ""}, "paragaph: no such field 'paragaph'; did you mean 'paragraph'?"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_place(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    path = written(tmp_path, **changed)
    with pytest.raises(BadInput) as error:
        load(path)
    assert str(error.value).startswith(f"{path}:")
    assert message in str(error.value)


def test_everything_that_is_wrong_comes_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as error:
        load(written(tmp_path, margin="wide", winner="me"))
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1', "[]", "\x00"])
def test_a_file_that_was_cut_off_is_bad_input_that_names_it(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(BadInput, match=FILE):
        load(tmp_path / FILE)


def test_a_folder_without_a_verdict_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no verdict.*search with more time"):
        verdict_of(tmp_path)
    with pytest.raises(BadInput, match="no such folder"):
        verdict_of(tmp_path / "nowhere")
    save(VERDICT, tmp_path / FILE)
    assert verdict_of(tmp_path) == VERDICT
