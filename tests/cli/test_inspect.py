"""``autocls inspect`` as a person types it."""

import json
from pathlib import Path

import pytest

from tests.commands import run
from tests.data.helpers import picture, two_classes

RECIPE = "image_size: 16\nepochs: 1\nbatch_size: 8\n"


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return two_classes(tmp_path / "pets", 12)


def test_sound_data_have_nothing_to_mend(pets: Path):
    done = run("inspect", pets)
    assert (done.returncode, done.stderr) == (0, "")
    assert "24 images (16 train, 4 val, 4 test), colour, 2 classes" in done.stdout
    assert done.stdout.rstrip().endswith("Nothing to mend.")


def test_what_is_to_mend_is_listed_and_is_exit_code_1(pets: Path, tmp_path: Path):
    picture(3).save(pets / "dog" / "cat.png")
    (pets / "dog" / "torn.png").write_bytes(b"no picture")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    done = run("inspect", pets, "--recipe", recipe, "--folds", 2, "--json")
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert said["findings"][0] == "1 file that can't be read"
    assert "1 picture under more than one label" in said["findings"]
    assert [Path(each["name"]).name for each in said["disputed"][0]["pictures"]] == ["3.png", "cat.png"]
    for doubt in said["doubts"]:
        assert doubt["given"] != doubt["suggested"]
        assert Path(doubt["image"]).suffix == ".png"
        assert -1 <= doubt["margin"] <= 1
