import numpy as np
import pytest
import torch

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training.batches import Batch, Tensors, augmented, evaluation, order

CPU = torch.device("cpu")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def tensors(noise: ImageData) -> Tensors:
    return Tensors.of(noise, CPU)


def batch_of(recipe: Recipe, tensors: Tensors, *index: int) -> Batch:
    (images,) = tensors.floats([torch.tensor(index)])
    return augmented(recipe, tensors, images, tensors.labels[list(index)], seeded())


def test_an_epoch_takes_each_training_image_once_in_an_order_of_its_own(tensors: Tensors):
    part, generator = torch.arange(10, 30), seeded()
    first, second = (torch.cat(order(Recipe(batch_size=8), tensors, part, generator)).tolist() for _ in range(2))
    assert sorted(first) == sorted(second) == part.tolist()
    assert first != second


@pytest.mark.parametrize(("images", "lengths"), [(9, [4, 4]), (10, [4, 4, 2])])
def test_a_last_batch_of_one_is_left_out(tensors: Tensors, images: int, lengths: list[int]):
    found = order(Recipe(batch_size=4), tensors, torch.arange(images), seeded())
    assert [len(batch) for batch in found] == lengths


def test_a_plain_batch_is_normalised_and_one_hot(noise: ImageData, tensors: Tensors):
    batch = batch_of(Recipe(), tensors, 3, 1)
    images, targets = batch.images, batch.targets
    assert targets.tolist() == [[1, 0, 0], [0, 1, 0]]
    expected = (torch.from_numpy(noise.images[[3, 1]]).float() / 255 - 0.5) / 0.3
    torch.testing.assert_close(images, expected)


def test_label_smoothing_shares_a_part_among_all_classes(tensors: Tensors):
    batch = batch_of(Recipe(label_smoothing=0.3), tensors, 0)
    torch.testing.assert_close(batch.targets, torch.tensor([[0.8, 0.1, 0.1]]))


def test_all_tricks_together_give_targets_that_sum_to_one(tensors: Tensors):
    every = {"flip": "horizontal", "rotate": "degrees", "crop": "shift", "color": "jitter", "erase": "cutout"}
    recipe = Recipe(**every, mix="mixup", label_smoothing=0.1)
    batch = batch_of(recipe, tensors, *range(8))
    images, targets = batch.images, batch.targets
    assert images.isfinite().all()
    torch.testing.assert_close(targets.sum(1), torch.ones(8))


def test_erased_squares_hold_the_mean_and_padding_is_black(tensors: Tensors):
    erased = batch_of(Recipe(erase={"cutout": 0.5}), tensors, *range(8)).images
    assert (erased == 0).all(1).flatten(1).any(1).all()
    shifted = batch_of(Recipe(crop={"shift": 4}), tensors, *range(8)).images
    assert shifted.min() == pytest.approx((0 - 0.5) / 0.3)


def test_evaluation_takes_the_part_in_order(tensors: Tensors):
    part = np.array([5, 2, 9])
    (images,) = evaluation(tensors, part)
    torch.testing.assert_close(images, batch_of(Recipe(), tensors, 5, 2, 9).images)
