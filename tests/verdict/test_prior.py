"""What helped where, over studies."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.verdict.file import VERDICT as FILE
from autocls.verdict.file import save
from autocls.verdict.prior import Card, Prior, Study, judged, merge
from autocls.verdict.verdict import Effect, Trick, Verdict, Word
from tests.verdict.verdicts import BARE, VERDICT

PETS = Study("reports/pets", "2026-01-02T03:04:05+00:00", "pets", "quick", 0, "accuracy", 900, 3, 3, 32, "lenet")
CARS = replace(PETS, folder="reports/cars", data="cars", architecture=None)


def trick(slot: str, choice: str, mean: float, word: Word, instead: str = "none") -> Trick:
    return Trick(slot, choice, instead, True, word, Effect(mean, mean - 0.002, mean + 0.002, 8, 0.01, 0.01), 0.02, 0)


def verdict(*tricks: Trick) -> Verdict:
    return replace(VERDICT, tricks=tricks)


def the(prior: Prior, slot: str) -> Card:
    (card,) = (card for card in prior.cards if card.slot == slot)
    return card


def test_each_choice_has_a_card_with_what_each_study_says() -> None:
    other = verdict(trick("norm", "batch", 0.02, Word.HELPS), trick("mix", "mixup(alpha=0.5)", 0.004, Word.HELPS))
    prior = merge([(PETS, VERDICT), (CARS, other)])
    assert [(card.slot, card.choice) for card in prior.cards] == [
        ("label_smoothing", "0.0893"), ("mix", "mixup"), ("norm", "batch"), ("optimizer", "adam"),
    ]  # fmt: skip
    mixup, norm = the(prior, "mix"), the(prior, "norm")
    assert (mixup.helps, mixup.hurts, norm.helps, norm.hurts) == (1, 1, 2, 0)
    assert [(f.study, f.choice, f.word) for f in mixup.findings] == [
        ("reports/pets", "mixup(alpha=0.119)", Word.HURTS), ("reports/cars", "mixup(alpha=0.5)", Word.HELPS),
    ]  # fmt: skip
    assert 0.0142 < norm.pooled.mean < 0.02
    assert norm.pooled.studies == 2


def test_a_choice_is_merged_only_with_what_was_compared_with_the_same() -> None:
    adam = [trick("optimizer", "adam(lr=0.002)", 0.01, Word.HELPS, instead) for instead in ("sgd(lr=0.1)", "adabound")]
    prior = merge([(PETS, verdict(adam[0])), (CARS, verdict(adam[1]))])
    assert [(card.choice, card.instead) for card in prior.cards] == [("adam", "adabound"), ("adam", "sgd")]


def test_effects_on_different_metrics_have_no_mean() -> None:
    prior = merge([(PETS, VERDICT), (replace(CARS, metric="macro_f1"), VERDICT)])
    assert the(prior, "norm").helps == 2
    assert the(prior, "norm").pooled.studies == 0


def test_a_slot_s_favourite_is_the_surest_then_the_one_that_helped_most() -> None:
    said = [
        (PETS, verdict(trick("mix", "ricap", 0.03, Word.HELPS), trick("erase", "cutout", 0.02, Word.HELPS))),
        (CARS, verdict(trick("mix", "mixup", 0.02, Word.HELPS), trick("erase", "cutout", -0.02, Word.HURTS))),
        (replace(CARS, folder="more", seed=1), verdict(trick("mix", "mixup", 0.02, Word.UNDETERMINED))),
    ]
    prior = merge(said)
    assert prior.favoured() == {"mix": "mixup"}, "its mean's interval is above 0; cutout helped as often as it hurt"
    assert merge(said[:1]).favoured() == {"mix": "ricap", "erase": "cutout"}


def test_favourites_are_choices_of_a_recipe() -> None:
    tricks = (trick("mix", "mixup(alpha=0.2)", 0.02, Word.HELPS), trick("warmup", "2", 0.02, Word.HELPS, "0"))
    favoured = merge([(PETS, verdict(*tricks))]).favoured()
    assert Recipe.from_plain(favoured) == Recipe(mix="mixup", warmup=2)


def test_another_setting_of_the_same_choice_is_no_favourite() -> None:
    tuned = trick("optimizer", "sgd(lr=0.3)", 0.02, Word.HELPS, "sgd(lr=0.1)")
    assert merge([(PETS, verdict(tuned))]).favoured() == {}


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    prior = merge([(PETS, VERDICT), (CARS, VERDICT)])
    file = tmp_path / "cards.yaml"
    file.write_text(prior.to_yaml(), encoding="utf-8")
    read = Prior.load(file)
    assert read.to_yaml() == prior.to_yaml()
    assert read.studies == prior.studies
    assert read.favoured() == prior.favoured() == {"norm": "batch"}
    assert max(map(len, prior.to_yaml().splitlines())) < 200


def test_nothing_found_is_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "cards.yaml"
    file.write_text(merge([(PETS, BARE)]).to_yaml())
    assert Prior.load(file).cards == ()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda text: text.replace("schema: 1", "schema: 7"), "cards.yaml:2: schema: is 7; this version"),
        (lambda text: text.replace("word: helps", "word: heals"), "cards.findings.word: input should be 'helps'"),
        (lambda text: text.replace("helps: 1", "helps: often"), "cards.helps: input should be a valid integer"),
        (lambda text: text.replace("hurts:", "harms:"), "cards.harms: no such field 'harms'; did you mean 'hurts'"),
        (lambda text: text.replace("- study: reports/pets", "- study: x"), "study: 'x' is none of the studies"),
        (lambda text: text[:-20], "cards.yaml"),
        (lambda text: "- 1\n", "cards.yaml"),
        (lambda text: "", "cards.yaml:1: schema: is missing"),
    ],
)
def test_a_malformed_file_is_bad_input_that_names_the_place(
    tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    text, file = merge([(PETS, VERDICT)]).to_yaml(), tmp_path / "cards.yaml"
    assert change(text) != text
    file.write_text(change(text))
    with pytest.raises(BadInput) as error:
        Prior.load(file)
    assert message in str(error.value)


def folder(place: Path, **summary: object) -> Path:
    """A run folder, as far as cards read it."""
    place.mkdir(parents=True)
    save(VERDICT, place / FILE)
    counts = {"train": {"cat": 30, "dog": 20}, "val": {"cat": 5, "dog": 5}, "test": {}}
    said = {"data": "pets", "space": "quick", "seed": 3, "counts": counts, "classes": ["cat", "dog"], **summary}
    (place / "summary.json").write_text(json.dumps(said))
    (place / "environment.json").write_text(json.dumps({"started": "2026-01-02T03:04:05+00:00"}))
    (place / "best_recipe.yaml").write_text("architecture:\n  lenet: {width: 2}\nimage_size: 28\n")
    return place


def test_a_study_says_what_its_data_is_like(tmp_path: Path) -> None:
    study, found = judged(folder(tmp_path / "run", channels=1))
    assert found == VERDICT
    assert study == Study(
        (tmp_path / "run").as_posix(),
        "2026-01-02T03:04:05+00:00",
        "pets",
        "quick",
        3,
        "accuracy",
        60,
        2,
        1,
        28,
        "lenet",
    )


def test_what_a_folder_does_not_say_is_not_known(tmp_path: Path) -> None:
    bare = folder(tmp_path / "run")
    (bare / "best_recipe.yaml").unlink()
    (bare / "environment.json").unlink()
    study, _ = judged(bare)
    assert (study.channels, study.image_size, study.architecture, study.started) == (None, None, None, "")


def test_a_folder_without_a_verdict_is_refused(tmp_path: Path) -> None:
    (folder(tmp_path / "run") / FILE).unlink()
    with pytest.raises(BadInput, match="holds no verdict"):
        judged(tmp_path / "run")


def test_a_broken_summary_is_bad_input_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"summary\.json: seed: input should be a valid integer"):
        judged(folder(tmp_path / "run", seed="x"))


def test_a_study_counts_once_whatever_its_folder_is_called(tmp_path: Path) -> None:
    one, copy, other = (folder(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    with pytest.raises(BadInput, match=r"b: holds the same study as .*a; it can be counted once only"):
        merge([judged(one), judged(other), judged(copy)])
    with pytest.raises(BadInput, match="counted once"):
        merge([judged(one), judged(one)])
    assert len(merge([judged(one), judged(other)]).studies) == 2
