"""Training on images with any number of labels."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autocls.data import ImageData
from autocls.deploy.answering import Answering
from autocls.errors import BadInput, NotApplicable
from autocls.recipe import Recipe
from autocls.training.artifact import CARD, ModelCard, load, save
from autocls.training.inference import examine, weights_of
from autocls.training.loop import train
from autocls.training.network import build
from autocls.training.session import Session
from autocls.training.teacher import load_teacher

RECIPE = Recipe(loss="bce", batch_size=8, epochs=2)


@pytest.fixture
def several(noise: ImageData) -> ImageData:
    """The noise, each image with any number of three labels."""
    return replace(noise, labels=np.random.default_rng(0).random((40, 3)) < 0.4)


def session(recipe: Recipe, data: ImageData) -> Session:
    return Session(recipe, data, 0, torch.device("cpu"))


def test_a_batch_has_the_labels_of_its_images_as_targets(several: ImageData):
    index = torch.tensor([3, 1, 17])
    targets = session(RECIPE, several).batch(index, 0.0).targets
    torch.testing.assert_close(targets, torch.from_numpy(several.labels[index]).float())
    smooth = session(RECIPE.model_copy(update={"label_smoothing": 0.1}), several).batch(index, 0.0).targets
    torch.testing.assert_close(smooth, targets * 0.9 + 0.05)


@pytest.mark.parametrize("mix", ["mixup", "cutmix", "ricap"])
def test_mixed_batches_have_shares_of_labels(several: ImageData, mix: str):
    made = session(Recipe(loss="bce", batch_size=8, epochs=1, mix=mix), several)
    targets = torch.cat([made.batch(index, 0.0).targets for index in made.order()])
    assert 0 <= targets.min() <= targets.max() <= 1 + 1e-6
    assert ((targets > 0.01) & (targets < 0.99)).any()
    assert (targets.sum(1) > 1.01).any()


@pytest.mark.parametrize("trick", [{"loss": "cross_entropy"}, {"loss": "mse"}, {"loss": "focal"},
                                   {"sampling": "balanced"}, {"distill": "best"}], ids=str)  # fmt: skip
def test_what_makes_no_sense_is_refused(several: ImageData, trick: dict[str, str]):
    (name,) = trick.values()
    with pytest.raises(NotApplicable, match=f"^{name}: not applicable: the images have any number of labels, and "):
        session(Recipe(**{"loss": "bce", **trick}), several)


@pytest.mark.parametrize("loss", ["bce", "asymmetric"])
def test_epochs_are_scored_by_map_unless_it_is_said_otherwise(several: ImageData, loss: str):
    recipe = Recipe(loss=loss, batch_size=8, epochs=1)
    default, by_map, f1 = (next(train(recipe, several, metric=metric)).score for metric in (None, "map", "macro_f1"))
    assert default == by_map != f1
    with pytest.raises(BadInput, match="no such metric 'accuracy'"):
        next(train(recipe, several, metric="accuracy"))


def test_a_state_goes_on_as_if_nothing_had_happened(several: ImageData):
    whole = [result.score for result in train(RECIPE, several)]
    first = next(train(RECIPE, several))
    assert [result.score for result in train(RECIPE, several, state=first.state())] == whole[1:]


def test_answers_are_sigmoids_and_a_model_that_is_used_reads_their_logits(several: ImageData, tmp_path: Path):
    model = build(RECIPE, 3, 3)
    said = examine(RECIPE, model, several, several.split.val, "map")
    assert said.probabilities.shape == (8, 3)
    assert not np.allclose(said.probabilities.sum(axis=1), 1)
    card = ModelCard.of(several, "map", said.score)
    assert card.thresholds == (0.5, 0.5, 0.5)
    fitted = card.fitted(said.probabilities, several.labels[several.split.val])
    save(tmp_path, RECIPE, weights_of(model), fitted)
    loaded, recipe, again = load(tmp_path)
    assert again == fitted
    pixels = torch.from_numpy(several.images[several.split.val])
    with torch.no_grad():
        used = Answering(loaded, recipe, again)(pixels)
    odds = (np.log(said.probabilities / (1 - said.probabilities)) + fitted.shift) / fitted.temperature
    np.testing.assert_allclose(used.numpy(), 1 / (1 + np.exp(-odds)), atol=1e-4)


@pytest.mark.parametrize("thresholds", [[0.5], [0.5, 0.5, 1.5], [0.5, 0.5, "a"]])
def test_a_card_with_wrong_thresholds_is_bad_input(several: ImageData, tmp_path: Path, thresholds: list[object]):
    save(tmp_path, RECIPE, weights_of(build(RECIPE, 3, 3)), ModelCard.of(several, "map", 0.5))
    card = json.loads((tmp_path / CARD).read_text())
    (tmp_path / CARD).write_text(json.dumps({**card, "thresholds": thresholds}))
    with pytest.raises(BadInput, match="thresholds"):
        load(tmp_path)


def test_a_multi_label_teacher_teaches_no_single_label_student(several: ImageData, tmp_path: Path):
    save(tmp_path, RECIPE, weights_of(build(RECIPE, 3, 3)), ModelCard.of(several, "map", 0.5))
    with pytest.raises(BadInput, match="gives images any number of labels"):
        load_teacher(tmp_path, several.classes, 3)
