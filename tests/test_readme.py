"""README's walk from a folder of pictures to a file in use, run as it is written there."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COMMANDS = README.partition("seven commands\n")[2].partition("```sh\n")[2].partition("```")[0].splitlines()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Some real digits in class folders, and others in a folder of new pictures."""
    digits = load_digits()
    for row in range(600):
        place = tmp_path / "photos" / str(digits.target[row]) if row >= 20 else tmp_path / "new"
        place.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray((digits.images[row] * 15.9).astype(np.uint8)).resize((32, 32))
        picture.save(place / f"{row:04}.png")
    return tmp_path


@pytest.mark.timeout(900)  # a minute of it is the search; the rest is what a slow machine needs to start seven times
def test_the_seven_commands_work_as_they_are_written(photos: Path) -> None:
    assert len(COMMANDS) == 7
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    said = []
    for command in COMMANDS:
        done = subprocess.run(
            ["bash", "-c", command], cwd=photos, capture_output=True, text=True, env={**os.environ, "PATH": path}
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        said.append(done.stdout)
    search, report, _, train, evaluate, _, export = said
    assert "Winner: trial" in search
    assert "| accuracy, sealed test |" in report
    assert "on the test part" in train
    assert "photos, the test part: 116 images of 10 classes" in evaluate
    assert "checked" in export
    for file in ("reports/photos/report.html", "recipe.yaml", "evaluation.html", "photos.onnx"):
        assert (photos / file).stat().st_size, file
    with (photos / "answers.csv").open(encoding="utf-8") as file:
        rows = {row["image"]: row["label"] for row in csv.DictReader(file)}
    truth = load_digits().target
    right = [rows[f"new/{row:04}.png"] == str(truth[row]) for row in range(20)]
    assert sum(right) >= 14
