from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autocls.domains import Domain, Int, OneOf, Uniform, Value
from autocls.errors import BadInput
from autocls.grammar import Problems
from autocls.options import Ask
from autocls.recipe import Recipe, kind
from autocls.shipped import find, shipped
from autocls.space import Space

EVERYTHING = Space.from_plain(dict.fromkeys(Recipe.model_fields, "any"))
SPACES = {**{name: Space.load(name) for name in shipped()}, "everything": EVERYTHING}


def every_space() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def chance(data: st.DataObject) -> Ask:
    """Answers every question of a space with any value of the domain."""

    def ask(name: str, domain: Domain) -> Value:
        match domain:
            case OneOf():
                values = st.sampled_from(domain.values)
            case Int():
                values = st.integers(domain.low, domain.high)
            case _:
                values = st.floats(domain.low, domain.high)
        return data.draw(values, label=name)

    return ask


def middle(name: str, domain: Domain) -> Value:
    return domain.middle()


def problems(text: str) -> list[str]:
    with pytest.raises(Problems) as error:
        Space.from_yaml(text)
    return str(error.value).splitlines()


@every_space()
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_recipe_of_a_space_round_trips_and_lies_in_it(space: Space, data: st.DataObject):
    recipe = space.suggest(chance(data))
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    answers = space.parameters(recipe)
    assert space.suggest(lambda name, domain: answers[name]) == recipe
    assert space.complete(recipe.plain()) == recipe


@every_space()
def test_a_space_round_trips_through_yaml(space: Space):
    assert Space.from_yaml(space.to_yaml()) == space


@every_space()
def test_the_baseline_lies_in_the_space(space: Space):
    assert space.suggest(lambda name, domain: space.parameters(space.baseline())[name]) == space.baseline()


@every_space()
def test_questions_have_stable_names_and_domains(space: Space):
    """Optuna refuses a name whose choices change."""
    seen: dict[str, Domain] = {}

    def ask(name: str, domain: Domain) -> Value:
        assert seen.setdefault(name, domain) == domain
        return domain.ends()[len(seen) % len(domain.ends())]

    for _ in range(20):
        space.suggest(ask)


def test_shipped_spaces_say_what_they_are_for_and_start_from_suggestions():
    for name in shipped():
        space = Space.load(name)
        assert space.about.endswith(".")
        assert space.suggestions
        assert space.open_slots()


def test_any_opens_every_choice_that_needs_no_name_and_the_neutral_one():
    everything = {
        name: [option.name for option in EVERYTHING.slots[name]] for name in Recipe.model_fields if kind(name)
    }
    assert everything["norm"] == ["none", "batch", "sync_batch", "layer", "instance", "group"]
    assert everything["downsample"] == ["pool", "stride"]
    assert everything["weights"] == ["none", "hub"], "a file must be named"
    assert everything["loss"] == ["cross_entropy", "mse", "bce", "focal", "asymmetric"]
    assert not any(name.endswith(":") for names in everything.values() for name in names)


def test_the_baseline_has_every_trick_off():
    assert Space.from_yaml("norm: any\nmix: [mixup, none]\noptimizer: any").baseline() == Recipe()
    assert EVERYTHING.baseline().differences(Recipe()) == {"weight_decay": "0.000316"}, "a log range can't hold 0"


def test_where_the_baseline_is_not_in_the_space_it_is_as_near_as_can_be():
    space = Space.from_yaml("norm: [group, batch]\noptimizer: {sgd: {lr: {log: [0.1, 0.4]}}}\nepochs: {int: [20, 30]}")
    baseline = space.baseline()
    assert (baseline.norm.choice, baseline.norm.groups, baseline.epochs) == ("group", 32, 25)
    assert (baseline.optimizer.lr, baseline.optimizer.momentum) == (pytest.approx(0.2), 0.9)


def test_questions_are_nested_so_that_a_parameter_is_asked_only_where_it_exists():
    space = Space.from_yaml("optimizer: [sgd, adam]")
    asked: dict[str, dict[str, Domain]] = {"sgd": {}, "adam": {}}
    for choice, questions in asked.items():

        def ask(name: str, domain: Domain, choice: str = choice, questions: dict[str, Domain] = questions) -> Value:
            questions[name] = domain
            return choice if name == "optimizer" else domain.middle()

        assert space.suggest(ask).optimizer.choice == choice
    assert list(asked["sgd"]) == ["optimizer", "optimizer.sgd.lr", "optimizer.sgd.momentum"]
    assert list(asked["adam"]) == ["optimizer", "optimizer.adam.lr"]


def test_what_is_decided_is_not_asked():
    space = Space.from_yaml("optimizer: {sgd: {lr: 1e-2, momentum: 0.9}}\nnorm: batch\nmix: off\nepochs: 3")
    assert space.open_slots() == []
    assert space.suggest(middle) == Recipe(optimizer={"sgd": {"lr": 0.01}}, norm="batch", epochs=3)


