import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autocls.data import prepare
from autocls.data.folder import list_folder
from autocls.errors import BadInput

from .helpers import fill, picture, two_classes


def total(counts):
    return {part: sum(of_class.values()) for part, of_class in counts.items()}


def test_class_folders(tmp_path):
    prepared = prepare(two_classes(tmp_path / "My Photos"), sizes=[12])
    assert (prepared.name, prepared.classes, prepared.channels) == ("my_photos", ("cat", "dog"), 3)
    assert prepared.counts["train"] == {"cat": 6, "dog": 6}
    assert prepared.notes == ()
    data = prepared.at(12)
    assert data.images.shape == (20, 3, 12, 12)
    assert not data.images.flags.writeable
    cats = {np.asarray(Image.open(p)).transpose(2, 0, 1).tobytes() for p in (tmp_path / "My Photos/cat").iterdir()}
    assert {image.tobytes() for image in data.images[data.labels == 0]} == cats


def test_mean_and_std_are_those_of_the_train_part(tmp_path):
    data = prepare(two_classes(tmp_path / "pets")).at(8)
    train = data.images[data.split.train] / 255
    assert data.mean == pytest.approx(train.mean((0, 2, 3)))
    assert data.std == pytest.approx(train.std((0, 2, 3)))


def test_images_of_one_colour_have_a_std_above_zero(tmp_path):
    for label in ("a", "b"):
        (tmp_path / "flat" / label).mkdir(parents=True)
        for number in range(3):
            Image.new("L", (4, 4), 7).save(tmp_path / "flat" / label / f"{number}.png")
    assert prepare(tmp_path / "flat").at(4).std == pytest.approx((1 / 255,))


def test_spaces_and_chinese_characters(tmp_path):
    fill(tmp_path / "我的 照片" / "猫", 3)
    fill(tmp_path / "我的 照片" / "big dog", 3, seed=50)
    prepared = prepare(str(tmp_path / "我的 照片"))
    assert (prepared.name, prepared.classes) == ("我的_照片", ("big dog", "猫"))


def test_numbers_are_classes_in_the_order_of_their_value(tmp_path):
    for label in ("10", "9", "1"):
        fill(tmp_path / "numbers" / label, 3, seed=100 * int(label))
    assert prepare(tmp_path / "numbers").classes == ("1", "9", "10")


@pytest.mark.parametrize("val", ["val", "valid", "validation"])
def test_given_parts_are_kept(tmp_path, val):
    for part, count in (("train", 5), (val, 2), ("test", 1)):
        two_classes(tmp_path / "pets" / part, count)
    prepared = prepare(tmp_path / "pets")
    assert total(prepared.counts) == {"train": 10, "val": 4, "test": 2}
    assert len(prepared.at(8).split.val) == 4


def test_a_missing_part_is_drawn_from_train(tmp_path):
    two_classes(tmp_path / "pets" / "train", 16)
    two_classes(tmp_path / "pets" / "test", 4)
    assert total(prepare(tmp_path / "pets").counts) == {"train": 26, "val": 6, "test": 8}


def test_a_class_may_be_called_train(tmp_path):
    fill(tmp_path / "vehicles" / "train", 3)
    fill(tmp_path / "vehicles" / "bus", 3, seed=9)
    assert prepare(tmp_path / "vehicles").classes == ("bus", "train")


def test_nested_images_are_found_and_other_files_ignored(tmp_path):
    pets = two_classes(tmp_path / "pets")
    fill(pets / "cat" / "more" / "and more", 2, seed=70)
    fill(pets / "cat" / ".thumbnails", 2, seed=80)
    (pets / "dog" / "Thumbs.db").touch()
    (pets / "dog" / ".DS_Store").touch()
    (pets / "read me.txt").touch()
    picture(0).save(pets / "loose.png")
    prepared = prepare(pets)
    assert sum(total(prepared.counts).values()) == 22
    assert prepared.notes == ("4 files ignored: 1 hidden, 2 not an image by its name, 1 not in a class folder",)


def test_links_in_a_loop_are_followed_once(tmp_path):
    pets = two_classes(tmp_path / "pets", 4)
    (pets / "cat" / "self").symlink_to(pets / "cat")
    (pets / "cat" / "up").symlink_to(pets)
    (pets / "dog" / "top").symlink_to(tmp_path.parent)
    assert sum(total(prepare(pets).counts).values()) == 8


def test_conversions_are_said_once(tmp_path):
    pets = two_classes(tmp_path / "pets", 3)
    picture(50, (64, 48)).convert("RGBA").save(pets / "cat" / "alpha.png")
    picture(51, (64, 48)).convert("CMYK").save(pets / "cat" / "print.jpg")
    Image.fromarray(np.arange(144, dtype=np.uint16).reshape(12, 12)).save(pets / "dog" / "deep.png")
    picture(52).convert("P").save(pets / "dog" / "few.gif")
    picture(53).convert("L").save(pets / "dog" / "grey.bmp")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(54).save(pets / "dog" / "turned.jpg", exif=exif)
    prepared = prepare(pets, sizes=[8])
    assert prepared.channels == 3
    assert prepared.notes == (
        "1 of 12 images is CMYK: converted to RGB",
        "1 of 12 images is 16-bit grey: converted to RGB",
        "1 of 12 images is grey: converted to RGB",
        "1 of 12 images is palette: converted to RGB",
        "1 of 12 images is RGBA: converted to RGB, transparent parts on white",
        "1 of 12 images is stored turned: set upright as the EXIF data say",
        "sizes differ (12×12 to 64×48): each is resized to cover the square, and its middle kept",
    )


