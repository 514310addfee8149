from pathlib import Path

import pytest

from autocls.errors import BadInput
from autocls.files import patiently, resumable, whole


def test_a_file_that_is_not_written_to_its_end_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(TypeError), whole(path) as partial:
        partial.write_text("half") + "no number"
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    with whole(path) as partial:
        partial.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_gone_for_a_while_is_waited_for_and_no_longer_than_that(tmp_path: Path) -> None:
    tries = []

    def write() -> int:
        tries.append(1)
        if len(tries) == 2:
            (tmp_path / "gone").mkdir()
        with whole(tmp_path / "gone" / "file") as partial:
            return partial.write_text("x")

    assert patiently(write, patience=60) == 1
    assert len(tries) == 2
    with pytest.raises(FileNotFoundError):
        patiently((tmp_path / "nowhere").read_text, patience=0)


def test_what_can_t_be_written_says_how_the_search_goes_on(tmp_path: Path) -> None:
    message = r"nowhere: No such file or directory; .* `autocls resume run` goes on from it"
    with pytest.raises(BadInput, match=message), resumable(Path("run")):
        (tmp_path / "nowhere").read_text()