def test_a_bare_name_brings_its_own_ranges_and_the_shorthand_works():
    space = Space.from_yaml("rotate: [off, degrees]\ncrop: [no, {shift: {int: [2, 3]}}]\nnorm: [~, {group: [8, 16]}]")
    assert space.slots["rotate"][1].open == {"max": Uniform(5, 30)}
    assert space.slots["crop"][1].open == {"padding": Int(2, 3)}
    assert space.slots["norm"][1].open == {"groups": OneOf(8, 16)}
    assert [space.slots[slot][0].name for slot in ("rotate", "crop", "norm")] == ["none"] * 3


def test_a_list_of_booleans_is_searched():
    space = Space.from_yaml("optimizer: {sgd: {nesterov: [true, false]}}")
    recipe = space.suggest(middle)
    assert space.parameters(recipe)["optimizer.sgd.nesterov"] is True


def test_networks_behind_a_door_can_be_chosen_among():
    space = Space.from_yaml("architecture: [lenet, 'timm:resnet18.a1_in1k', 'torchvision:squeezenet1_1']")
    recipe = space.suggest(lambda name, domain: domain.ends()[1])
    assert recipe.architecture.choice == "timm:resnet18.a1_in1k"
    assert space.parameters(recipe) == {"architecture": "timm:resnet18.a1_in1k"}
    assert Space.from_yaml(space.to_yaml()) == space


def test_all_errors_of_a_file_come_at_once_with_their_lines(tmp_path: Path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "norm: [none, batch, gruop]\n"
        "activation: relo\n"
        "optimizer:\n"
        "  - sgd: {lr: {log: [0, 0.1]}, momentum: {uniform: [0.5, 3]}}\n"
        "  - adam: {momentum: 0.9}\n"
        "batch_size: [1, 64]\n"
        "epochs: {uniform: [1, 3]}\n"
        "erasee: cutout\n"
    )
    with pytest.raises(Problems) as error:
        Space.load(path)
    lines = sorted(line.removeprefix(f"{path}:") for line in str(error.value).splitlines())
    assert lines[:-1] == [
        "1: norm: no such choice 'gruop'; did you mean 'group'? known: none, batch, sync_batch, layer, instance, group",
        "2: activation: no such choice 'relo'; did you mean 'relu'? known: default, "
        "relu, relu6, leaky_relu, prelu, rrelu, elu, selu, gelu, silu, mish, hardswish, sigmoid, tanh",
        "4: optimizer.sgd.lr: a log range needs 0 < a, not 0",
        "4: optimizer.sgd.momentum: input should be less than 1, not 3.0",
        "5: optimizer.adam.momentum: no such parameter 'momentum'; known: lr",
        "6: batch_size: input should be greater than or equal to 2, not 1",
        "7: epochs: this is a whole number: write {int: ['1', '3']}",
    ]
    assert lines[-1].startswith("8: erasee: no such slot 'erasee'; did you mean 'erase'? known: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("norm: [batch, none, batch]", "norm: 'batch' stands twice: list its parameter's values instead"),
        ("norm: [none, any]", "norm: 'none' stands twice: list its parameter's values instead"),
        ("norm: [off, none]", "norm: 'none' stands twice: list its parameter's values instead"),
        ("batch_size: [32, 64, 32]", "batch_size: a value stands twice in [32, 64, 32]"),
        ("norm: []", "norm: an empty list leaves nothing to choose"),
        ("batch_size: []", "batch_size: an empty list leaves nothing to choose"),
        ("suggestions: {norm: batch}", "suggestions: expected a list of partial recipes"),
        ("norm: [none, batch]\nnorm: any", "norm: is written twice"),
    ],
)
def test_what_is_no_space_is_refused(text: str, message: str):
    assert [line.split(": ", 1)[1] for line in problems(text)] == [message]


def test_suggestions_are_completed_by_the_baseline():
    space = Space.from_yaml("norm: [none, batch]\nschedule: any\nsuggestions: [{norm: batch}, {schedule: cosine}]")
    assert space.suggestions == (Recipe(norm="batch"), Recipe(schedule="cosine"))


