from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocls.data.split import SHARES, resplit, split_rows

PART_NAMES = tuple(SHARES)


def labels_of(counts: list[int]) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts).astype(np.int64)


@given(st.lists(st.integers(3, 60), min_size=2, max_size=6), st.integers(0, 2**32), st.randoms())
def test_split_is_stratified_disjoint_and_complete(counts, seed, random):
    labels = labels_of(counts)
    random.shuffle(labels)
    split = split_rows(labels, np.zeros_like(labels), seed)
    rows = np.concatenate([split.train, split.val, split.test])
    assert sorted(rows) == list(range(len(labels)))
    for part in PART_NAMES:
        found = Counter(labels[getattr(split, part)].tolist())
        for label, count in enumerate(counts):
            assert found[label] >= 1
            assert abs(found[label] - SHARES[part] * count) <= 1.01


@given(st.lists(st.integers(3, 30), min_size=2, max_size=4), st.integers(0, 2**32))
def test_split_depends_on_labels_and_seed_alone(counts, seed):
    labels = labels_of(counts)
    one, two = (split_rows(labels, np.zeros_like(labels), seed) for _ in range(2))
    for part in PART_NAMES:
        assert np.array_equal(getattr(one, part), getattr(two, part))
        assert getattr(one, part).dtype == np.int64


def test_another_seed_splits_otherwise():
    labels = labels_of([50, 50])
    one, two = (split_rows(labels, np.zeros_like(labels), seed) for seed in (0, 1))
    assert not np.array_equal(one.test, two.test)


@pytest.mark.parametrize(("given_part", "drawn", "expected"), [(2, "val", 19), (1, "test", 24)])
def test_a_given_part_is_kept_and_the_missing_one_drawn_from_train(given_part, drawn, expected):
    labels = labels_of([120, 120])
    parts = np.zeros_like(labels)
    parts[[*range(20), *range(120, 140)]] = given_part
    split = split_rows(labels, parts, seed=0)
    assert np.array_equal(getattr(split, PART_NAMES[given_part]), np.flatnonzero(parts))
    assert np.bincount(labels[getattr(split, drawn)]).tolist() == pytest.approx([expected] * 2, abs=1)


def test_three_given_parts_are_all_kept():
    parts = np.array([0, 1, 2, 0, 1, 2])
    split = split_rows(labels_of([3, 3]), parts, seed=0)
    assert [split.train.tolist(), split.val.tolist(), split.test.tolist()] == [[0, 3], [1, 4], [2, 5]]


@given(st.lists(st.integers(4, 40), min_size=2, max_size=5), st.integers(0, 2**32), st.integers(0, 2**32))
def test_a_resplit_keeps_the_test_part_and_the_size_of_the_others(counts, seed, another):
    labels = labels_of(counts)
    split = split_rows(labels, np.zeros_like(labels), seed)
    anew = resplit(labels, split, another)
    assert np.array_equal(anew.test, split.test)
    assert sorted([*anew.train, *anew.val]) == sorted([*split.train, *split.val])
    for label in range(len(counts)):
        assert abs((labels[anew.val] == label).sum() - (labels[split.val] == label).sum()) <= 1
