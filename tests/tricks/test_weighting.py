from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from autocls.data import ImageData, Split
from autocls.errors import NotApplicable
from autocls.recipe import Recipe
from autocls.training.loop import train
from autocls.training.metrics import balanced_accuracy
from autocls.training.network import misfits
from autocls.training.session import Session
from autocls.tricks.loss import Loss
from autocls.tricks.weighting import ClassWeights, EffectiveNumber, Inverse

COUNTS = torch.tensor([1000, 100, 10])
every = pytest.mark.parametrize("choice", [Inverse(), Inverse(power=0.5), EffectiveNumber(), EffectiveNumber(beta=0.9)])


@every
def test_rare_classes_count_more_and_the_mean_over_the_images_is_one(choice: ClassWeights):
    weights = choice.weights(COUNTS)
    assert weights.argsort().tolist() == [0, 1, 2]
    assert float((weights * COUNTS).sum() / COUNTS.sum()) == pytest.approx(1)


def test_inverse_weights_are_those_of_scikit_learn():
    labels = np.repeat(np.arange(3), COUNTS.numpy())
    balanced = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(Inverse().weights(COUNTS).numpy(), balanced, rtol=1e-6)


def test_effective_numbers_are_those_of_the_paper():
    weights = EffectiveNumber(beta=0.99).weights(COUNTS)
    effective = [(1 - 0.99**n) / (1 - 0.99) for n in (1000, 100, 10)]
    np.testing.assert_allclose((weights / weights[0]).numpy(), effective[0] / np.array(effective), rtol=1e-5)


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=8).filter(lambda counts: len(set(counts)) > 1))
def test_weights_are_finite_whatever_the_counts(counts: list[int]):
    for choice in (Inverse(), EffectiveNumber(beta=0.9999), EffectiveNumber(beta=0.9)):
        weights = choice.weights(torch.tensor(counts))
        assert bool(((weights > 0) & weights.isfinite()).all())


def test_even_classes_leave_nothing_to_weigh(noise: ImageData):
    even = replace(noise, split=replace(noise.split, train=np.arange(24)))
    with pytest.raises(NotApplicable, match="every class has 8 training images"):
        Session(Recipe(class_weights="inverse"), even, 0, torch.device("cpu"))
    assert "class_weights" in misfits(Recipe(class_weights="inverse"), 3, 3, images=(8, 8, 8))
    assert not misfits(Recipe(class_weights="inverse"), 3, 3, images=(8, 8, 7))


def skewed(noise: ImageData) -> ImageData:
    return replace(noise, split=Split(np.array([0, 3, 6, 9, 12, 15, 1, 4, 2]), noise.split.val, noise.split.test))


@pytest.mark.parametrize("loss", sorted(Loss.choices()))
def test_the_loss_is_the_weighted_mean_of_the_images_losses(noise: ImageData, loss: str):
    data = skewed(noise)
    session = Session(Recipe(loss=loss, class_weights="inverse"), data, 0, torch.device("cpu"))
    batch = session.batch(session.part, 0.0)
    session.model.eval()
    logits = session.model(batch.images)
    each = torch.stack([session.recipe.loss.compute(logits[i : i + 1], batch.targets[i : i + 1]) for i in range(9)])
    weights = Inverse().weights(torch.tensor([6, 2, 1]))[torch.from_numpy(data.labels[data.split.train])]
    assert session.loss(batch).item() == pytest.approx((each * weights).mean().item(), rel=1e-4)


def test_of_cross_entropy_it_is_torchs_weighted_sum(noise: ImageData):
    data = skewed(noise)
    session = Session(Recipe(class_weights="inverse"), data, 0, torch.device("cpu"))
    batch = session.batch(session.part, 0.0)
    logits, weights = session.model(batch.images), Inverse().weights(torch.tensor([6, 2, 1]))
    torchs = F.cross_entropy(logits, batch.targets.argmax(1), weight=weights, reduction="sum") / 9
    assert session.loss(batch).item() == pytest.approx(torchs.item(), rel=1e-5)


def test_weights_help_the_rare_classes_of_skewed_digits(digits: ImageData):
    rare = np.isin(digits.labels[digits.split.train], [3, 5, 8])
    few = np.random.default_rng(0).permutation(digits.split.train[rare])[:15]
    data = replace(digits, split=replace(digits.split, train=np.sort(np.r_[digits.split.train[~rare], few])))

    def recall(weights: str) -> float:
        recipe = Recipe(image_size=28, norm="batch", epochs=5, class_weights=weights, optimizer={"adam": {"lr": 2e-3}})
        scores = [result.score for result in train(recipe, data, metric=balanced_accuracy.__name__)]
        return scores[-1]

    assert recall("inverse") > recall("none") + 0.02
