from dataclasses import replace

import numpy as np
import pytest

from autocls.data import Prepared
from autocls.recipe import Recipe
from autocls.training.folds import out_of_fold
from autocls.training.suspects import Suspect, suspects


def test_a_sure_network_that_says_otherwise_makes_a_suspect():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7]])
    assert suspects(probabilities, np.array([0, 0, 1, 0, 1])) == [Suspect(3, 0, 1, pytest.approx(0.8))]


def test_an_answer_below_its_classs_usual_confidence_accuses_nobody():
    """Class 1 is usually answered with 0.9, so that 0.6 says little of an image labelled 0."""
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.1, 0.9], [0.1, 0.9]])
    assert suspects(probabilities, np.array([0, 0, 0, 1, 1])) == []


def test_the_surest_come_first():
    probabilities = np.array([[0.9, 0.1]] * 20 + [[0.1, 0.9]] * 20 + [[0.05, 0.95], [0.02, 0.98]])
    labels = np.array([0] * 20 + [1] * 20 + [0, 0])
    found = suspects(probabilities, labels)
    assert [each.row for each in found] == [41, 40]
    assert found[0].margin > found[1].margin


def test_a_class_without_images_is_never_suggested():
    probabilities = np.array([[0.3, 0.3, 0.4], [0.5, 0.1, 0.4]])
    assert all(each.suggested != 2 for each in suspects(probabilities, np.array([0, 1])))


def test_most_flipped_labels_of_digits_are_found_and_few_others(prepared_digits: Prepared):
    folds = prepared_digits.folds(28, 3, sealed=False)
    truth, random = folds[0].labels, np.random.default_rng(0)
    flipped = random.choice(len(truth), len(truth) // 20, replace=False)
    noisy = truth.copy()
    noisy[flipped] = (truth[flipped] + random.integers(1, 10, len(flipped))) % 10
    recipe = Recipe(image_size=28, norm="batch", epochs=4, optimizer={"adam": {"lr": 3e-3}})
    probabilities = np.empty((len(truth), 10))
    parted = [replace(fold, labels=noisy) for fold in folds]
    for fold, said in zip(parted, out_of_fold(recipe, parted), strict=True):
        probabilities[fold.split.val] = said
    found = {each.row for each in suspects(probabilities, noisy)}
    right = len(found & set(flipped.tolist()))
    assert right / len(flipped) > 0.75
    assert right / len(found) > 0.7
