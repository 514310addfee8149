"""``autocls predict`` and ``evaluate``, typed as a person types them."""

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autocls.data import ImageData
from tests.commands import run


@pytest.fixture(scope="module")
def photos(digits: ImageData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits as files in class folders, and what people's folders hold besides."""
    folder = tmp_path_factory.mktemp("a folder") / "图片"
    for label in (0, 4):
        (folder / str(label)).mkdir(parents=True)
        for row in np.flatnonzero(digits.labels == label)[:3]:
            Image.fromarray(digits.images[row, 0]).save(folder / str(label) / f"{row}.png")
    (folder / "0" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (folder / "0" / "empty.png").touch()
    (folder / "4" / "notes.txt").write_text("no picture")
    (folder / "4" / "loop").symlink_to(folder)
    return folder


def test_a_folder_is_predicted_and_bad_files_are_named(digits_model: Path, photos: Path) -> None:
    done = run("predict", digits_model, photos, "--top", 1)
    assert done.returncode == 0, done.stderr
    said = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines())
    assert len(said) == 6
    right = [answer.split()[0] == Path(name).parent.name for name, answer in said.items()]
    assert sum(right) >= 5
    assert "cut.jpg" in done.stderr
    assert "empty.png: the file is empty" in done.stderr
    assert "2 of 8 images skipped" in done.stderr


def test_json_and_csv_have_a_row_for_every_file_in_order(digits_model: Path, photos: Path) -> None:
    lines = run("predict", digits_model, photos, "--json", "--batch-size", 3).stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    table = list(csv.DictReader(io.StringIO(run("predict", digits_model, photos, "--csv", "--top", 2).stdout)))
    assert [row["image"] for row in rows] == [row["image"] for row in table]
    assert len(rows) == 8
    assert sum("error" in row for row in rows) == sum(bool(row["error"]) for row in table) == 2
    for row, cells in zip(rows, table, strict=True):
        if "labels" in row:
            assert [label["label"] for label in row["labels"][:2]] == [cells["label"], cells["label_2"]]
            assert float(cells["probability"]) == pytest.approx(row["labels"][0]["probability"], abs=1e-4)


def test_below_the_threshold_it_is_unsure(digits_model: Path, tmp_path: Path) -> None:
    Image.new("L", (28, 28), 128).save(tmp_path / "grey.png")
    assert run("predict", digits_model, tmp_path / "grey.png", "--threshold", "0.999").stdout.endswith(": unsure\n")


def test_evaluate_says_writes_and_prints_the_same(digits_model: Path, photos: Path, tmp_path: Path) -> None:
    said = run("evaluate", digits_model, photos, "--page", tmp_path / "e.html")
    assert said.returncode == 0, said.stderr
    assert "6 images of 2 of the 10 classes" in said.stdout
    assert "2 of 8 images left out, unreadable: 0/cut.jpg" in said.stdout
    accuracy = json.loads(run("evaluate", digits_model, photos, "--json").stdout)["measures"]["accuracy"]["value"]
    assert f"{100 * accuracy:.2f} %" in said.stdout
    assert f"{100 * accuracy:.2f}" in (tmp_path / "e.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words, message",
    [
        (["predict", "MODEL", "gone.png"], "gone.png: no such file or folder"),
        (["predict", "MODEL", "."], ".: no image in it or below it"),
        (["predict", "MODEL", "x.png", "--json", "--csv"], "--json, --csv: one of them"),
        (["evaluate", "MODEL", "gone"], "there is no path"),
        (["evaluate", "MODEL", "PHOTOS", "--part", "tset"], "did you mean 'test'"),
    ],
)
def test_bad_input_is_one_message(
    digits_model: Path, photos: Path, elsewhere: Path, words: list[str], message: str
) -> None:
    done = run(*({"MODEL": digits_model, "PHOTOS": photos}.get(word, word) for word in words))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_is_no_utf_8_is_written_with_its_bytes(digits_model: Path, photos: Path, tmp_path: Path) -> None:
    (first, *_) = sorted(photos.glob("0/*.png"))
    name = os.fsencode(tmp_path / "new") + b"/\xe9.png"
    (tmp_path / "new").mkdir()
    with open(name, "wb") as file:
        file.write(first.read_bytes())
    (row,) = map(json.loads, run("predict", digits_model, tmp_path / "new", "--json").stdout.splitlines())
    assert os.fsencode(row["image"]) == name


def test_a_place_for_the_page_that_can_t_be_is_said_at_once(digits_model: Path, photos: Path) -> None:
    (file, *_) = photos.glob("0/*.png")
    done = run("evaluate", digits_model, photos, "--page", file / "page.html")
    assert done.returncode == 2
    assert "can't be written" in done.stderr
    assert done.stdout == ""
