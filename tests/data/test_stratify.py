from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autocls.data.split import PARTS, SHARES, resplit, split_rows
from autocls.data.stratify import stratified


def several(images: int, shares: list[float], seed: int) -> np.ndarray:
    """N×K labels, drawn one by one."""
    return np.random.default_rng(seed).random((images, len(shares))) < np.array(shares)


label_sets = st.builds(
    several,
    st.integers(60, 200),
    st.lists(st.sampled_from([0.15, 0.3, 0.5, 0.9]), min_size=2, max_size=6),
    st.integers(0, 2**32),
)


@given(label_sets, st.integers(0, 2**32))
@example(several(63, [0.9, 0.5, 0.3, 0.3, 0.5, 0.5], 358835), 203)  # dealt label by label, its test part was too large
def test_each_label_has_its_share_in_every_part(labels: np.ndarray, seed: int):
    split = split_rows(labels, np.zeros(len(labels), np.int64), seed)
    rows = np.concatenate([split.train, split.val, split.test])
    assert sorted(rows) == list(range(len(labels)))
    for part in PARTS:
        mine = getattr(split, part)
        assert mine.dtype == np.int64
        assert abs(len(mine) - SHARES[part] * len(labels)) <= 0.05 * len(labels) + 1
        found, expected = labels[mine].sum(axis=0), SHARES[part] * labels.sum(axis=0)
        assert (np.abs(found - expected) <= np.maximum(6, 0.15 * labels.sum(axis=0))).all()
        assert (found[labels.sum(axis=0) >= 5] > 0).all()


@given(label_sets, st.integers(0, 2**32))
def test_the_split_depends_on_labels_and_seed_alone(labels: np.ndarray, seed: int):
    one, two = (split_rows(labels.copy(), np.zeros(len(labels), np.int64), seed) for _ in range(2))
    assert all(np.array_equal(getattr(one, part), getattr(two, part)) for part in PARTS)


@given(label_sets, st.integers(0, 2**32), st.integers(0, 2**32))
def test_a_resplit_keeps_the_test_part_and_draws_validation_anew(labels: np.ndarray, seed: int, another: int):
    split = split_rows(labels, np.zeros(len(labels), np.int64), seed)
    anew = resplit(labels, split, another)
    assert np.array_equal(anew.test, split.test)
    assert sorted([*anew.train, *anew.val]) == sorted([*split.train, *split.val])
    assert abs(len(anew.val) - len(split.val)) <= 0.05 * len(labels) + 2


def test_other_seeds_split_otherwise():
    labels = several(200, [0.2, 0.5, 0.1], 0)
    splits = [split_rows(labels, np.zeros(200, np.int64), seed) for seed in range(5)]
    assert all(not np.array_equal(one.val, other.val) for one, other in pairwise(splits))


@given(st.integers(3, 5), st.integers(2, 12), st.integers(0, 2**32), st.integers(0, 2**32))
def test_a_part_lacks_a_label_only_if_no_single_image_could_be_given_to_it(
    rare: int, labels: int, drawn: int, seed: int
):
    """Each of several labels has 3 to 5 images among 30; each image that has one may have others."""
    random, hot = np.random.default_rng(drawn), np.zeros((30, labels), np.bool_)
    for k in range(labels):
        hot[random.choice(30, rare, replace=False), k] = True
    parts = stratified(hot, [0.65, 0.15, 0.20], np.random.default_rng(seed))
    counts = np.stack([hot[parts == part].sum(axis=0) for part in range(3)])
    for _, label in np.argwhere(counts == 0):
        for image in np.flatnonzero(hot[:, label]):
            assert (counts[parts[image], hot[image]] == 1).any()


def test_few_labels_of_three_images_each_reach_every_part():
    reached = 0
    for seed in range(100):
        hot = np.zeros((30, 4), np.bool_)
        for k in range(4):
            hot[np.random.default_rng([seed, k]).choice(30, 3, replace=False), k] = True
        parts = stratified(hot, [0.65, 0.15, 0.20], np.random.default_rng(seed))
        reached += all(hot[parts == part].any(axis=0).all() for part in range(3))
    assert reached >= 97


def test_images_without_labels_are_shared_out_too():
    labels = np.zeros((100, 2), np.bool_)
    labels[:20, 0] = labels[10:40, 1] = True
    split = split_rows(labels, np.zeros(100, np.int64), 0)
    without = [(~labels[getattr(split, part)].any(axis=1)).sum() for part in PARTS]
    assert without == pytest.approx([39, 9, 12], abs=3)


def test_a_given_part_is_kept_and_the_missing_one_drawn_from_train():
    labels, parts = several(200, [0.3, 0.4], 1), np.zeros(200, np.int64)
    parts[:40] = 2
    split = split_rows(labels, parts, seed=0)
    assert split.test.tolist() == list(range(40))
    assert len(split.val) == pytest.approx(160 * 0.15 / 0.8, abs=3)
