"""What every trick promises. A new trick adds one row to ``ROWS``: a recipe in which it has a place."""

import inspect
from typing import Any

import pytest
import torch
from torch import nn

from autocls.domains import Domain
from autocls.errors import NotApplicable
from autocls.recipe import Recipe, kind
from autocls.training.batches import Tensors, augmented
from autocls.training.loop import parameter_groups, rate_factor
from autocls.training.network import build
from autocls.tricks.architecture import Architecture
from autocls.tricks.base import Trick, check

ROWS: dict[tuple[str, str], dict[str, Any]] = {
    ("architecture", "lenet"): {"architecture": "squeezenet"},
    ("architecture", "resnet18"): {},
    ("architecture", "mobilenet_v2"): {},
    ("architecture", "shufflenet_v2"): {},
    ("architecture", "squeezenet"): {},
    ("architecture", "timm:"): {"architecture": "timm:resnet10t"},
    ("architecture", "torchvision:"): {"architecture": "torchvision:mnasnet0_5"},
    ("downsample", "stride"): {},
    ("norm", "batch"): {},
    ("norm", "group"): {},
    ("activation", "relu"): {"architecture": "mobilenet_v2"},
    ("activation", "elu"): {},
    ("activation", "leaky_relu"): {},
    ("activation", "prelu"): {},
    ("activation", "tanh"): {},
    ("head_norm", "batch"): {},
    ("init", "kaiming"): {},
    ("init", "xavier"): {},
    ("flip", "horizontal"): {},
    ("rotate", "degrees"): {},
    ("crop", "shift"): {},
    ("color", "jitter"): {},
    ("erase", "cutout"): {},
    ("mix", "mixup"): {},
    ("loss", "cross_entropy"): {"loss": "mse"},
    ("loss", "mse"): {},
    ("optimizer", "sgd"): {"optimizer": "adam"},
    ("optimizer", "adam"): {},
    ("optimizer", "adabound"): {},
    ("schedule", "cosine"): {},
    ("schedule", "plateau"): {},
    ("lr_scaling", "linear"): {"batch_size": 32},
    ("ema", "decay"): {},
}
"""Slot and choice → the rest of the recipe, and (for a slot without an empty choice) the choice to differ from."""

TRICKS = {
    (slot, name): trick for slot in Recipe.model_fields if (k := kind(slot)) for name, trick in k.choices().items()
}
SURGERY = ("downsample", "norm", "activation", "head_norm")
every_trick = pytest.mark.parametrize("slot, name", TRICKS, ids=["-".join(t) for t in TRICKS])


def recipes(slot: str, name: str) -> tuple[Recipe, Recipe]:
    """The recipe with the trick, and the one without it."""
    row = ROWS[slot, name]
    choice = row.get(slot, name) if name.endswith(":") else name
    others = {k: v for k, v in row.items() if k != slot}
    return Recipe(**others, **{slot: choice}), Recipe(
        **others, **({slot: row[slot]} if slot in row and choice == name else {})
    )


def test_every_trick_has_a_row_and_every_row_a_trick() -> None:
    assert set(ROWS) == set(TRICKS), "add or remove rows of ROWS, one a trick"


@every_trick
def test_it_says_what_it_does_and_where_it_comes_from(slot: str, name: str) -> None:
    trick = TRICKS[slot, name]
    assert len(inspect.cleandoc(trick.__doc__ or "")) > 30
    assert "20" in trick.paper or "19" in trick.paper


@every_trick
def test_it_comes_back_from_yaml(slot: str, name: str) -> None:
    recipe, _ = recipes(slot, name)
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    assert Recipe.model_validate(recipe.plain()) == recipe


@every_trick
def test_the_ends_of_its_ranges_are_legal(slot: str, name: str) -> None:
    trick = TRICKS[slot, name]
    for parameter, field in trick.model_fields.items():
        domain: Domain | None = trick.range_of(parameter)
        for value in domain.ends() if domain else ():
            assert check(field, value) == value
        if domain and not field.is_required():
            assert domain.contains(field.default), f"{parameter}'s default is outside its own range"


@every_trick
def test_it_is_alive(slot: str, name: str) -> None:
    """Something observable differs from the run without it."""
    mine, other = recipes(slot, name)
    assert observed(mine) != observed(other)


