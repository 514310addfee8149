import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autocls.data import ImageData, Prepared, prepare
from autocls.data.split import fold_rows
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.training.folds import CrossValidation, cross_validation, out_of_fold, train_folds
from autocls.training.loop import train
from tests import several

QUICK = Recipe(batch_size=8, dropout="head", averaging="ema", epochs=2)


@given(st.lists(st.integers(2, 40), min_size=2, max_size=6), st.integers(2, 9), st.integers(0, 2**32))
def test_folds_are_even_stratified_disjoint_and_complete(counts: list[int], count: int, seed: int):
    labels = np.repeat(np.arange(len(counts)), counts)
    rows = np.flatnonzero(np.random.default_rng(seed).random(len(labels)) < 0.9)
    folds = fold_rows(labels, rows, count, seed)
    assert sorted(np.concatenate(folds).tolist()) == rows.tolist()
    sizes = [len(fold) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for label in range(len(counts)):
        of_class = [int((labels[fold] == label).sum()) for fold in folds]
        assert max(of_class) - min(of_class) <= 1


def test_each_image_but_the_test_parts_validates_once(prepared_digits: Prepared):
    folds, whole = prepared_digits.folds(28, 4), prepared_digits.at(28)
    learnt = np.concatenate([whole.split.train, whole.split.val])
    assert sorted(np.concatenate([fold.split.val for fold in folds]).tolist()) == sorted(learnt.tolist())
    for fold in folds:
        assert sorted([*fold.split.train, *fold.split.val]) == sorted(learnt.tolist())
        assert np.array_equal(fold.split.test, whole.split.test)
        assert fold.mean[0] == pytest.approx(fold.images[fold.split.train].mean() / 255, abs=1e-4)
    unsealed = prepared_digits.folds(28, 4, sealed=False)
    assert sum(len(fold.split.val) for fold in unsealed) == len(whole.labels)


@pytest.mark.parametrize("count", [1, 0, -3, 1000])
def test_so_many_folds_as_there_can_not_be_are_refused(prepared_digits: Prepared, count: int):
    with pytest.raises(BadInput, match=rf"--folds: at least 2, and at most \d+, the images of .*; not {count}"):
        prepared_digits.folds(28, count)


def test_images_with_any_number_of_labels_have_no_folds(tmp_path: Path):
    prepared = prepare(several.write(tmp_path, 60), cache=tmp_path / "cache")
    with pytest.raises(BadInput, match="any number of labels can't be dealt into folds"):
        prepared.folds(16, 2)


@pytest.fixture
def folds(noise: ImageData) -> list[ImageData]:
    rows = np.arange(32)
    every = [rows[rows // 3 % 3 == i] for i in range(3)]
    return [replace(noise, split=replace(noise.split, train=np.setdiff1d(rows, fold), val=fold)) for fold in every]


def test_an_epoch_is_the_mean_over_the_folds(folds: list[ImageData]):
    alone = [list(train(QUICK, fold)) for fold in folds]
    together = list(train_folds(QUICK, folds))
    assert [result.epoch for result in together] == [1, 2]
    for result, of_folds in zip(together, zip(*alone, strict=True), strict=True):
        assert result.folds == tuple(each.score for each in of_folds)
        assert result.score == pytest.approx(np.mean(result.folds))
        assert result.loss == np.mean([each.loss for each in of_folds])
    assert all(result.weights is None and result.footprint is not None for result in together)


def test_it_goes_on_from_the_state_of_an_epoch(folds: list[ImageData]):
    first, second = train_folds(QUICK, folds), list(train_folds(QUICK, folds))[1]
    stream = io.BytesIO()
    torch.save(next(first).state(), stream)
    stream.seek(0)
    state = torch.load(stream, weights_only=True)
    (again,) = train_folds(QUICK, folds, state=state)
    assert (again.epoch, again.folds, again.loss) == (2, second.folds, second.loss)


def test_the_interval_covers_the_mean_over_fresh_data_sets():
    """Of a classifier that learns nothing from its training data, so that the folds' scores are independent."""
    random, found = np.random.default_rng(0), []
    for _ in range(400):
        low, high = CrossValidation(tuple(random.binomial(40, 0.8, 5) / 40), 1, "accuracy").interval
        found.append(low <= 0.8 <= high)
    assert np.mean(found) >= 0.93, "where nothing is shared, the correction makes it too wide, never too narrow"


def test_cross_validation_takes_the_epoch_with_the_best_mean(folds: list[ImageData]):
    results = list(train_folds(QUICK, folds))
    found = cross_validation(results, "accuracy")
    assert found.mean == max(result.score for result in results)
    assert found.interval[0] < found.mean < found.interval[1]


def test_no_network_answers_to_what_it_trained_on(noise: ImageData):
    """Noise can be learnt by heart and not be told otherwise."""
    rows = np.arange(40)
    folds = [
        replace(noise, split=replace(noise.split, train=np.setdiff1d(rows, rows[i::2]), val=rows[i::2])) for i in (0, 1)
    ]
    recipe = Recipe(batch_size=4, epochs=12, optimizer={"adam": {"lr": 3e-3}})
    torch.manual_seed(0)
    said = list(out_of_fold(recipe, folds))
    assert [each.shape for each in said] == [(20, 3), (20, 3)]
    right = np.concatenate([noise.labels[i::2] == each.argmax(1) for i, each in enumerate(said)]).mean()
    assert right < 0.65
