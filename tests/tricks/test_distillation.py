from pathlib import Path

import pytest
import torch

from autocls.recipe import Recipe
from autocls.space import Space
from autocls.tricks.distillation import Best, Teacher

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.2, 0.3, 0.5]])
TEACHER = torch.tensor([[1.0, 1.0, -3.0], [0.0, 2.0, 0.5]])


@pytest.mark.parametrize("weight", [0.3, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_loss_is_hinton_s(temperature: float, weight: float):
    distill = Teacher(folder="model", temperature=temperature, weight=weight)
    soft, hard = distill.soft(TEACHER.log_softmax(1)), torch.tensor(0.7)
    torch.testing.assert_close(soft, (TEACHER / temperature).softmax(1))
    surprise = -(soft * (LOGITS / temperature).log_softmax(1)).sum(1).mean()
    expected = (1 - weight) * hard + weight * temperature**2 * surprise
    torch.testing.assert_close(distill.compute(hard, LOGITS, soft), expected)


def test_the_gradient_is_nothing_once_student_and_teacher_agree():
    distill = Teacher(folder="model", temperature=2.0, weight=1.0)
    logits = TEACHER.clone().requires_grad_()
    distill.compute(torch.tensor(0.0), logits, distill.soft(TEACHER)).backward()
    torch.testing.assert_close(logits.grad, torch.zeros_like(logits), atol=1e-6, rtol=0)


def test_t_squared_keeps_the_gradient_s_size():
    def size(temperature: float) -> float:
        distill = Teacher(folder="model", temperature=temperature, weight=1.0)
        logits = LOGITS.clone().requires_grad_()
        distill.compute(torch.tensor(0.0), logits, distill.soft(TEACHER)).backward()
        return logits.grad.norm().item()

    assert size(100.0) == pytest.approx(size(50.0), rel=0.05)


def test_a_folder_is_absolute_once_it_is_read(elsewhere: Path):
    expected = str(elsewhere / "model")
    for recipe in (
        Recipe.from_yaml("distill: {teacher: {folder: model}}"),
        Recipe(distill=Teacher(folder="model")),
        Space.from_yaml("distill: {teacher: {folder: model, weight: [0.5, 1]}}").baseline(),
        *Space.from_yaml("distill: [none, teacher: model]\nsuggestions: [{distill: {teacher: model}}]").suggestions,
    ):
        assert recipe.distill.folder == expected
        assert Recipe.from_yaml(recipe.to_yaml()) == recipe


def test_the_best_becomes_a_teacher_with_the_same_parameters():
    best = Best(temperature=4.0, weight=0.9)
    assert best.taught_by(Path("/run/teachers/3")) == Teacher(folder="/run/teachers/3", temperature=4.0, weight=0.9)