def test_all_grey_gives_one_channel(tmp_path):
    fill(tmp_path / "grey" / "a", 3, mode="L")
    fill(tmp_path / "grey" / "b", 3, seed=9, mode="LA")
    prepared = prepare(tmp_path / "grey")
    assert prepared.channels == 1
    assert prepared.at(8).images.shape == (6, 1, 8, 8)
    assert prepared.notes == ("3 of 6 images are grey with alpha: converted to 8-bit grey, transparent parts on white",)


def unreadable(pets: Path, count: int = 1) -> Path:
    for number in range(count):
        (pets / "cat" / f"bad{number}.png").write_bytes(b"no image " * number)
    return pets


def cut_jpeg(pets: Path) -> Path:
    picture(0, (200, 200)).save(pets / "cat" / "whole.jpg")
    (pets / "cat" / "cut.jpg").write_bytes((pets / "cat" / "whole.jpg").read_bytes()[:3000])
    return pets


def dangling(pets: Path) -> Path:
    (pets / "cat" / "link.png").symlink_to(pets / "gone.png")
    return pets


def only(pets: Path, kept: str) -> Path:
    for folder in pets.iterdir():
        if folder.name != kept:
            shutil.rmtree(folder)
    return pets


def beside(pets: Path) -> Path:
    shutil.copytree(pets / "cat", pets / "train" / "cat")
    return pets


def parts(pets: Path, *names: str) -> Path:
    for name in names:
        shutil.copytree(pets / "cat", pets / name / "cat")
        shutil.copytree(pets / "dog", pets / name / "dog")
    shutil.rmtree(pets / "cat")
    shutil.rmtree(pets / "dog")
    return pets


def differing(pets: Path) -> Path:
    parts(pets, "train", "test")
    (pets / "test" / "dog").rename(pets / "test" / "bird")
    return pets


def small(pets: Path) -> Path:
    fill(pets / "bird", 2, seed=90)
    return pets


def empty_class(pets: Path) -> Path:
    (pets / "bird").mkdir()
    return pets


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (unreadable, r"1 of 7 images can't be read: cat/bad0.png \(the file is empty\).*--skip-bad"),
        (lambda pets: unreadable(pets, 7), r"7 of 13 images .*and 2 more; .*--skip-bad"),
        (cut_jpeg, r"cat/cut.jpg \(.*truncated"),
        (dangling, r"cat/link.png \(No such file"),
        (lambda pets: only(pets, "cat"), "only class is 'cat'; at least two"),
        (lambda pets: only(pets, "nothing"), "no images in it; expected one folder per class"),
        (lambda pets: pets / "cat", "its images are in no class folder"),
        (lambda pets: pets / "cats", r"there is no path .*cats.*known: digits"),
        (lambda pets: pets / "cat" / "0.png", r"not a kind of file that is known.*\.npz"),
        (beside, "train/ holds class folders, but cat, dog lie beside it"),
        (lambda pets: parts(pets, "val", "test"), "there is test and val but no train"),
        (lambda pets: parts(pets, "train", "val", "valid"), "more than one; keep one"),
        (differing, "same classes, but train has no image of bird and test has no image of dog"),
        (small, r"too few images of bird \(2\); at least 3 of each class .* train, val, test"),
        (empty_class, "no image in bird"),
    ],
)
def test_bad_folders(tmp_path, spoil, message):
    with pytest.raises(BadInput, match=message):
        prepare(spoil(two_classes(tmp_path / "pets", 3)))


def test_skip_bad_leaves_them_out(tmp_path):
    pets = cut_jpeg(unreadable(two_classes(tmp_path / "pets")))
    prepared = prepare(pets, sizes=[8], skip_bad=True)
    assert set(prepared.skipped) == {"cat/bad0.png", "cat/cut.jpg"}
    assert any(note.startswith("2 of 23 images left out, unreadable: cat/") for note in prepared.notes)
    data = prepared.at(8)
    assert len(data.images) == len(data.labels) == sum(total(prepared.counts).values()) == 21
    assert prepared.at(16).images.shape == (21, 3, 16, 16)


def test_skip_bad_may_leave_a_class_too_small(tmp_path):
    pets = two_classes(tmp_path / "pets", 3)
    (pets / "dog" / "0.png").write_bytes(b"")
    with pytest.raises(BadInput, match=r"too few images of dog \(2\)"):
        prepare(pets, skip_bad=True)


def test_names_that_are_no_utf_8_are_written_with_their_bytes(tmp_path):
    for place in (b"caf\xe9", b"caf\xe8"):
        os.mkdir(os.fsencode(tmp_path) + b"/" + place)
        for number in range(3):
            picture(number).save(tmp_path / "x.png")
            os.rename(tmp_path / "x.png", os.fsencode(tmp_path) + b"/" + place + b"/\xff%d.png" % number)
    listing = list_folder(tmp_path)
    assert {item.labels for item in listing.items} == {("caf\\xe9",), ("caf\\xe8",)}
    assert all(item.name.encode() and item.load() for item in listing.items)
