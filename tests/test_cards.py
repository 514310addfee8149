"""Cards, and the field guide's names that they must hold."""

from pathlib import Path

import pytest

from autocls.cards import cards, network_card
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.space import Space

IMPROVED = Path(__file__).parents[1] / "examples" / "improved_lenet.yaml"
FIELD_GUIDE = {
    "architecture": {
        "lenet", "alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "resnet18", "resnet34", "resnet50", "resnet101",
        "cifar_resnet", "inception_v3", "inception_v4", "googlenet", "densenet121", "densenet169", "densenet201",
        "nasnet_large", "nasnet_mobile", "xception", "seresnet18", "seresnet50", "senet154", "mobilenet_v1",
        "mobilenet_v2", "shufflenet_v1", "shufflenet_v2", "squeezenet1_0", "squeezenet1_1", "timm:NAME",
        "torchvision:NAME",
    },
    "weights": {"hub", "file"},
    "shortcut": {"residual"},
    "downsample": {"stride"},
    "conv": {"multi_scale", "deformable", "grouped", "dilated"},
    "attention": {"squeeze_excite"},
    "norm": {"batch", "sync_batch", "layer", "instance", "group"},
    "activation": {
        "sigmoid", "tanh", "relu", "relu6", "elu", "selu", "leaky_relu", "prelu", "rrelu", "gelu", "silu", "mish",
        "hardswish",
    },
    "head": {"fully_convolutional"},
    "head_norm": {"batch"},
    "dropout": {"head"},
    "stochastic_depth": {"linear"},
    "init": {"kaiming", "xavier", "orthogonal"},
    "freeze": {"head_first"},
    "layer_decay": {"layer_decay"},
    "flip": {"horizontal", "vertical"},
    "rotate": {"degrees"},
    "crop": {"shift", "resized", "window"},
    "color": {"jitter", "brightness", "contrast", "saturation"},
    "policy": {"randaugment", "trivialaugment", "augmix"},
    "erase": {"cutout"},
    "mix": {"mixup", "cutmix", "ricap"},
    "sampling": {"balanced"},
    "progressive": {"grow"},
    "loss": {"cross_entropy", "mse", "bce", "focal"},
    "class_weights": {"inverse", "effective_number"},
    "label_smoothing": {"label_smoothing"},
    "distill": {"teacher", "best"},
    "optimizer": {"sgd", "adam", "adamw", "adabound", "rmsprop", "lamb", "lion", "timm:NAME"},
    "weight_decay": {"weight_decay"},
    "clip": {"norm"},
    "schedule": {"cosine", "cosine_restarts", "plateau", "step", "one_cycle"},
    "warmup": {"warmup"},
    "lr_scaling": {"linear"},
    "batch_size": {"batch_size"},
    "epochs": {"epochs"},
    "averaging": {"ema", "swa"},
    "tta": {"mirror"},
}  # fmt: skip


def test_every_name_of_the_field_guide_is_there():
    there = {(card.slot, card.name) for card in cards()}
    assert {(slot, name) for slot, names in FIELD_GUIDE.items() for name in names} - there == set()


def test_the_improved_lenet_is_a_recipe():
    improved = Recipe.load(IMPROVED)
    space = Space.load("improved_lenet")
    assert improved == space.suggestions[0]
    assert Space.load(IMPROVED).open_slots() == []
    assert set(improved.differences(space.baseline())) == {"downsample", "norm", "head_norm", "optimizer", "schedule"}


def test_a_card_says_all_that_its_class_does():
    (card,) = cards("erase.cutout")
    assert (card.slot, card.name, card.summary) == ("erase", "cutout", card.about)
    assert card.when
    assert card.interactions
    assert (card.shows_in, card.paper) == ("the first batches", "DeVries & Taylor 2017, arXiv:1708.04552")
    assert str(card.parameters[0]) == (
        "size = 0.3, searched over {'uniform': [0.15, 0.5]}  (share of the image's side)"
    )


def test_a_slots_name_gives_all_its_choices():
    assert [card.name for card in cards("clip")] == ["norm", "adaptive"]
    assert {card.slot for card in cards("batch")} == {"norm", "head_norm"}


def test_a_parameter_that_must_be_given_says_so():
    (card,) = cards("weights.file")
    assert str(card.parameters[0]).startswith("path = to be given")


def test_words_stand_for_choices():
    assert network_card("mobilenet_v1").groups == ("lightweight",)
    light = [option.name for option in Space.from_yaml("architecture: lightweight").slots["architecture"]]
    assert light == [
        "lenet", "mobilenet_v1", "mobilenet_v2", "shufflenet_v1", "shufflenet_v2", "squeezenet1_0", "squeezenet1_1"
    ]  # fmt: skip
    both = [option.name for option in Space.from_yaml("architecture: [lightweight, vgg11]").slots["architecture"]]
    assert both == [*light, "vgg11"]


def test_near_names_are_said():
    with pytest.raises(BadInput, match="no such trick 'cutot'; did you mean 'cutout'"):
        cards("cutot")


def test_cards_are_plain_text() -> None:
    assert not [c.name for c in cards() for text in (c.about, c.when, c.interactions) if "`" in text]
