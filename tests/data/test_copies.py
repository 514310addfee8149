import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from autocls.data import prepare
from autocls.data.copies import ALIKE, SIDE, alike, grouped
from autocls.data.images import thumbnail

PHOTOS = [Image.fromarray(photo) for photo in load_sample_images().images]
TILES = [photo.crop((x, y, x + 128, y + 128)) for photo in PHOTOS for x in (128, 256, 384) for y in (128, 256)]


def saved(picture: Image.Image, path: Path, **how: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **how)


def thumbnails(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([thumbnail(picture, SIDE).reshape(-1) for picture in pictures])


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Twelve different tiles, in parts; and copies of three of them."""
    folder = tmp_path / "album"
    for number, tile in enumerate(TILES):
        part = ("train", "val", "test")[number // 2 % 3]
        saved(tile, folder / part / "ab"[number % 2] / f"{number}.png")
    saved(TILES[0], folder / "test" / "a" / "half.jpg", quality=60)  # of train/a/0.png
    saved(TILES[1], folder / "val" / "b" / "same.png")  # of train/b/1.png, byte for byte
    saved(TILES[7].resize((64, 64)), folder / "train" / "a" / "wrong.png")  # of train/b/7.png
    return folder


def test_copies_are_found_and_what_they_do_is_said(album: Path):
    prepared = prepare(album)
    found, names = prepared.copies(), [name for part in ("train", "val", "test") for name in prepared.named(part)[0]]
    called = {group: {Path(names[row]).name for row in group.rows} for group in (*found.across, *found.disputed)}
    assert [called[group] for group in found.across] == [{"0.png", "half.jpg"}, {"1.png", "same.png"}]
    assert [group.exact for group in found.across] == [False, True]
    assert [called[group] for group in found.disputed] == [{"7.png", "wrong.png"}]
    assert (found.test, found.val, found.within) == (1, 1, ())
    assert [note.partition(":")[0] for note in prepared.notes[-3:]] == [
        "1 of the 5 test images is a copy of ones in train or validation",
        "1 of the 5 validation images is a copy of ones in train",
        "1 picture is there under more than one label; `autocls inspect` lists them",
    ]


def test_copies_within_a_part_are_no_ones_trouble(tmp_path: Path):
    for number, tile in enumerate(TILES):
        saved(tile, tmp_path / "album" / ("train", "val", "test")[number // 2 % 3] / "ab"[number % 2] / f"{number}.png")
    saved(TILES[0], tmp_path / "album" / "train" / "a" / "again.png")
    prepared = prepare(tmp_path / "album")
    assert len(prepared.copies().within) == 1
    assert not any("cop" in note for note in prepared.notes)


def test_they_are_looked_for_once(album: Path, monkeypatch: pytest.MonkeyPatch):
    first = prepare(album)
    monkeypatch.setattr("autocls.data.copies.thumbnail", lambda *_: pytest.fail("decoded again"))
    assert prepare(album).copies() == first.copies()


def test_few_digits_are_taken_for_copies():
    digits = np.round(load_digits().images * 255 / 16).astype(np.uint8)
    found = alike(thumbnails([Image.fromarray(digit) for digit in digits]))
    assert len(np.unique(found)) <= 2


def test_photos_are_known_again_and_not_taken_for_one_another():
    def jpeg(picture: Image.Image) -> Image.Image:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=50)
        return Image.open(stream)

    both = thumbnails([*TILES, *map(jpeg, TILES)])
    assert alike(both).tolist() == [[row, row + len(TILES)] for row in range(len(TILES))]


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**32), st.integers(1, 12))
def test_the_fast_way_finds_what_comparing_all_pairs_finds(count: int, seed: int, originals: int):
    random = np.random.default_rng(seed)
    base = random.integers(0, 256, (originals, 48))
    some = base[random.integers(0, originals, min(count, 9))] + random.normal(0, 6, (min(count, 9), 48))
    some = np.concatenate([some, np.full((1, 48), 7)]).clip(0, 255).astype(np.uint8)
    centred = some - some.mean(axis=1, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    correlations = np.triu(unit @ unit.T, 1)
    sure = np.abs(correlations - ALIKE) > 1e-5
    wanted = {tuple(pair) for pair in np.argwhere((correlations >= ALIKE) & sure).tolist()}
    found = {tuple(pair) for pair in alike(some).tolist() if sure[tuple(pair)]}
    assert found == wanted


def test_a_picture_that_is_there_ten_thousand_times_is_one_group():
    one = np.random.default_rng(0).integers(0, 256, (1, 768), dtype=np.uint8)
    noisy = np.repeat(one, 3000, axis=0) ^ np.random.default_rng(1).integers(0, 2, (3000, 768), dtype=np.uint8)
    (group,) = grouped([bytes([1]) * 16] * 7000 + [row.tobytes()[:16] for row in noisy], np.concatenate(
        [np.repeat(one, 7000, axis=0), noisy]))  # fmt: skip
    assert (len(group.rows), group.exact) == (10_000, False)


def test_pictures_of_one_colour_are_copies_only_byte_for_byte():
    plain = np.full((3, 768), 9, np.uint8)
    assert [group.rows for group in grouped([b"x" * 16, b"y" * 16, b"x" * 16], plain)] == [(0, 2)]
    assert grouped([], plain[:0]) == ()
