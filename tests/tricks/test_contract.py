"""What every trick keeps to. A new trick is one class and one row in ``catalogue.ROWS``."""

import gc
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from autocls.domains import OneOf
from autocls.errors import NotApplicable
from autocls.probe import Bench
from autocls.recipe import Recipe, kind, slot
from autocls.training.network import build, misfits
from autocls.training.optimisation import parameter_groups
from autocls.tricks.augmentation import Augmentation
from autocls.tricks.base import Aspect, Trick, check, declared
from autocls.tricks.norm import Norm
from autocls.tricks.surgery import Surgery

from .catalogue import BENCH, ROWS, Case, cases


def slots_of(*families: type) -> tuple[str, ...]:
    return tuple(name for name in Recipe.model_fields if (k := kind(name)) and issubclass(k, families))


SURGERY, AUGMENTATION = slots_of(Surgery), slots_of(Augmentation)
SAMPLE = torch.zeros(2, 3, 32, 32)


def every(*slots: str) -> pytest.MarkDecorator:
    found = cases(*slots)
    return pytest.mark.parametrize("case", found, ids=[case.key for case in found])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(recipe: Recipe) -> nn.Module:
    torch.manual_seed(0)
    return build(recipe, 3, 3)


@every()
def test_every_trick_has_a_row(case: Case):
    assert case.key in ROWS, f'add a row to tests/tricks/catalogue.py: "{case.key}": Row(),'


def test_every_row_has_a_trick():
    assert set(ROWS) <= {case.key for case in cases()}


@every()
def test_says_what_it_does_when_it_helps_and_where_it_comes_from(case: Case):
    assert case.trick.__doc__.strip().endswith(".")
    assert case.trick.when.endswith(".")
    assert not case.trick.interactions or case.trick.interactions.endswith(".")
    assert re.search(r"\b(19|20)\d\d, \S", case.trick.paper), "paper is 'authors year, identifier'"


@every()
def test_round_trips_through_the_yaml_of_a_recipe(case: Case):
    recipe = case.recipe()
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    assert getattr(recipe, case.slot).choice in recipe.to_yaml()


@every()
def test_declared_ranges_hold_legal_values_only(case: Case):
    given = case.made.model_dump()
    for name, field in case.trick.model_fields.items():
        domain = declared(field)
        assert domain is None or domain.contains(field.default), name
        for value in (*domain.ends(), domain.middle()) if domain else ():
            assert check(field, value) == value
            assert getattr(case.trick(**{**given, name: value}), name) == value


@every()
def test_a_parameter_that_does_not_exist_is_refused(case: Case):
    given = case.made.model_dump()
    with pytest.raises(ValueError, match="no_such_parameter"):
        case.trick(**given, no_such_parameter=1)


@pytest.mark.parametrize("name", [n for n in Recipe.model_fields if kind(n) is None])
def test_ranges_of_number_slots_hold_legal_values_only(name: str):
    field = slot(name)
    for value in (*declared(field).ends(), field.default):
        assert check(field, value) == value


@every("architecture")
def test_every_weight_of_an_architecture_takes_part(case: Case):
    with torch.device("meta"):
        model = network(case.recipe())
        logits = model(torch.zeros(4, 3, 32, 32))
    assert logits.shape == (4, 3)
    logits.sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@every(*SURGERY, "init")
def test_networks_give_logits_and_finite_gradients(case: Case):
    model = network(case.recipe()).train()
    logits = model(torch.randn(4, 3, 32, 32, generator=seeded()))
    assert logits.shape == (4, 3)
    logits.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, f"{name} takes no part"
        assert parameter.grad.isfinite().all(), name


@every(*SURGERY)
def test_surgery_says_so_where_it_has_no_place(case: Case):
    bare = nn.Sequential(nn.Flatten(), nn.ReLU() if case.choice == "relu" else nn.Identity())
    trick = case.made
    assert isinstance(trick, Surgery)
    with pytest.raises(NotApplicable, match=f"^{case.choice}: not applicable: Sequential has no {trick.place}$"):
        trick.apply(bare, SAMPLE)


@every(*SURGERY, "progressive")
def test_misfits_are_known_before_the_network_is_built(case: Case):
    assert misfits(case.recipe(), 3, 3) == {}
    if case.row.not_on:
        recipe = case.recipe(architecture=case.row.not_on)
        assert list(misfits(recipe, 3, 3)) == [case.slot]
        if case.slot in SURGERY:
            with pytest.raises(NotApplicable, match=f"^{case.choice}: not applicable"):
                network(recipe)


@every("init")
def test_initialisations_draw_weights_of_their_own(case: Case):
    drawn, default = (network(case.recipe(init=i)).state_dict() for i in (case.written, None))
    assert any(not torch.equal(drawn[name], default[name]) for name in drawn)
    with pytest.raises(NotApplicable, match=f"^{case.choice}: not applicable: Flatten has no"):
        case.made.apply(nn.Flatten())


