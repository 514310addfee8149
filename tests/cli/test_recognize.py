"""``autocls recognize``, once as a person types it and else in this process, which needn't import torch each time."""

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autocls.cli import app
from autocls.data import ImageData
from autocls.errors import BadInput
from tests.commands import run as typed


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(*words: object) -> Done:
    said, warned, code = StringIO(), StringIO(), 0
    with redirect_stdout(said), redirect_stderr(warned):
        try:
            app([*map(str, words)], standalone_mode=False)
        except BadInput as error:  # as main does
            print(f"autocls: {error}", file=sys.stderr)
            code = 2
    return Done(code, said.getvalue(), warned.getvalue())


def write(digits: ImageData, folder: Path, labels: tuple[int, ...], rows: slice) -> Path:
    for label in labels:
        (folder / str(label)).mkdir(parents=True)
        for row in np.flatnonzero(digits.labels == label)[rows]:
            Image.fromarray(digits.images[row, 0]).save(folder / str(label) / f"{row}.png")
    return folder


@pytest.fixture(scope="module")
def gallery(digits: ImageData, digits_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 0 and 4, one picture unreadable. Not to be changed."""
    folder = tmp_path_factory.mktemp("a gallery") / "人"
    write(digits, folder, (0, 4), slice(0, 12))
    (folder / "0" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    file = folder.parent / "gallery.safetensors"
    done = typed("recognize", "enroll", digits_model, folder, "--out", file, "--far", "0.05")
    assert done.returncode == 0, done.stderr
    assert f"{file}: 2 names, 24 pictures." in done.stdout
    assert "threshold 0." in done.stdout
    assert "skipped: 0/cut.jpg: " in done.stderr
    assert "1 of 25 images skipped" in done.stderr
    return file


def test_pictures_are_matched_and_bad_ones_are_named(
    digits: ImageData, digits_model: Path, gallery: Path, tmp_path: Path
) -> None:
    folder = write(digits, tmp_path / "new", (0, 4), slice(20, 30))
    (folder / "empty.png").touch()
    done = run("recognize", "match", digits_model, gallery, folder, "--top", 2)
    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert len(said) == 20
    assert sum(answer.startswith(Path(name).parent.name) for name, answer in said.items()) >= 12
    assert "empty.png: the file is empty" in done.stderr
    assert "1 of 21 images skipped" in done.stderr

    lines = run("recognize", "match", digits_model, gallery, folder, "--threshold", "1", "--json").stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 21
    assert [row["error"] for row in rows if "error" in row] == [f"{folder / 'empty.png'}: the file is empty"]
    assert all(row["name"] is None and row["threshold"] == 1 for row in rows if "error" not in row)

    fitted = run("recognize", "match", digits_model, gallery, folder / "0", "--far", "0.2")
    assert "20.8" not in fitted.stderr  # at most a fifth of the 24 comparisons, which is 4
    assert "4 of 24" in fitted.stderr


def test_newcomers_are_added_and_removed(digits: ImageData, digits_model: Path, gallery: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(gallery.read_bytes())
    added = run("recognize", "add", digits_model, mine, write(digits, tmp_path / "new", (7,), slice(0, 5)))
    assert "Added 5 pictures of 1 name." in added.stdout
    assert "3 names, 29 pictures" in added.stdout
    removed = run("recognize", "remove", mine, "0", "7")
    assert "1 name, 12 pictures" in removed.stdout
    assert "No threshold" in removed.stdout
    wrong = run("recognize", "remove", mine, "9")
    assert wrong.returncode == 2
    assert "no such name in the gallery '9'" in wrong.stderr


def test_an_evaluation_is_told_in_words_and_in_numbers(digits: ImageData, digits_model: Path, tmp_path: Path) -> None:
    folder = write(digits, tmp_path / "people", (1, 2, 3), slice(0, 25))
    done = run("recognize", "evaluate", digits_model, folder)
    assert done.returncode == 0, done.stderr
    assert "3 names, 15 pictures enrolled, 60 tried" in done.stdout
    assert "TAR at FAR 0.1%" in done.stdout
    assert "the model has classes of these names: 1, 2, 3" in done.stderr
    plain = json.loads(run("recognize", "evaluate", digits_model, folder, "--json").stdout)
    assert plain["rank1"]["n"] == 60
    assert plain["rank1"]["value"] > 0.7
    assert plain["wrong_pairs"] == 120


def test_bad_input_is_one_message(digits_model: Path, gallery: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, said in (
        (("enroll", digits_model, tmp_path, "--out", gallery), "is there already"),
        (("enroll", digits_model, tmp_path, "--out", tmp_path / "g", "--far", "7"), "lies between 0 and 1"),
        (("match", digits_model, gallery, tmp_path / "empty"), "no image in it"),
        (("match", digits_model, digits_model / "weights.safetensors", tmp_path), "not a gallery"),
        (("match", digits_model, gallery, tmp_path, "--far", "0.1", "--threshold", "0"), "one of them"),
    ):
        done = run("recognize", *words)
        assert done.returncode == 2, done.stderr
        assert said in done.stderr
