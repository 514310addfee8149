import errno
import multiprocessing
import os
import pickle
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from autocls.data import Prepared, prepare
from autocls.errors import BadInput

from .helpers import fill, picture, two_classes

SPAWN = multiprocessing.get_context("spawn")


def files(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*") if path.is_file()}


def test_the_second_prepare_decodes_nothing(tmp_path, cache, monkeypatch):
    pets = two_classes(tmp_path / "pets")
    first = prepare(pets, sizes=[8, 16])
    monkeypatch.setattr("PIL.Image.open", lambda *_: pytest.fail("decoded again"))
    assert prepare(pets, sizes=[8, 16]) == first
    assert first.at(16).images.shape == (20, 3, 16, 16)
    assert files(cache) == {
        "lock",
        "survey.json",
        "copies.json",
        "names.json",
        "8.npy",
        "8.moments.npy",
        "16.npy",
        "16.moments.npy",
    }


def test_every_image_is_decoded_once_for_all_sizes(tmp_path, monkeypatch):
    pets = two_classes(tmp_path / "pets")
    prepare(pets)
    decoded = []
    monkeypatch.setattr("autocls.data.cache.decode", lambda content: decoded.append(content) or picture(0))
    prepare(pets, sizes=[8, 16, 16])
    assert len(decoded) == 20


def test_the_fingerprint_is_independent_of_the_place_and_of_file_names(tmp_path):
    pets = two_classes(tmp_path / "pets")
    first = prepare(pets, sizes=[8])
    moved = tmp_path / "else where" / "animals"
    shutil.copytree(pets, moved)
    (moved / "cat" / "0.png").rename(moved / "cat" / "zzz.png")
    second = prepare(moved, sizes=[8])
    assert second.fingerprint == first.fingerprint
    assert np.array_equal(first.at(8).split.test, second.at(8).split.test)


def test_images_are_called_as_their_source_calls_them_where_they_lie_now(tmp_path):
    pets = two_classes(tmp_path / "pets")
    first = prepare(pets)
    names, labels = first.named("test")
    assert labels.tolist() == [0, 0, 1, 1]
    assert all(name.endswith(".png") for name in names)
    assert [("cat", "dog")[label] in name for name, label in zip(names, labels, strict=True)] == [True] * 4
    pets.rename(tmp_path / "animals")
    assert first.named("test")[0] == names, "nothing is read again"
    renamed = [name.replace("pets", "animals") for name in names]
    assert prepare(tmp_path / "animals").named("test")[0] == renamed


def test_the_fingerprint_changes_with_pixels_labels_and_parts(tmp_path):
    pets = two_classes(tmp_path / "pets")
    prints = [prepare(pets).fingerprint]
    picture(77).save(pets / "cat" / "0.png")
    prints.append(prepare(pets).fingerprint)
    (pets / "cat" / "1.png").rename(pets / "dog" / "moved.png")
    prints.append(prepare(pets).fingerprint)
    (pets / "dog").rename(pets / "wolf")
    prints.append(prepare(pets).fingerprint)
    (tmp_path / "parts").mkdir()
    shutil.copytree(pets, tmp_path / "parts" / "train")
    assert prepare(tmp_path / "parts").fingerprint == prints[-1]  # no parts at all is the same as train alone
    shutil.copytree(pets, tmp_path / "parts" / "test")
    prints.append(prepare(tmp_path / "parts").fingerprint)
    assert len(set(prints)) == 5


def test_the_seed_changes_the_split_and_not_the_cache(tmp_path, cache):
    pets = two_classes(tmp_path / "pets", 20)
    one, two = (prepare(pets, seed=seed, sizes=[8]) for seed in (0, 1))
    assert one.fingerprint == two.fingerprint
    assert not np.array_equal(one.at(8).split.test, two.at(8).split.test)
    assert np.array_equal(prepare(pets, seed=1).at(8).split.test, two.at(8).split.test)


def test_a_pickled_copy_builds_a_missing_size(tmp_path, monkeypatch):
    two_classes(tmp_path / "pets")
    monkeypatch.chdir(tmp_path)
    prepared = prepare("pets")
    copy = pickle.loads(pickle.dumps(prepared))
    monkeypatch.chdir("/")  # a worker's working directory is another
    assert copy == prepared
    assert copy.at(24).images.shape == (20, 3, 24, 24)


def test_at_refuses_a_source_that_has_changed(tmp_path):
    prepared = prepare(two_classes(tmp_path / "pets"), sizes=[8])
    picture(99).save(tmp_path / "pets" / "cat" / "0.png")
    prepared.at(8)
    with pytest.raises(BadInput, match="have changed since"):
        prepared.at(16)


def test_a_cache_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"cache .*file.* can't be written.*AUTOCLS_CACHE"):
        prepare(two_classes(tmp_path / "pets"), cache=tmp_path / "file")


