import multiprocessing
import os
import pickle
import resource
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import ray

from autocls.data import Prepared, prepare
from autocls.data.shipment import Shipment
from autocls.data.split import PARTS
from autocls.errors import BadInput

from .helpers import picture, two_classes

SPAWN = multiprocessing.get_context("spawn")
WHOLE = {"lock", "names.json", "8.npy", "8.moments.npy", "16.npy", "16.moments.npy"}


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    """Images in the cache of the machine that sends them; their source is gone."""
    pets = two_classes(tmp_path / "pets")
    found = prepare(pets, sizes=[8, 16], cache=tmp_path / "driver")
    shutil.rmtree(pets)
    return found


def on_node(prepared: Prepared, cache: Path) -> Path:
    """Where the node's cache has them."""
    return cache / prepared.fingerprint


def test_images_are_the_same_to_the_bit_where_they_arrive(prepared, cache):
    here = Shipment.of(prepared, [8, 16]).unpack(prepared)
    assert here.cache == cache
    assert {path.name for path in on_node(prepared, cache).iterdir()} == WHOLE
    for size in (8, 16):
        sent, arrived = prepared.at(size, seed=3), here.at(size, seed=3)
        assert np.array_equal(sent.images, arrived.images)
        assert np.array_equal(sent.labels, arrived.labels)
        assert (sent.mean, sent.std, sent.classes) == (arrived.mean, arrived.std, arrived.classes)
        assert all(np.array_equal(getattr(sent.split, part), getattr(arrived.split, part)) for part in PARTS)
    assert here.named("test")[0] == prepared.named("test")[0]


def test_sizes_are_sent_that_were_asked_for_and_arrive_beside_others(prepared, cache):
    Shipment.of(prepared, [8]).unpack(prepared)
    assert {path.name for path in on_node(prepared, cache).iterdir()} == WHOLE - {"16.npy", "16.moments.npy"}
    before = (on_node(prepared, cache) / "8.npy").stat()
    Shipment.of(prepared, [16, 8]).unpack(prepared)
    assert {path.name for path in on_node(prepared, cache).iterdir()} == WHOLE
    assert (on_node(prepared, cache) / "8.npy").stat() == before, "what is there is not written again"


def test_a_size_that_the_sender_lacks_is_built_first(tmp_path):
    prepared = prepare(two_classes(tmp_path / "pets"), cache=tmp_path / "driver")
    assert Shipment.of(prepared, [24]).unpack(prepared).at(24).images.shape == (20, 3, 24, 24)


def test_a_size_that_was_not_sent_says_what_is_missing(prepared):
    here = Shipment.of(prepared, [8]).unpack(prepared)
    with pytest.raises(BadInput, match=r"pets: can't be read \(No such file.*no images at 16×16"):
        here.at(16)


def _unpack(shipment: Shipment, prepared: Prepared, pipe: "multiprocessing.connection.Connection") -> None:
    pipe.recv()
    shipment.unpack(prepared)
    pipe.send([path.stat().st_ino for path in sorted(_cache(prepared).glob("*.npy"))])


def _cache(prepared: Prepared) -> Path:
    return Path(os.environ["AUTOCLS_CACHE"]) / prepared.fingerprint


def test_of_processes_that_come_at_once_one_writes(prepared, cache):
    shipment = Shipment.of(prepared, [8, 16])
    pipes = [SPAWN.Pipe() for _ in range(2)]
    workers = [SPAWN.Process(target=_unpack, args=(shipment, prepared, theirs)) for _, theirs in pipes]
    for worker in workers:
        worker.start()
    for ours, _ in pipes:
        ours.send("go")
    seen = [ours.recv() for ours, _ in pipes]
    for worker in workers:
        worker.join()
    assert seen[0] == seen[1]
    assert len(seen[0]) == 4
    assert {path.name for path in on_node(prepared, cache).iterdir()} == WHOLE


def _write(shipment: Shipment, prepared: Prepared) -> None:
    shipment.unpack(prepared)


def test_a_killed_writer_leaves_nothing_that_is_taken_for_whole(tmp_path, cache):
    prepared = prepare(two_classes(tmp_path / "pets"), sizes=[1500], cache=tmp_path / "driver")
    shipment, folder = Shipment.of(prepared, [1500]), on_node(prepared, cache)
    writer = SPAWN.Process(target=_write, args=(shipment, prepared))
    writer.start()
    while not (folder / "1500.npy.part").exists() and writer.is_alive():
        time.sleep(0.0005)
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    assert not (folder / "1500.npy").exists()
    here = shipment.unpack(prepared)
    assert np.array_equal(here.at(1500).images, prepared.at(1500).images)
    assert {path.name for path in folder.iterdir()} == {"lock", "names.json", "1500.npy", "1500.moments.npy"}


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(prepared, cache, monkeypatch):
    shipment = Shipment.of(prepared, [8])
    monkeypatch.setattr("shutil.disk_usage", lambda folder: shutil._ntuple_diskusage(100, 100, 0))
    with pytest.raises(BadInput, match=r"needs 0.0 GB and 0.0 GB are free; set AUTOCLS_CACHE"):
        shipment.unpack(prepared)
    assert {path.name for path in on_node(prepared, cache).iterdir()} == {"lock"}


def _write_little(shipment: Shipment, prepared: Prepared, pipe: "multiprocessing.connection.Connection") -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
    try:
        shipment.unpack(prepared)
    except BadInput as error:
        pipe.send(str(error))


def test_a_write_that_fails_half_way_is_said_and_leaves_nothing(prepared, cache):
    ours, theirs = SPAWN.Pipe()
    writer = SPAWN.Process(target=_write_little, args=(Shipment.of(prepared, [16]), prepared, theirs))
    writer.start()
    writer.join()
    assert ours.poll(), "it raised nothing"
    said = ours.recv()
    assert "can't be written (File too large); set AUTOCLS_CACHE" in said
    assert {path.name for path in on_node(prepared, cache).iterdir()} == {"lock", "names.json", "16.moments.npy"}


def test_ray_hands_the_arrays_over_uncopied_and_they_unpack_all_the_same(prepared):
    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=80_000_000)
    try:
        arrived = ray.get(ray.put(Shipment.of(prepared, [8, 16])))
        assert not any(content.flags.writeable or content.flags.owndata for content in arrived.files.values())
        assert np.array_equal(arrived.unpack(prepared).at(16).images, prepared.at(16).images)
    finally:
        del arrived
        ray.shutdown()


def test_a_pickle_can_leave_the_images_bytes_outside(prepared):
    outside: list[pickle.PickleBuffer] = []
    inside = pickle.dumps(Shipment.of(prepared, [8, 16]), protocol=5, buffer_callback=outside.append)
    assert len(inside) < 1000
    assert len(outside) == 5


def test_changed_images_are_not_sent_for_those_that_were_prepared(tmp_path):
    prepared = prepare(two_classes(tmp_path / "pets"), cache=tmp_path / "driver")
    picture(99).save(tmp_path / "pets" / "cat" / "0.png")
    with pytest.raises(BadInput, match="have changed since"):
        Shipment.of(prepared, [8])