@pytest.mark.parametrize(
    ("slots", "suggestion", "message"),
    [
        ("norm: [none, batch]", "norm: group", "norm = group is not in this space: ['none', 'batch']"),
        ("norm: batch", "norm: none", "none is not in this space, which has batch here"),
        ("epochs: {int: [3, 9]}", "epochs: 10", "epochs = 10 is not in this space: {'int': [3, 9]}"),
        ("optimizer: sgd", "optimizer: {sgd: {lr: 0.9}}", "optimizer.sgd.lr = 0.9 is not in this space: "),
        ("optimizer: sgd", "optimizer: {adam: {lr: 0.02}}", "is not in this space"),
        ("rotate: degrees", "rotate: none", "is not in this space"),
        ("epochs: 3", "epoch: 3", "no such slot 'epoch'; did you mean 'epochs'?"),
    ],
)
def test_suggestions_outside_the_space_are_refused_with_their_line(slots: str, suggestion: str, message: str):
    (line,) = problems(f"{slots}\nsuggestions:\n  - {{}}\n  - {{{suggestion}}}\n")
    assert line.startswith(f"<text>:4: suggestions.{suggestion.split(':')[0]}: ")
    assert message in line


def test_a_suggestion_that_is_no_partial_recipe_is_refused():
    assert problems("suggestions:\n  - lenet")[0].startswith("<text>:2: suggestions: ")


def test_a_recipe_of_another_space_is_not_in_this_one():
    space = Space.from_yaml("norm: [none, batch]")
    with pytest.raises(Problems, match=r"flip: .* is not in this space, which has none here"):
        space.parameters(Recipe(flip="horizontal"))


def test_the_number_of_epochs_can_be_decided_from_outside():
    space = Space.from_yaml("norm: [none, batch]\nepochs: {int: [3, 9]}\nsuggestions: [{norm: batch}]")
    assert space.most_epochs() == 9
    short = space.with_epochs(2)
    assert (short.most_epochs(), short.suggestions) == (2, (Recipe(norm="batch", epochs=2),))
    with pytest.raises(Problems, match="greater than or equal to 1, not 0"):
        space.with_epochs(0)


@pytest.mark.parametrize(("written", "sizes"), [("28", [28]), ("[28, 64]", [28, 64]), ("{int: [28, 64]}", [])])
def test_sizes_are_those_that_are_listed(written: str, sizes: list[int]):
    assert Space.from_yaml(f"image_size: {written}").sizes() == sizes


def test_a_space_is_found_by_name_or_path(tmp_path: Path):
    path = tmp_path / "own.yaml"
    path.write_text("norm: any\n")
    assert find("quick") == shipped()["quick"]
    assert find(path) == path
    for name, message in [("quik", "did you mean 'quick'"), (tmp_path / "x.yaml", "no such file; shipped spaces: ")]:
        with pytest.raises(BadInput, match=message):
            find(name)


def test_numbers_may_be_written_with_an_exponent():
    space = Space.from_yaml("weight_decay: {log: [1e-5, 1e-3]}\noptimizer: {adam: {lr: [1e-3, 1e-2]}}")
    answers: dict[str, Any] = space.parameters(space.baseline())
    assert answers == {"weight_decay": pytest.approx(1e-4), "optimizer.adam.lr": 1e-3}


def test_a_parameter_that_must_be_given_may_be_open(tmp_path: Path):
    files = [tmp_path / "a.pt", tmp_path / "b.pt"]
    for file in files:
        file.touch()
    space = Space.from_plain({"weights": {"file": {"path": [str(file) for file in files]}}})
    assert space.open_slots() == ["weights"]
    with pytest.raises(Problems, match=r"file needs its path: write \{file: \{path: …\}\}"):
        Space.from_yaml("weights: [none, file]")


def test_for_images_of_one_class_each_a_space_stays_as_it_is():
    assert EVERYTHING.fit_for(multilabel=False) == (EVERYTHING, [])


def test_for_any_number_of_labels_a_space_loses_what_makes_no_sense_there():
    left, why = EVERYTHING.fit_for(multilabel=True)
    assert [option.name for option in left.slots["loss"]] == ["bce", "asymmetric"]
    assert [option.name for option in left.slots["sampling"]] == ["none"]
    assert left.baseline().unfit(multilabel=True) == {}
    assert left.baseline().loss.choice == "bce"
    assert [reason.partition(",")[0] for reason in why] == [
        "sampling: balanced", "loss: cross_entropy", "loss: mse", "loss: focal", "class_weights: inverse",
        "class_weights: effective_number", "distill: best",
    ]  # fmt: skip
    assert left.slots["norm"] == EVERYTHING.slots["norm"]
    assert left.fit_for(multilabel=True) == (left, [])


def test_a_space_that_leaves_no_loss_gets_one_and_its_suggestions_too():
    space = Space.from_yaml("norm: [none, batch]\nsuggestions: [{norm: batch}]")
    left, why = space.fit_for(multilabel=True)
    assert [option.name for option in left.slots["loss"]] == ["bce"]
    assert why == [
        "loss: cross_entropy, as the images have any number of labels, and it shares one label among the classes; "
        "it is bce instead"
    ]
    (suggestion,) = left.suggestions
    assert (suggestion.loss.choice, suggestion.norm.choice) == ("bce", "batch")
    assert left.parameters(suggestion) == {"norm": "batch"}
