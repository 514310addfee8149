import numpy as np
import pytest

from autocls.data import prepare
from autocls.errors import BadInput

from .helpers import fill, picture, two_classes


def test_digits():
    prepared = prepare("digits", sizes=[8])
    assert (prepared.name, prepared.channels) == ("digits", 1)
    assert prepared.classes == tuple("0123456789")
    data = prepared.at(8)
    assert data.images.shape == (1797, 1, 8, 8)
    assert (data.images.min(), data.images.max()) == (0, 255)


def test_csv_with_relative_and_absolute_paths(tmp_path):
    two_classes(tmp_path / "pets", 3)
    elsewhere = two_classes(tmp_path / "else where", 3)
    lines = [
        f"{folder.relative_to(tmp_path)}/{n}.png,{folder.name}"
        for folder in (tmp_path / "pets").iterdir()
        for n in range(3)
    ]
    lines += [f"{elsewhere}/cat/{n}.png,猫" for n in range(3)]
    (tmp_path / "my list.csv").write_text("\ufeffpath,label\n" + "\n".join(lines), "utf-8")
    prepared = prepare(tmp_path / "my list.csv")
    assert (prepared.name, prepared.classes) == ("my_list", ("cat", "dog", "猫"))


def test_a_csv_and_a_folder_of_the_same_images_are_the_same(tmp_path):
    pets = two_classes(tmp_path / "pets", 3)
    lines = [f"pets/{folder.name}/{n}.png,{folder.name}" for folder in pets.iterdir() for n in range(3)]
    (tmp_path / "pets.csv").write_text("\n".join(["path,label", *lines]))
    assert prepare(tmp_path / "pets.csv").fingerprint == prepare(pets).fingerprint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\nx,a\n", "line 1 lacks the column path; the header must have path,label .* and is file,label"),
        ("", "lacks the column path and label; .* is empty"),
        ("path,label\npets/cat/0.png,cat\npets/cat/1.png,\npets/cat/2.png, \n", "label is empty in line 3, line 4"),
        ("path,label\npets/cat/0.png,cat\npets/cat/1.png\n", "line 3: not the header's 2 cells"),
        ("path,labels\npets/cat/0.png,a,b\npets/cat/1.png,a\n", "line 2: not the header's 2 cells; quote"),
        ("path,label\n" + "x" * 300 + ",cat\n", "these files are missing: xxx"),
        ("path,label\n,cat\n", "path is empty in line 2"),
        ("path,label\npets/cat/0.png,cat\ngone.png,dog\n", r"missing: gone.png \(line 3\)"),
        ("path,label\n", "no lines"),
        ("path,label\npets/cat/0.png,cat\n", "only class is 'cat'"),
        (b"path,label\n\xff\xfe,cat\n", "not UTF-8"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    fill(tmp_path / "pets" / "cat", 3)
    (tmp_path / "list.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadInput, match=message):
        prepare(tmp_path / "list.csv")


X = np.random.default_rng(0).integers(0, 256, (8, 6, 5, 3), dtype=np.uint8)
Y = np.repeat([0, 1], 4)


@pytest.mark.parametrize(
    ("x", "y", "channels"),
    [(X, Y, 3), (X[..., 0], Y, 1), (X[..., :1], Y.astype(str), 1), (np.concatenate([X, X[..., :1]], 3), Y, 3)],
)
def test_npz(tmp_path, x, y, channels):
    np.savez(tmp_path / "set.npz", x=x, y=y)
    prepared = prepare(tmp_path / "set.npz")
    assert (prepared.classes, prepared.channels) == (("0", "1"), channels)
    assert prepared.at(5).images.shape == (8, channels, 5, 5)
    assert (
        prepared.notes[-1] == "the images are 5×6, not square: each is resized to cover the square, and its middle kept"
    )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "labels": Y}, "needs the arrays x and y and has x, labels"),
        ({"x": X / 255, "y": Y}, "x must be uint8 .* is float64"),
        ({"x": X[..., :2], "y": Y}, "x must be .* is 8×6×5×2"),
        ({"x": X[:0], "y": Y[:0]}, "is 0×6×5×3"),
        ({"x": X, "y": Y[:5]}, "y must be 8 integers or strings.* is 5 of int64"),
        ({"x": X, "y": Y / 2}, "is 8 of float64"),
        ({"x": X, "y": np.array(["a", ""] * 4)}, "y is empty in row 1, 3"),
        ({"x": X, "y": np.array([{}] * 8)}, "not an .npz of plain arrays"),
    ],
)
def test_bad_npz(tmp_path, arrays, message):
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(BadInput, match=message):
        prepare(tmp_path / "set.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"text"])
def test_an_npz_that_is_none(tmp_path, content):
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(BadInput, match=r"set\.npz: not an \.npz"):
        prepare(tmp_path / "set.npz")


def test_torchvision_without_parts(tmp_path):
    fill(tmp_path / "root" / "eurosat" / "2750" / "Forest", 5)
    fill(tmp_path / "root" / "eurosat" / "2750" / "River", 5, seed=40)
    prepared = prepare("torchvision:eurosat", root=tmp_path / "root")
    assert (prepared.name, prepared.classes) == ("eurosat", ("Forest", "River"))
    assert prepared.counts["test"] == {"Forest": 1, "River": 1}


def test_torchvision_with_split(tmp_path):
    for seed, (part, count) in enumerate((("train", 4), ("valid", 2), ("test", 3))):
        fill(tmp_path / "rendered-sst2" / part / "negative", count, seed=100 * seed)
        fill(tmp_path / "rendered-sst2" / part / "positive", count, seed=100 * seed + 50)
    prepared = prepare("torchvision:RenderedSST2", root=tmp_path)
    assert {part: sum(each.values()) for part, each in prepared.counts.items()} == {"train": 8, "val": 4, "test": 6}


def test_torchvision_with_train(tmp_path, cache):
    raw = cache / "torchvision" / "MNIST" / "raw"  # the root unless another is given
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, count in (("train", 30), ("t10k", 10)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 10
        header = b"".join(number.to_bytes(4, "big") for number in (2051, count, 28, 28))
        (raw / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = b"".join(number.to_bytes(4, "big") for number in (2049, count))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    prepared = prepare("torchvision:MNIST")
    assert (prepared.channels, len(prepared.classes)) == (1, 10)
    assert {part: sum(each.values()) for part, each in prepared.counts.items()} == {"train": 20, "val": 10, "test": 10}


def test_an_unknown_torchvision_set(tmp_path):
    with pytest.raises(BadInput, match="no such torchvision data set 'CIFAR11'; did you mean 'CIFAR10'"):
        prepare("torchvision:CIFAR11")


def test_a_torchvision_set_that_cannot_be_had_names_the_root(tmp_path, monkeypatch):
    from torchvision import datasets

    monkeypatch.setattr(datasets.CIFAR10, "url", "http://127.0.0.1:9/cifar.tar.gz")  # nobody listens there
    with pytest.raises(BadInput, match=rf"torchvision:CIFAR10 can't be .* {tmp_path}/here .*; put there what"):
        prepare("torchvision:CIFAR10", root=tmp_path / "here")


@pytest.mark.parametrize(
    ("source", "near"), [("digit", "did you mean 'digits'"), ("torchvison:MNIST", "'torchvision:MNIST'")]
)
def test_near_names_are_offered(source, near):
    with pytest.raises(BadInput, match=near):
        prepare(source)


def test_a_picture_is_no_source(tmp_path):
    picture(0).save(tmp_path / "one.png")
    with pytest.raises(BadInput, match="not a kind of file that is known"):
        prepare(tmp_path / "one.png")
