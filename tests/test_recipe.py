from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from autocls.errors import BadInput
from autocls.grammar import Problems
from autocls.recipe import Recipe, kind, slot_of
from autocls.tricks.architecture import Resnet18
from autocls.tricks.augmentation import Degrees
from autocls.tricks.norm import Batch, HeadBatch


def problems(text: str) -> list[str]:
    with pytest.raises(Problems) as error:
        Recipe.from_yaml(text)
    return str(error.value).splitlines()


def test_the_baseline_has_every_optional_trick_off():
    recipe = Recipe()
    optional = [name for name in Recipe.model_fields if (tricks := kind(name)) and not tricks.required]
    assert all(getattr(recipe, name) is None for name in optional)
    assert recipe == Recipe.from_yaml("")


def test_yaml_spells_every_slot_and_parameter_out():
    plain = Recipe.from_yaml("architecture: resnet18\nrotate: {degrees: 10}").plain()
    assert list(plain) == list(Recipe.model_fields)
    assert plain["rotate"] == {"degrees": {"max": 10.0}}
    assert plain["optimizer"] == {"sgd": {"lr": 0.05, "momentum": 0.9, "nesterov": True}}
    assert (plain["downsample"], plain["norm"], plain["activation"]) == ("pool", "none", "default")


def test_a_recipe_is_loaded_from_its_file(tmp_path: Path):
    recipe = Recipe(norm="batch", optimizer={"adam": {"lr": 0.002}}, epochs=4)
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    assert Recipe.load(tmp_path / "recipe.yaml") == recipe


@pytest.mark.parametrize("slot", [n for n in Recipe.model_fields if (k := kind(n)) and not k.required])
@pytest.mark.parametrize("empty", ["none", "off", "Off", "no", "false", "null", "~", ""])
def test_the_empty_choice_may_be_written_as_people_write_it(slot: str, empty: str):
    assert getattr(Recipe.from_yaml(f"{slot}: {empty}"), slot) is None


@pytest.mark.parametrize("value", [None, False, "none"])
def test_the_empty_choice_may_be_given_from_python(value: Any):
    assert Recipe(norm=value).norm is None


@pytest.mark.parametrize("slot", [n for n in Recipe.model_fields if (k := kind(n)) and k.required])
def test_what_a_recipe_needs_can_not_be_off(slot: str):
    assert problems(f"{slot}: off")[0].startswith(f"<text>:1: {slot}: no such choice 'off'")


def test_numbers_mean_what_the_writer_meant():
    recipe = Recipe.from_yaml("weight_decay: 1e-3\nepochs: 1e1\noptimizer: {sgd: {lr: 5E-2, nesterov: off}}")
    assert (recipe.weight_decay, recipe.epochs, recipe.optimizer.lr) == (0.001, 10, 0.05)
    assert recipe.optimizer.nesterov is False


@pytest.mark.parametrize("written", ["{degrees: 10}", "{degrees: {max: 10}}", "{degrees: {max: 1e1}}"])
def test_the_only_parameter_needs_no_name(written: str):
    assert Recipe.from_yaml(f"rotate: {written}").rotate == Degrees(max=10)


def test_with_several_parameters_the_name_is_needed():
    assert problems("optimizer: {sgd: 0.1}") == [
        "<text>:1: optimizer.sgd: write {sgd: {parameter: value}}; its parameters: lr, momentum, nesterov"
    ]


def test_instances_and_yaml_give_the_same_recipe():
    assert Recipe(norm=Batch(), rotate=Degrees(max=5)) == Recipe.from_yaml("norm: batch\nrotate: {degrees: {max: 5}}")


