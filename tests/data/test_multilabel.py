import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from autocls.data import Prepared, prepare
from autocls.data.labelled_folder import list_labelled_folder
from autocls.errors import BadInput

from .helpers import fill, picture, two_classes

LABELS = [["cat"], ["cat", "dog"], [], ["dog"], ["dog", "cat"]]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twenty pictures in a folder, for four rounds of ``LABELS``."""
    fill(tmp_path / "pets", 20)
    return tmp_path / "pets"


def of(row: int) -> list[str]:
    return LABELS[row % len(LABELS)]


def csv_of(images: Path, name: str = "pets.csv", part: str = "") -> Path:
    header, cell = ("path,labels,part", f",{part}") if part else ("path,labels", "")
    lines = [f"pets/{row}.png,{'|'.join(of(row))}{cell}" for row in range(20)]
    (images.parent / name).write_text("\n".join([header, *lines]))
    return images.parent / name


def test_labels_are_truths_for_each_image(images: Path):
    prepared = prepare(csv_of(images))
    data = prepared.at(8)
    assert prepared.multilabel
    assert data.multilabel
    assert (prepared.classes, data.labels.shape, data.labels.dtype) == (("cat", "dog"), (20, 2), np.bool_)
    assert data.labels.sum(axis=0).tolist() == [12, 12]
    assert (~data.labels.any(axis=1)).sum() == 4, "an image may have no label at all"
    assert data.having(0).tolist() == data.labels[:, 0].tolist()
    assert sum(prepared.images.values()) == 20
    assert sum(part["cat"] for part in prepared.counts.values()) == 12


def test_every_row_has_the_labels_of_its_image(images: Path):
    prepared = prepare(csv_of(images))
    for part in ("train", "val", "test"):
        names, labels = prepared.named(part)
        for name, hot in zip(names, labels, strict=True):
            said = {label for label, there in zip(prepared.classes, hot, strict=True) if there}
            assert said == set(of(int(Path(name).stem)))


def test_a_fresh_seed_draws_validation_anew_and_keeps_the_test_part(images: Path):
    prepared = prepare(csv_of(images))
    one, two = prepared.at(8), prepared.at(8, seed=5)
    assert np.array_equal(one.split.test, two.split.test)
    assert not np.array_equal(one.split.val, two.split.val)
    assert np.array_equal(one.labels, two.labels)


def test_it_travels_as_a_small_pickle(images: Path):
    prepared = prepare(csv_of(images), sizes=[8])
    packed = pickle.dumps(prepared)
    assert len(packed) < 3000
    assert np.array_equal(pickle.loads(packed).at(8).labels, prepared.at(8).labels)


def test_three_forms_of_the_same_labels_are_the_same(images: Path, tmp_path: Path):
    listed = prepare(csv_of(images))
    lines = [f"pets/{row}.png,{int('cat' in of(row))},{int('dog' in of(row))}" for row in range(20)]
    (tmp_path / "columns.csv").write_text("\n".join(["path,cat,dog", *lines]))
    (images / "labels.json").write_text(json.dumps({f"{row}.png": of(row) for row in range(20)}))
    assert prepare(tmp_path / "columns.csv").fingerprint == prepare(images).fingerprint == listed.fingerprint


def test_it_is_not_the_same_as_images_of_one_class_each(tmp_path: Path):
    two_classes(tmp_path / "pets", 4)
    rows = [f"pets/{label}/{row}.png,{label}" for label in ("cat", "dog") for row in range(4)]
    for column in ("label", "labels"):
        (tmp_path / f"{column}.csv").write_text("\n".join([f"path,{column}", *rows]))
    one, several = prepare(tmp_path / "label.csv"), prepare(tmp_path / "labels.csv")
    assert (one.multilabel, several.multilabel) == (False, True)
    assert one.fingerprint != several.fingerprint


def test_the_parts_may_be_given_by_a_column_or_by_folders(images: Path, tmp_path: Path):
    lines = [f"pets/{row}.png,{'|'.join(of(row))},{'test' if row < 5 else 'Train'}" for row in range(20)]
    (tmp_path / "parts.csv").write_text("\n".join(["path,labels,part", *lines]))
    by_column = prepare(tmp_path / "parts.csv")
    assert by_column.images["test"] == 5
    for part, rows in (("test", range(5)), ("train", range(5, 20))):
        (tmp_path / "split" / part).mkdir(parents=True)
        for row in rows:
            (images / f"{row}.png").rename(tmp_path / "split" / part / f"{row}.png")
    named = {f"{'test' if row < 5 else 'train'}/{row}.png": of(row) for row in range(20)}
    (tmp_path / "split" / "labels.json").write_text(json.dumps(named))
    assert prepare(tmp_path / "split").fingerprint == by_column.fingerprint


def test_images_that_the_file_does_not_name_are_left_out_with_a_note(images: Path):
    (images / "labels.json").write_text(json.dumps({f"{row}.png": of(row) for row in range(19)}))
    prepared = prepare(images)
    assert sum(prepared.images.values()) == 19
    assert prepared.notes[0] == "1 images ignored, which labels.json doesn't name: 19.png"


def test_what_cant_be_read_is_left_out_when_asked_for(images: Path):
    (images / "3.png").write_bytes(b"")
    with pytest.raises(BadInput, match=r"1 of 20 images can't be read: pets/3.png \(the file is empty\)"):
        prepare(csv_of(images))
    prepared = prepare(csv_of(images), skip_bad=True)
    assert sum(prepared.images.values()) == 19
    assert prepared.at(8).labels.shape == (19, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,labels\npets/0.png,a|\npets/1.png,a||b\n", "a label is empty or stands twice in line 2, line 3"),
        ("path,labels\npets/0.png,a|b|a\n", "a label is empty or stands twice in line 2"),
        ("path,label,labels\npets/0.png,a,a\n", "line 1 has both label and labels; keep one"),
        ("path,cat,dog\npets/0.png,1,yes\n", "the column dog, as neither label nor labels is in .* 0 or 1 .* line 2"),
        ("path,cat,dog\npets/0.png,1,0\n", "no image has the label dog; leave the column out"),
        ("path,cat,cat\npets/0.png,1,0\n", "line 1 has the column cat twice"),
        ("path,labels,part\npets/0.png,a,trian\n", "the part is none of train, val, .* in line 2"),
        ("path,labels\npets/0.png,\npets/1.png,\n", "none of its images has a label"),
        ("path,labels\n" + "".join(f"pets/{row}.png,a\n" for row in range(9)), "the only class is 'a'"),
        ("path,labels\n" + "".join(f"pets/{row}.png,{'a|b' if row < 2 else 'a'}\n" for row in range(9)),
         r"too few images of b \(2\); at least 3 of each class are needed"),
    ],
)  # fmt: skip
def test_bad_tables(images: Path, text: str, message: str):
    (images.parent / "list.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        prepare(images.parent / "list.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", r"must be \{path: \[labels\], …\} with at least one path"),
        ('{"0.png": ["cat"], "0.png": []}', "not JSON .*0.png stands twice"),
        ('{"0.png": "cat"}', "must be a list of different texts, none of them empty: 0.png"),
        ('{"0.png": ["cat", "cat"]}', "must be a list of different texts"),
        ('{"0.png": [1]}', "must be a list of different texts"),
        ('{"gone.png": ["cat"]}', "these files are missing: gone.png"),
    ],
)
def test_bad_files_of_labels(images: Path, text: str, message: str):
    (images / "labels.json").write_text(text)
    with pytest.raises(BadInput, match=message):
        prepare(images)


def test_labels_that_no_split_can_share_out_are_named(images: Path):
    """Two labels with three images each, two of which have both, can't both be in three parts when a third has them."""
    rows = {0: "a|b|c", 1: "a|b|d", 2: "a|c|d", 3: "b|c|d"}
    lines = [f"pets/{row}.png,{rows.get(row, 'e')}" for row in range(20)]
    (images.parent / "list.csv").write_text("\n".join(["path,labels", *lines]))
    with pytest.raises(BadInput, match=r"can't be split so that every part has every label: there is no image in "):
        prepare(images.parent / "list.csv")


