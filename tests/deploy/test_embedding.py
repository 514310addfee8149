from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from autocls.data import ImageData
from autocls.deploy import Classifier
from autocls.deploy.answering import Answering
from autocls.deploy.embedding import Embedding, identity, read_by
from autocls.recipe import Recipe
from autocls.training.artifact import ModelCard
from autocls.training.network import build, head

CARD = ModelCard(tuple("abcdefg"), 3, 32, (0.5,) * 3, (0.3,) * 3, "accuracy", 0.5)
NETWORKS = {
    "our own": ({}, 84),
    "a head of convolutions": ({"head": "fully_convolutional"}, 84),
    "normalised linear layers": ({"head_norm": "batch"}, 84),
    "our residual network": ({"architecture": {"cifar_resnet": {"depth": 8}}}, 64),
    "torchvision's": ({"architecture": "torchvision:mobilenet_v3_small"}, 1024),
    "torchvision's, ending in a convolution": ({"architecture": "torchvision:squeezenet1_1"}, 512),
    "timm's": ({"architecture": "timm:test_byobnet"}, 256),
    "timm's, of tokens": ({"architecture": "timm:vit_tiny_patch16_224"}, 192),
    "several views": ({"tta": "shifts"}, 84),
}


def embedding(recipe: Recipe) -> Embedding:
    torch.manual_seed(0)
    return Embedding(Answering(build(recipe, 7, 3), recipe, CARD), 7)


def noise(n: int = 3) -> torch.Tensor:
    return torch.randint(0, 256, (n, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("choices", "width"), NETWORKS.values(), ids=NETWORKS)
@torch.inference_mode()
def test_every_network_gives_directions(choices: dict, width: int):
    found = embedding(Recipe(**choices))(noise())
    assert found.shape == (3, width)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))
    assert not torch.allclose(found[0], found[1])


@torch.inference_mode()
def test_it_is_what_the_last_layer_makes_the_logits_of():
    whole = embedding(Recipe())
    model = whole.answering.model
    (images,) = whole.answering.shown(noise())
    read = read_by(head(model, 7), model, images)
    torch.testing.assert_close(head(model, 7)(read), model(images))
    torch.testing.assert_close(whole(noise()), torch.nn.functional.normalize(read))


@torch.inference_mode()
def test_nothing_is_left_on_the_network_and_an_error_leaves_nothing_either():
    model = build(Recipe(), 7, 3)
    layer = head(model, 7)
    read_by(layer, model, torch.zeros(1, 3, 32, 32))
    with pytest.raises(RuntimeError):
        read_by(layer, model, torch.zeros(1, 1, 32, 32))
    assert not layer._forward_pre_hooks


@torch.inference_mode()
def test_views_are_averaged():
    mirrored = embedding(Recipe(tta="mirror"))
    torch.testing.assert_close(mirrored(noise()), mirrored(noise().flip(-1)))


def test_a_change_of_weights_or_of_preprocessing_is_another_identity(digits_model: Path, tmp_path: Path):
    def of(**changes: object) -> str:
        classifier = Classifier.load(digits_model)
        card = ModelCard(**{**classifier.card.__dict__, **changes})
        return identity(Answering(classifier.answering.model, classifier.recipe, card), classifier.recipe)

    mine = Classifier.load(digits_model)
    assert of() == identity(mine.answering, mine.recipe)
    assert of(temperature=3.0) == of()  # no embedding changes with it
    assert of(mean=(0.1,)) != of()
    weights = load_file(digits_model / "weights.safetensors")
    next(tensor for tensor in weights.values() if tensor.is_floating_point()).view(-1)[0] += 1e-3
    save_file(weights, tmp_path / "w.safetensors")
    mine.answering.model.load_state_dict(load_file(tmp_path / "w.safetensors"))
    assert identity(mine.answering, mine.recipe) != of()
    recipe = Recipe(**{**dict(mine.recipe), "tta": "mirror"})
    assert identity(Classifier.load(digits_model).answering, recipe) != of()


def test_pixels_of_digits_lie_nearer_to_their_own_kind(digits_model: Path, digits: ImageData):
    classifier = Classifier.load(digits_model)
    rows = digits.split.test
    with torch.inference_mode():
        found = Embedding(classifier.answering, 10)(torch.from_numpy(digits.images[rows])).numpy()
    same = digits.labels[rows][:, None] == digits.labels[rows]
    similar = found @ found.T
    assert similar[same].mean() > similar[~same].mean() + 0.1
    assert np.isfinite(found).all()