def test_all_errors_of_a_file_come_at_once_with_line_place_and_nearest_name(tmp_path: Path):
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "# mistakes\n"
        "norm: btach\n"
        "mix:\n"
        "  mixpu: {alpha: 1}\n"
        "rotate: {degrees: {maxx: 3}}\n"
        "epochs: 0\n"
        "optimizer:\n"
        "  sgd:\n"
        "    lr: fast\n"
        "    momentum: 2\n"
        "warm_up: 1\n"
    )
    with pytest.raises(Problems) as error:
        Recipe.load(path)
    lines = [line.removeprefix(f"{path}:") for line in str(error.value).splitlines()]
    assert lines[:-1] == [
        "2: norm: no such choice 'btach'; did you mean 'batch'? known: none, batch, sync_batch, layer, instance, group",
        "3: mix: no such choice 'mixpu'; did you mean 'mixup'? known: none, mixup, cutmix, ricap",
        "5: rotate.degrees.maxx: no such parameter 'maxx'; did you mean 'max'? known: max",
        "6: epochs: input should be greater than or equal to 1, not 0",
        "9: optimizer.sgd.lr: 'fast' is not a number",
        "10: optimizer.sgd.momentum: input should be less than 1, not 2.0",
    ]
    assert lines[-1].startswith("11: warm_up: no such slot 'warm_up'; did you mean 'warmup'? known: architecture, ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("norm: batch\nnorm: group", "<text>:2: norm: is written twice"),
        ("norm: [batch]", "<text>:1: norm: a list leaves the choice open: that is a space, a recipe decides"),
        ("epochs: [1, 2]", "<text>:1: epochs: ['1', '2'] leaves the value open: that is a space, a recipe decides"),
        ("norm: {batch: {}, group: {}}", "<text>:1: norm: a choice is one name, found batch, group"),
        ("epochs: 1.5", "<text>:1: epochs: 1.5 is not a whole number"),
        (
            "norm: {none: {groups: 8}}",
            "<text>:1: norm: no such choice 'none'; known: batch, sync_batch, layer, instance, group",
        ),
    ],
)
def test_what_is_no_recipe_is_refused(text: str, message: str):
    assert problems(text) == [message]


@pytest.mark.parametrize("slot", ["optimizer: {adam: {lr: inf}}", "optimizer: {adam: {lr: nan}}", "weight_decay: nan"])
def test_numbers_are_finite(slot: str):
    assert len(problems(slot)) == 1


def test_names_behind_a_door_are_checked_and_the_near_ones_said():
    assert Recipe.from_yaml("architecture: timm:resnet18.a1_in1k").architecture.choice == "timm:resnet18.a1_in1k"
    assert "did you mean 'resnet18'?" in problems("architecture: timm:resnet1")[0]
    assert "did you mean 'squeezenet1_1'?" in problems("architecture: torchvision:squeznet1_1")[0]
    assert "no such choice 'timm'" in problems("architecture: timm")[0]


def test_from_python_too_a_wrong_choice_says_the_near_one():
    with pytest.raises(ValidationError, match="did you mean 'batch'"):
        Recipe(norm="btach")


def test_a_recipe_can_not_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Recipe().epochs = 3


def test_a_missing_file_is_bad_input(tmp_path: Path):
    with pytest.raises(BadInput, match="can't be read"):
        Recipe.load(tmp_path / "missing.yaml")


def test_differences_are_told_in_short_words():
    mine = Recipe(norm="batch", optimizer={"adam": {"lr": 1 / 700}}, weight_decay=0.001)
    assert mine.differences(Recipe()) == {"norm": "batch", "optimizer": "adam(lr=0.00143)", "weight_decay": "0.001"}
    assert Recipe().differences(mine) == {
        "norm": "none",
        "optimizer": "sgd(lr=0.05, momentum=0.9, nesterov=True)",
        "weight_decay": "0",
    }


def test_choices_that_exclude_each_other_are_named():
    pretrained = Recipe(weights="hub", init="kaiming", freeze="head_first")
    assert list(pretrained.conflicts()) == ["init"]
    assert list(Recipe(freeze="head_only", warmup=9).conflicts()) == ["freeze", "warmup"]
    assert Recipe().conflicts() == {}
    assert pretrained.without(["init"]) == Recipe(weights="hub", freeze="head_first")


def test_each_trick_belongs_in_one_slot():
    assert [slot_of(trick) for trick in (Resnet18, Batch, HeadBatch)] == ["architecture", "norm", "head_norm"]
