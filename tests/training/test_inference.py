"""What a trained network answers, the same wherever it is asked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from autocls.data import ImageData
from autocls.deploy import Classifier
from autocls.recipe import Recipe
from autocls.training.artifact import ModelCard, save
from autocls.training.batches import Tensors, evaluation
from autocls.training.inference import examine, predict, views, weights_of
from autocls.training.network import build
from autocls.training.session import Session

CPU = torch.device("cpu")


@pytest.mark.parametrize("tta", ["mirror", "shifts"])
def test_views_are_averaged_in_validation_in_test_and_in_use(tta: str, noise: ImageData, tmp_path: Path):
    recipe = Recipe(tta=tta)
    session = Session(recipe, noise, 0, CPU)
    part = noise.split.test
    (images,) = evaluation(session.tensors, part)
    with torch.no_grad():
        each = [session.model.eval()(view) for view in recipe.tta.views(images)]
    expected = torch.stack(each).mean(0)
    assert not torch.allclose(expected, each[0])
    torch.testing.assert_close(session.answers(part), expected)
    right = (expected.argmax(1).numpy() == noise.labels[part]).mean()
    assert examine(recipe, session.model, noise, part, "accuracy").score == pytest.approx(right)
    save(tmp_path, recipe, weights_of(session.model), ModelCard.of(noise, "accuracy", 0.5))
    pictures = [image.transpose(1, 2, 0) for image in noise.images[part]]
    found = Classifier.load(tmp_path).predict_proba(pictures)
    np.testing.assert_allclose(found, expected.softmax(1).numpy(), atol=1e-5)


def test_a_mirror_shows_nothing_new_of_symmetric_images(noise: ImageData):
    half = noise.images[..., :16]
    symmetric = replace(noise, images=np.concatenate([half, half[..., ::-1]], axis=-1))
    answers = [Session(Recipe(tta=tta), symmetric, 0, CPU).answers(noise.split.val) for tta in (None, "mirror")]
    torch.testing.assert_close(*answers)


def test_batches_are_answered_in_order_and_in_evaluation_mode():
    model = nn.Sequential(nn.Dropout(0.5), nn.Flatten()).train()
    inputs = [torch.rand(3, 1, 2, 2), torch.rand(1, 1, 2, 2)]
    found = predict(model, iter(inputs), views(Recipe()))
    assert torch.equal(found, torch.cat(inputs).flatten(1))


def test_answers_hold_no_graph_and_weights_are_copies(noise: ImageData):
    model = build(Recipe(), 3, 3)
    found = predict(model, evaluation(Tensors.of(noise, CPU), noise.split.val), views(Recipe()))
    assert not found.requires_grad
    kept = weights_of(model)
    with torch.no_grad():
        next(model.parameters()).zero_()
    assert any(t.abs().sum() > 0 for t in [kept[next(iter(kept))]])