@every(*AUGMENTATION)
@pytest.mark.parametrize("shape", [(16, 3, 20, 20), (16, 1, 20, 20), (16, 3, 12, 20)], ids=["colour", "grey", "wide"])
def test_augmentations_keep_shape_and_range_and_change_the_batch(case: Case, shape: tuple[int, ...]):
    images = torch.rand(shape, generator=seeded(1))
    if shape[1] == 1 and case.row.not_on == "grey":
        with pytest.raises(NotApplicable, match=f"^{case.choice}: not applicable: images have 1 channel"):
            case.made.apply(images, seeded())
        return
    before = images.clone()
    changed = case.made.apply(images, seeded())
    assert torch.equal(images, before), "the batch that was given is left as it was"
    assert (changed.shape, changed.dtype) == (images.shape, images.dtype)
    assert 0 <= changed.min() <= changed.max() <= 1 + 1e-6
    assert not torch.equal(changed, images)


@every(*AUGMENTATION)
def test_augmentations_depend_on_the_generator_alone(case: Case):
    images, trick = torch.rand(16, 3, 20, 20, generator=seeded(1)), case.made
    first, again, other = (trick.apply(images, seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@every(*AUGMENTATION)
def test_augmentations_draw_for_each_image(case: Case):
    one = torch.rand(1, 3, 20, 20, generator=seeded(1))
    changed = case.made.apply(one.repeat(16, 1, 1, 1), seeded())
    assert any(not torch.equal(changed[0], image) for image in changed[1:])


@every("mix")
def test_mixing_keeps_images_and_targets_well_formed(case: Case):
    images, targets = torch.rand(16, 3, 20, 20, generator=seeded(1)), torch.eye(4).repeat(4, 1)
    trick = case.made
    (first, mixed), (again, _), (other, _) = (trick.apply(images, targets, seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert (first.shape, first.dtype, mixed.shape) == (images.shape, images.dtype, targets.shape)
    assert 0 <= first.min() <= first.max() <= 1
    assert not torch.equal(mixed, targets)
    torch.testing.assert_close(mixed.sum(1), torch.ones(16))


@every("mix")
def test_mixing_gives_each_label_of_a_picture_the_share_of_its_images_that_have_it(case: Case):
    images, whose = torch.rand(16, 3, 20, 20, generator=seeded(1)), torch.eye(16)
    hot = (torch.rand(16, 5, generator=seeded(2)) < 0.4).float()
    _, shares = case.made.apply(images, whose, seeded())
    _, mixed = case.made.apply(images, hot, seeded())
    torch.testing.assert_close(mixed, shares @ hot)
    assert 0 <= mixed.min() <= mixed.max() <= 1 + 1e-6


@every("loss")
def test_losses_reward_better_logits(case: Case):
    loss = case.made
    targets = torch.eye(3)
    right, wrong = torch.eye(3).requires_grad_(), torch.eye(3).roll(1, 0).requires_grad_()
    good, bad = loss.compute(right, targets), loss.compute(wrong, targets)
    assert good.shape == ()
    assert good < bad
    bad.backward()
    assert wrong.grad.isfinite().all()
    assert wrong.grad.any()
    downhill = loss.compute((wrong - 0.1 * wrong.grad).detach(), targets)
    assert downhill < bad


@every("loss")
def test_losses_that_fit_any_number_of_labels_reward_better_logits_and_leave_the_others_alone(case: Case):
    if case.trick.one_label:
        pytest.skip(case.trick.one_label)
    targets = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    right, wrong = (2 * targets - 1).requires_grad_(), (1 - 2 * targets).requires_grad_()
    assert case.made.compute(right, targets) < case.made.compute(wrong, targets)
    case.made.compute(wrong, targets).backward()
    assert (wrong.grad[targets == 1] < 0).all()
    assert (wrong.grad[targets == 0] > 0).all()
    alone = torch.tensor([[0.3, 0.0, 0.0]], requires_grad=True)
    case.made.compute(alone, torch.tensor([[0.0, 1.0, 0.0]])).backward()
    other = torch.tensor([[0.3, 5.0, -5.0]], requires_grad=True)
    case.made.compute(other, torch.tensor([[0.0, 1.0, 0.0]])).backward()
    assert alone.grad[0, 0] == other.grad[0, 0], "what is said of a label doesn't depend on the others"


@every()
def test_a_trick_for_one_label_each_says_why_and_is_refused_for_any_number(case: Case):
    reasons = case.recipe(loss="bce" if case.slot != "loss" else case.written).unfit(multilabel=True)
    assert list(reasons) == ([case.slot] if case.trick.one_label else [])
    assert case.recipe().unfit(multilabel=False) == {}
    if case.trick.one_label:
        assert reasons[case.slot].startswith(
            f"{case.choice}: not applicable: the images have any number of labels, and"
        )


@every("loss")
def test_losses_read_logits_as_probabilities(case: Case):
    loss = case.made
    logits = torch.tensor([[2.0, 0.5, -1.0], [-3.0, -2.0, -1.0], [0.0, 0.0, 0.0]])
    probabilities = loss.probabilities(logits)
    assert (probabilities >= 0).all()
    torch.testing.assert_close(probabilities.sum(1), torch.ones(3))
    assert probabilities[0].argmax() == 0


@every("optimizer")
def test_optimizers_go_downhill_at_the_rate_they_are_given(case: Case):
    trick = case.made
    weight = nn.Parameter(torch.tensor([[3.0, -2.0]]))
    bias = nn.Parameter(torch.tensor([1.0]))
    optimizer = trick.build(parameter_groups(nn.ParameterList([weight, bias]), weight_decay=0.01))
    assert [group["lr"] for group in optimizer.param_groups] == [trick.lr, trick.lr]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.01, 0.0]
    before = weight.square().sum() + bias.square().sum()
    before.backward()
    optimizer.step()
    assert weight.square().sum() + bias.square().sum() < before


@every("schedule")
def test_schedules_stay_within_the_full_rate_and_end_below_it(case: Case):
    schedule = case.made
    scores = [0.5, 0.6, 0.6, 0.6, 0.6, 0.7, 0.6, 0.6, 0.6]
    factors = [schedule.factor(done / len(scores), scores[:done]) for done in range(len(scores) + 1)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert max(factors) > 0.9
    assert factors[-1] < 1


@every("lr_scaling")
def test_rate_scaling_grows_with_the_batch(case: Case):
    scaling = case.made
    assert 0 < scaling.factor(32) < scaling.factor(64)


@every("averaging")
def test_averages_follow_the_weights_from_behind(case: Case):
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = case.made.follow(model, 200)
    seen = []
    for step in range(1, 201):
        nn.init.constant_(model.weight, 1.0 if step > 150 else 0.0)
        average.update(model)
        seen.append(average.module.weight.item())
    assert seen[149] == 0 < seen[150] < 0.9
    assert sorted(seen) == seen


@every("tta")
def test_views_hold_the_image_and_others_like_it(case: Case):
    images = torch.rand(2, 3, 9, 12, generator=seeded())
    first, *others = case.made.views(images)
    assert torch.equal(first, images)
    assert others
    assert all(view.shape == images.shape and not torch.equal(view, images) for view in others)


# Liveness: with a choice made, something about a run is different; what, is the trick's own declaration.


def runs(case: Case, *tricks: Trick | None) -> list[str]:
    """Digests of the case's aspect with these tricks in its slot."""
    return [BENCH.observe(case.recipe(**{case.slot: trick}), case.trick.shows_in) for trick in tricks]


@every()
def test_liveness(case: Case):
    others = [None]
    if case.trick.required:
        others = [other.made for other in cases(case.slot) if other.key != case.key]
    mine, *theirs = runs(case, case.made, *others)
    assert mine not in theirs, f"{case.trick.shows_in.value} are the same without it"


@every()
def test_what_is_observed_can_be_repeated(case: Case, tmp_path: Path):
    if case.trick.shows_in is not Aspect.GRAPH:
        anew = Bench(tmp_path).observe(case.recipe(), case.trick.shows_in)
        assert anew == BENCH.observe(case.recipe(), case.trick.shows_in)


NUMBERS = {
    "image_size": (28, Aspect.BATCH),
    "layer_decay": (0.7, Aspect.GROUPS),
    "weight_decay": (0.01, Aspect.GROUPS),
    "label_smoothing": (0.1, Aspect.BATCH),
    "warmup": (1, Aspect.RATES),
    "batch_size": (4, Aspect.BATCH),
    "epochs": (2, Aspect.RATES),
}


@pytest.mark.parametrize("name", [n for n in Recipe.model_fields if kind(n) is None])
def test_liveness_of_number_slots(name: str):
    assert name in NUMBERS, f"add to NUMBERS a value of '{name}' other than the baseline's, and where it shows"
    value, shows_in = NUMBERS[name]
    base = Recipe(batch_size=8, epochs=3)
    assert BENCH.observe(base, shows_in) != BENCH.observe(base.model_copy(update={name: value}), shows_in)


def searched() -> list[Any]:
    return [
        pytest.param(case, name, domain.ends(), id=f"{case.key}.{name}")
        for case in cases()
        for name, field in case.trick.model_fields.items()
        if (domain := OneOf(False, True) if field.annotation is bool else declared(field))
    ]


@pytest.mark.parametrize(("case", "name", "values"), searched())
def test_liveness_of_parameters(case: Case, name: str, values: tuple[Any, ...]):
    low, high = runs(case, *(case.made.model_copy(update={name: value}) for value in (values[0], values[-1])))
    assert low != high


@pytest.mark.parametrize("qualified_name", ["Batch", "elsewhere.Batch"])
def test_two_choices_of_a_kind_with_one_name_are_refused(qualified_name: str):
    def declare() -> None:
        class Batch(Norm):
            """A second choice called batch, in another module than the first."""

            __qualname__ = qualified_name

            def layer(self, channels: int) -> nn.Module:
                return nn.BatchNorm2d(channels)

    try:
        with pytest.raises(TypeError, match="norm has a 'batch' already"):
            declare()
    finally:
        gc.collect()
    assert Norm.choices()["batch"].__module__ == "autocls.tricks.norm"