def _build(prepared: Prepared, size: int) -> None:
    prepared.at(size)


def test_concurrent_builders_make_one_file(tmp_path, cache):
    prepared = prepare(two_classes(tmp_path / "pets", 100))
    builders = [SPAWN.Process(target=_build, args=(prepared, 32)) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert [builder.exitcode for builder in builders] == [0, 0]
    assert files(cache) == {"lock", "survey.json", "copies.json", "names.json", "32.npy", "32.moments.npy"}
    assert prepared.at(32).images.reshape(200, -1).any(1).all()


def test_a_killed_writer_leaves_nothing_that_is_taken_for_whole(tmp_path, cache):
    fill(tmp_path / "big" / "a", 6, size=(600, 600))
    fill(tmp_path / "big" / "b", 6, seed=50, size=(600, 600))
    prepared = prepare(tmp_path / "big")
    builder = SPAWN.Process(target=_build, args=(prepared, 2000))
    builder.start()
    folder = cache / prepared.fingerprint
    while not (folder / "2000.npy.part").exists() and builder.is_alive():
        time.sleep(0.001)
    os.kill(builder.pid, signal.SIGKILL)
    builder.join()
    assert builder.exitcode == -signal.SIGKILL
    assert (folder / "2000.npy.part").exists()
    assert not (folder / "2000.npy").exists()
    assert prepared.at(2000).images.reshape(12, -1).any(1).all()
    assert files(cache) == {"lock", "survey.json", "copies.json", "names.json", "2000.npy", "2000.moments.npy"}


def test_a_source_that_is_gone_is_named_with_the_cache_that_has_no_images(tmp_path, cache):
    prepared = prepare(two_classes(tmp_path / "pets"), sizes=[8])
    shutil.rmtree(tmp_path / "pets")
    assert prepared.at(8).images.shape == (20, 3, 8, 8)
    shutil.rmtree(cache)
    with pytest.raises(BadInput, match=r"/pets: can't be read \(No such file.*; and the cache .* has no images at 8×8"):
        prepared.at(8)


def test_a_class_that_is_gone_is_named(tmp_path):
    prepared = prepare(two_classes(tmp_path / "pets"))
    shutil.rmtree(tmp_path / "pets" / "dog")
    with pytest.raises(BadInput, match=r"/pets: the images have changed since .*no images at 8×8"):
        prepared.at(8)


def test_an_image_that_is_gone_since_it_was_listed_is_named(tmp_path):
    found = two_classes(tmp_path / "pets") / "dog" / "3.png"
    prepared = prepare(tmp_path / "pets")
    found.unlink()
    found.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"dog/3.png: can't be read \(No such file"):
        prepared.at(8)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_source_that_may_not_be_read_is_named(tmp_path):
    prepared = prepare(two_classes(tmp_path / "pets"))
    (tmp_path / "pets" / "dog").chmod(0)
    try:
        with pytest.raises(BadInput, match=r"/pets/dog: can't be read \(Permission denied\)"):
            prepared.at(8)
    finally:
        (tmp_path / "pets" / "dog").chmod(0o700)


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.EACCES, errno.ENOENT])
@pytest.mark.parametrize("call", ["os.scandir", "pathlib.Path.iterdir", "pathlib.Path.read_bytes"])
def test_a_mount_of_the_source_that_vanishes_is_named(tmp_path, monkeypatch, number, call):
    prepared = prepare(two_classes(tmp_path / "pets"))

    def vanished(path: Path) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(call, vanished)
    with pytest.raises(BadInput, match=rf"/pets\S*: can't be read \({os.strerror(number)}\)"):
        prepared.at(8)


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("call", ["pathlib.Path.exists", "numpy.load"])
def test_a_mount_of_the_cache_that_vanishes_is_named(tmp_path, cache, monkeypatch, number, call):
    prepared = prepare(two_classes(tmp_path / "pets"), sizes=[8])

    def vanished(*path: object, **how: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(call, vanished)
    said = re.escape(f"the cache {cache / prepared.fingerprint} can't be used ({os.strerror(number)})")
    with pytest.raises(BadInput, match=said):
        prepared.at(8)


def test_a_source_that_vanishes_while_it_is_surveyed_spoils_no_later_try(tmp_path, cache, monkeypatch):
    prepared = prepare(two_classes(tmp_path / "pets"))
    shutil.rmtree(cache)
    with monkeypatch.context() as patch:
        patch.setattr("autocls.data.survey.look", lambda content: (_ for _ in ()).throw(OSError(errno.EIO, "gone")))
        with pytest.raises(BadInput, match="/pets: images of it could be read before and can't be now"):
            prepared.at(8)
    assert prepared.at(8).images.shape == (20, 3, 8, 8)
