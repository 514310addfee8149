"""A small network with and without its teacher."""

from pathlib import Path

import pytest

import autocls
from autocls.data import Prepared
from autocls.distilling import distill
from autocls.errors import BadInput
from autocls.training import artifact
from autocls.tricks.distillation import Teacher
from tests.data.helpers import two_classes

STUDENT = {
    "architecture": {"lenet": {"width": 0.5}},
    "image_size": 28,
    "epochs": 2,
    "optimizer": {"adam": {"lr": 2e-3}},
}


@pytest.fixture(autouse=True)
def cache(prepared_digits: Prepared, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AUTOCLS_CACHE", str(prepared_digits.cache))


def test_both_ways_are_trained_alike_and_the_distilled_network_is_kept(digits_model: Path, tmp_path: Path):
    told = []
    found = distill(
        digits_model, "digits", STUDENT, tmp_path / "small", seeds=2,
        watch=lambda way, seed, result: told.append((way, seed, result.epoch)),
    )  # fmt: skip
    assert told == [(way, seed, epoch) for seed in (0, 1) for way in ("alone", "distilled") for epoch in (1, 2)]
    card = autocls.load(digits_model).card
    assert found.teacher.scores == (pytest.approx(card.test_score),), "the split is the teacher's own"
    assert found.teacher.footprint.parameters > found.alone.footprint.parameters
    assert found.alone.footprint == found.distilled.footprint
    assert found.effect.n == 2
    assert found.effect.mean == pytest.approx(found.distilled.score - found.alone.score)
    kept = autocls.load(tmp_path / "small")
    assert kept.card.test_score in found.distilled.scores
    assert kept.recipe.distill == Teacher(folder=str(digits_model))


def test_the_student_alone_is_what_train_makes_of_it(digits_model: Path, tmp_path: Path):
    found = distill(digits_model, "digits", STUDENT, tmp_path / "small", seeds=1)
    assert autocls.train(STUDENT, "digits", tmp_path / "alone").card.test_score == found.alone.score


def test_how_the_student_listens_is_its_recipes(digits_model: Path, tmp_path: Path):
    listening = STUDENT | {"epochs": 1, "distill": {"best": {"temperature": 4, "weight": 0.9}}}
    distill(digits_model, "digits", listening, tmp_path / "small", seeds=1)
    taught = artifact.load(tmp_path / "small")[1].distill
    assert taught is not None
    assert (taught.temperature, taught.weight) == (4, 0.9)


def test_what_can_not_be_is_refused_before_anything_is_trained(digits_model: Path, tmp_path: Path):
    with pytest.raises(BadInput, match="knows other classes"):
        distill(digits_model, two_classes(tmp_path / "pets"), STUDENT, tmp_path / "small")
    with pytest.raises(BadInput, match="--seeds: at least 1, not 0"):
        distill(digits_model, "digits", STUDENT, tmp_path / "small", seeds=0)
    with pytest.raises(BadInput, match="holds a model already"):
        distill(digits_model, "digits", STUDENT, digits_model)
    with pytest.raises(BadInput, match="not a model folder"):
        distill(tmp_path / "nowhere", "digits", STUDENT, tmp_path / "small")
    assert not (tmp_path / "small").exists()
