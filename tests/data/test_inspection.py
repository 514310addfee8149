from pathlib import Path

import pytest

from autocls.data.inspection import inspect
from autocls.errors import BadInput
from tests.data.helpers import fill, picture, two_classes


def test_sound_data_have_no_findings(tmp_path: Path):
    found, prepared = inspect(two_classes(tmp_path / "pets"))
    assert found.findings == ()
    assert (found.images, found.channels, found.imbalance) == (20, 3, 1.0)
    assert found.classes == prepared.counts


def test_all_that_is_wrong_is_listed(tmp_path: Path):
    pets = two_classes(tmp_path / "pets" / "train")
    two_classes(tmp_path / "pets" / "test", 5)  # of the dogs once more; the cats are replaced
    fill(pets / "cat", 25, seed=5000)
    (pets / "cat" / "torn.png").write_bytes((pets / "cat" / "1.png").read_bytes()[:60])
    picture(5001).save(pets / "dog" / "cat.png")
    found, _ = inspect(tmp_path / "pets")
    assert found.imbalance == pytest.approx(30 / 16)
    assert [Path(name).name for name in found.unreadable] == ["torn.png"]
    assert found.findings[0] == "1 file that can't be read"
    assert found.findings[-1] == "1 picture under more than one label"
    (disputed,) = found.disputed
    assert {(Path(p.name).name, p.label) for p in disputed.pictures} == {("1.png", "cat"), ("cat.png", "dog")}
    assert len(found.across) == 5
    assert all("test" in {p.part for p in copied.pictures} and copied.exact for copied in found.across)


def test_what_can_not_be_used_at_all_is_refused(tmp_path: Path):
    (tmp_path / "one" / "cat").mkdir(parents=True)
    fill(tmp_path / "one" / "cat", 4)
    with pytest.raises(BadInput, match="the only class is 'cat'"):
        inspect(tmp_path / "one")
