"""Learning from a teacher: what it is asked, how often, and what its answers do to the loss."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autocls.data import ImageData, Prepared
from autocls.errors import BadInput, TrialFailed
from autocls.recipe import Recipe
from autocls.training import artifact, teacher
from autocls.training.batches import Tensors, evaluation
from autocls.training.inference import weights_of
from autocls.training.loop import train
from autocls.training.network import build
from autocls.training.session import Session

CPU = torch.device("cpu")


def taught_by(folder: Path, **others: object) -> Recipe:
    return Recipe(distill={"teacher": {"folder": str(folder)}}, **{"image_size": 28, **others})


def answers(folder: Path, data: ImageData) -> torch.Tensor:
    distill = taught_by(folder).distill
    assert distill is not None
    return teacher.answers(distill, data, Tensors.of(data, CPU))


@pytest.fixture(autouse=True)
def _nobody_was_asked() -> None:
    teacher._answered.clear()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of the teachers that are asked from here on."""
    folders: list[Path] = []

    def load(folder: Path) -> object:
        folders.append(folder)
        return artifact.load(folder)

    monkeypatch.setattr(teacher, "load", load)
    return folders


def test_the_answers_are_the_teacher_s_own_log_probabilities(digits_model: Path, digits: ImageData):
    logs = answers(digits_model, digits)
    model, _, _ = artifact.load(digits_model)
    with torch.no_grad():
        expected = model(next(evaluation(Tensors.of(digits, CPU), np.arange(20)))).log_softmax(1)
    torch.testing.assert_close(logs[:20], expected, atol=1e-4, rtol=1e-4)
    part = digits.split.val
    assert (logs[part].argmax(1).numpy() == digits.labels[part]).mean() > 0.9


def test_a_teacher_of_another_image_size_is_shown_its_own(digits_model: Path, prepared_digits: Prepared):
    small = prepared_digits.at(16)
    right = answers(digits_model, small)[small.split.val].argmax(1).numpy() == small.labels[small.split.val]
    assert right.mean() > 0.8


def test_a_teacher_is_asked_once_until_it_is_another(
    digits_model: Path, digits: ImageData, asked: list[Path], tmp_path
):
    first, again = (answers(digits_model, digits) for _ in range(2))
    assert first is again
    assert asked == [digits_model]
    other = shutil.copytree(digits_model, tmp_path / "other")
    answers(other, digits)
    answers(digits_model, digits)
    assert asked == [digits_model, other]
    os.utime(other / artifact.WEIGHTS, ns=(1, 1))  # trained again
    answers(other, digits)
    assert asked == [digits_model, other, other]


def test_only_the_last_few_teachers_are_remembered(digits_model: Path, digits: ImageData, asked: list[Path], tmp_path):
    for i in range(teacher.MOST_ANSWERED + 1):
        answers(shutil.copytree(digits_model, tmp_path / str(i)), digits)
    assert len(teacher._answered) == teacher.MOST_ANSWERED
    answers(tmp_path / "0", digits)
    assert [folder.name for folder in asked][-1] == "0"


def test_images_that_are_no_file_are_never_taken_for_others(digits_model: Path, digits: ImageData):
    black = replace(digits, images=np.zeros_like(digits.images))
    assert not torch.equal(
        answers(digits_model, replace(digits, images=np.array(digits.images))), answers(digits_model, black)
    )
    assert not teacher._answered


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_what_a_teacher_answers_are_its_loss_s_probabilities(loss: str, noise: ImageData, tmp_path: Path):
    recipe = Recipe(loss=loss)
    model = build(recipe, 3, 3)
    artifact.save(tmp_path, recipe, weights_of(model), artifact.ModelCard.of(noise, "accuracy", 0.5))
    with torch.no_grad():
        logits = model.eval()(next(evaluation(Tensors.of(noise, CPU), np.arange(40))))
    torch.testing.assert_close(answers(tmp_path, noise).exp(), recipe.loss.probabilities(logits))


def test_other_classes_and_channels_are_refused_with_the_reason(
    digits_model: Path, digits: ImageData, noise: ImageData
):
    with pytest.raises(BadInput, match=r"knows other classes: 0, 1, .*; the data's are a, b, c"):
        answers(digits_model, noise)
    colour = replace(digits, images=np.repeat(digits.images[:, :1], 3, axis=1))
    with pytest.raises(BadInput, match="takes 1 channels, the data have 3"):
        answers(digits_model, colour)


def test_a_folder_without_a_model_is_refused(digits: ImageData, tmp_path: Path):
    with pytest.raises(BadInput, match="nowhere: not a model folder"):
        next(train(taught_by(tmp_path / "nowhere"), digits))


def test_a_student_is_used_without_its_teacher(noise: ImageData, tmp_path: Path):
    recipe = taught_by(tmp_path / "gone", image_size=32)
    model = build(recipe, 3, 3)
    artifact.save(tmp_path, recipe, weights_of(model), artifact.ModelCard.of(noise, "accuracy", 0.5))
    assert artifact.load(tmp_path)[1] == recipe


def test_the_best_is_known_to_a_search_alone(digits: ImageData):
    with pytest.raises(TrialFailed, match="distill: best: only within a search"):
        Session(Recipe(image_size=28, distill="best"), digits, 0, CPU)


def test_soft_targets_take_part_in_the_loss_and_are_mixed_as_the_labels_are(digits_model: Path, digits: ImageData):
    plain, mixed = (Session(taught_by(digits_model, mix=m), digits, 0, CPU) for m in (None, {"mixup": 1.0}))
    index = plain.part[:8]
    own = plain.batch(index, 0.0)
    torch.testing.assert_close(own.soft, (answers(digits_model, digits)[index] / 2).softmax(1))
    batch = mixed.batch(index, 0.0)
    # Mixed rows are combinations of the plain ones; the same for labels, soft targets and images.
    shares = torch.linalg.lstsq(own.images.flatten(1).T, batch.images.flatten(1).T).solution.T
    torch.testing.assert_close(batch.targets, shares @ own.targets, atol=1e-3, rtol=0)
    torch.testing.assert_close(batch.soft, shares @ own.soft, atol=1e-3, rtol=0)
    loss = mixed.loss(batch)
    loss.backward()
    logits = mixed.model(batch.images)
    hard = mixed.recipe.loss.compute(logits, batch.targets)
    expected = 0.5 * hard + 0.5 * 4 * -(batch.soft * (logits / 2).log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(loss, expected)


def test_a_student_of_nothing_but_its_teacher_learns_digits(digits_model: Path, digits: ImageData):
    recipe = taught_by(digits_model, epochs=3, norm="batch")
    alone = recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"weight": 1.0})})
    labels = np.zeros_like(digits.labels)
    labels[digits.split.val] = digits.labels[digits.split.val]
    *_, last = train(alone, replace(digits, labels=labels))
    assert last.score > 0.85, "the labels said 0 throughout"