def test_a_single_label_table_may_say_its_parts_too(tmp_path: Path):
    two_classes(tmp_path / "pets", 6)
    rows = [
        f"pets/{label}/{row}.png,{label},{'test' if row < 2 else 'train'}"
        for label in ("cat", "dog")
        for row in range(6)
    ]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,part", *rows]))
    prepared = prepare(tmp_path / "list.csv")
    assert not prepared.multilabel
    assert prepared.images["test"] == 4


def test_the_fingerprint_of_single_label_images_is_what_it_always_was(prepared_digits: Prepared):
    assert prepared_digits.fingerprint == "cc9ebbebcd6bf07d0231366bfcbd8479"


def test_a_labels_file_may_name_images_by_any_name(tmp_path):
    names = [str(number) for number in range(6)]
    for name in names:
        picture(int(name)).save(tmp_path / name, format="png")
    (tmp_path / "labels.json").write_text(json.dumps({name: ["a"] for name in names}))
    assert [item.name for item in list_labelled_folder(tmp_path).items] == names


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"": ["a"]}, "the path of an image is empty"),
        ({"x" * 300: ["a"]}, "these files are missing: xxx"),
        ({"0.png": ["\ud800"]}, "must be a list of different texts"),
    ],
)
def test_odd_entries_of_a_labels_file_are_said(tmp_path, found, message):
    (tmp_path / "labels.json").write_text(json.dumps(found))
    with pytest.raises(BadInput, match=message):
        list_labelled_folder(tmp_path)