@pytest.mark.parametrize("slot, name", [t for t in TRICKS if t[0] in SURGERY])
def test_surgery_keeps_shapes_and_gives_finite_gradients(slot: str, name: str) -> None:
    recipe, plain = recipes(slot, name)
    images = torch.rand(4, 1, 32, 32)
    model = build(recipe, 10, 1)
    logits = model(images)
    assert logits.shape == build(plain, 10, 1)(images).shape == (4, 10)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(
    "slot, name, architecture",
    [("downsample", "stride", "mobilenet_v2"), ("norm", "batch", "resnet18"), ("head_norm", "batch", "resnet18")],
)
def test_surgery_without_a_site_says_so(slot: str, name: str, architecture: str) -> None:
    recipe = Recipe.from_plain({"architecture": architecture, slot: name})
    with pytest.raises(NotApplicable, match=f"{name}: not applicable"):
        build(recipe, 10, 3)


def test_a_network_of_functions_has_no_activation_site() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.conv(images)).mean((2, 3))

    elu = Recipe(activation="elu").activation
    with pytest.raises(NotApplicable, match="Functional has no place for it"):
        elu.apply(Functional(), torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize("architecture", [n for n in Architecture.choices() if not n.endswith(":")])
@pytest.mark.parametrize("channels, size", [(1, 28), (3, 64)])
def test_architectures_take_any_image(architecture: str, channels: int, size: int) -> None:
    model = build(Recipe(architecture=architecture, image_size=size), 7, channels).eval()
    assert model(torch.zeros(2, channels, size, size)).shape == (2, 7)


AUGMENTATIONS = [t for t in TRICKS if t[0] in ("flip", "rotate", "crop", "color", "erase")]


@pytest.mark.parametrize("slot, name", AUGMENTATIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_augmentations_keep_shape_repeat_by_seed_and_differ_by_image(slot: str, name: str, channels: int) -> None:
    trick: Any = TRICKS[slot, name]()
    images = (
        torch.rand(1, channels, 20, 24, generator=torch.Generator().manual_seed(0)).expand(16, -1, -1, -1).contiguous()
    )
    once, again = (trick.apply(images.clone(), torch.Generator().manual_seed(1)) for _ in range(2))
    assert once.shape == images.shape
    assert torch.equal(once, again)
    assert once.isfinite().all()
    assert len({tuple(image.flatten().tolist()) for image in once}) > 1
    if slot != "erase":  # comes after normalisation
        assert once.min() >= 0
        assert once.max() <= 1 + 1e-6


def test_two_choices_of_a_slot_can_not_share_a_name() -> None:
    from autocls.tricks.activation import Activation

    with pytest.raises(TypeError, match="activation has a 'elu' already"):

        class Other(Activation):
            """Another one."""

            name = "elu"

            def layer(self) -> nn.Module:
                return nn.Identity()

    assert list(Activation.choices()).count("elu") == 1


def observed(recipe: Recipe) -> str:
    """All that a run shows: its graph, parameter groups, rates, first batch, loss, and weights after three steps."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    model = build(recipe, 10, 1)
    graph = repr(model)
    images = torch.randint(0, 256, (recipe.batch_size, 1, 32, 32), generator=generator).to(torch.uint8)
    labels = torch.arange(recipe.batch_size) % 10
    tensors = Tensors(images, labels, 10, torch.full((1, 1, 1), 0.5), torch.full((1, 1, 1), 0.25))
    optimizer = recipe.optimizer.build(parameter_groups(model, recipe.weight_decay))
    scale = recipe.lr_scaling.factor(recipe.batch_size) if recipe.lr_scaling else 1.0
    rates = [scale * rate_factor(recipe, t, 1, [0.5, 0.4, 0.4, 0.4]) for t in range(recipe.epochs)]
    average = recipe.ema.follow(model) if recipe.ema else None
    losses = []
    for step in range(3):
        batch, targets = augmented(recipe, tensors, torch.arange(recipe.batch_size), generator)
        loss = recipe.loss.compute(model(batch), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if average:
            average.update(model, step)
        losses.append(float(loss.detach()))
    weights = sum(float(p.detach().double().abs().sum()) for p in (average.module if average else model).parameters())
    return f"{graph} {rates} {losses} {weights} {float(batch.double().sum())}"


def test_a_trick_is_frozen_and_refuses_what_it_does_not_know() -> None:
    trick: Trick = Recipe(norm="group").norm  # type: ignore[assignment]
    with pytest.raises(ValueError, match="frozen"):
        trick.groups = 4  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="no such parameter 'group'; did you mean 'groups'"):
        Recipe(norm={"group": {"group": 8}})
