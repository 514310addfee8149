"""Images from memory and from a stream: the same numbers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training import feed as feeds
from autocls.training import teacher, train
from autocls.training.artifact import load
from autocls.training.batches import Tensors
from autocls.training.feed import Resident, Streamed, feed
from autocls.training.inference import examine

CPU = torch.device("cpu")
ORDER = [torch.tensor(index) for index in ([7, 3, 3], [0], [39, 12])]


@pytest.fixture
def mapped(noise: ImageData, tmp_path: Path) -> ImageData:
    """The noise, from a memory map."""
    np.save(tmp_path / "images.npy", noise.images)
    return replace(noise, images=np.load(tmp_path / "images.npy", mmap_mode="r"))


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose memory is full."""
    monkeypatch.setattr(feeds, "room", lambda device: 0)


def images_of(found: Iterator[torch.Tensor]) -> list[list[int]]:
    return [batch.flatten().tolist() for batch in found]


def test_images_stream_only_from_a_map_that_has_no_room(mapped: ImageData, noise: ImageData, no_room: None):
    assert isinstance(feed(mapped.images, CPU), Streamed)
    assert isinstance(feed(noise.images, CPU), Resident)  # it is in memory as it is


def test_what_has_room_is_read_from_the_map_itself(mapped: ImageData):
    found = feed(mapped.images, CPU)
    assert isinstance(found, Resident)
    assert found._images.data_ptr() == mapped.images.ctypes.data


def test_half_of_the_free_memory_is_room():
    assert 0 < feeds.room(CPU) < psutil.virtual_memory().total // 2


def test_a_stream_gives_the_batches_asked_for_in_order_and_again(mapped: ImageData):
    streamed, resident = Streamed(mapped.images, CPU, readers=2), feed(mapped.images, CPU)
    before = torch.get_rng_state()
    expected = images_of(resident.batches(ORDER))
    assert expected == [mapped.images[index.numpy()].flatten().tolist() for index in ORDER]
    assert images_of(streamed.batches(ORDER)) == expected
    next(streamed.batches(ORDER[1:]))  # a pass that is left is no matter to the next
    assert images_of(streamed.batches(ORDER[::-1])) == expected[::-1]
    assert images_of(streamed.batches([])) == []
    assert torch.equal(torch.get_rng_state(), before), "a loader draws from a generator of its own"


def test_training_is_the_same_streamed_to_the_last_bit(mapped: ImageData, monkeypatch: pytest.MonkeyPatch):
    recipe = Recipe(
        batch_size=8, epochs=2, dropout={"head": 0.5}, rotate="degrees", crop="shift", mix="mixup", erase="cutout",
        sampling="balanced", averaging="ema", tta="mirror",
    )  # fmt: skip
    outcomes = []
    for room in (mapped.images.nbytes, 0):
        monkeypatch.setattr(feeds, "room", lambda device, room=room: room)
        results = [(r.score, r.loss, r.weights()) for r in train(recipe, mapped, device=CPU)]
        outcomes.append(([r[:2] for r in results], torch.cat([w.flatten() for w in results[-1][2].values()])))
    (resident, weights), (streamed, its) = outcomes
    assert resident == streamed
    assert torch.equal(weights, its)


def test_a_teacher_and_a_test_stream_too(digits: ImageData, digits_model: Path, monkeypatch: pytest.MonkeyPatch):
    few = replace(digits, labels=digits.labels[:200])
    model, recipe, _ = load(digits_model)
    outcomes = []
    for room in (digits.images.nbytes, 0):
        monkeypatch.setattr(feeds, "room", lambda device, room=room: room)
        tensors = Tensors.of(few, CPU)
        answers = teacher._ask(digits_model, few, tensors)
        score = examine(recipe, model, digits, digits.split.test, "accuracy").score
        outcomes.append((type(tensors.feed), score, answers))
    (resident, score, answers), (streamed, its_score, its_answers) = outcomes
    assert (resident, streamed) == (Resident, Streamed)
    assert score == its_score
    assert torch.equal(answers, its_answers)
