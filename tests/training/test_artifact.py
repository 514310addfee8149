import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from autocls.data import ImageData
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.training.artifact import CARD, RECIPE, WEIGHTS, ModelCard, load, save
from autocls.training.inference import weights_of
from autocls.training.loop import train
from autocls.training.network import build

RECIPES = {
    "plain": Recipe(),
    "improved": Recipe(downsample="stride", norm="batch", activation="prelu", head_norm="batch"),
    "door": Recipe(architecture="timm:mobilenetv3_small_050", activation="elu"),
    "grouped": Recipe(architecture="resnet18", norm={"group": {"groups": 8}}),
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_saved_network_gives_the_same_logits(recipe: Recipe, noise: ImageData, tmp_path: Path):
    model = build(recipe, 3, 3)
    model.train()(torch.rand(8, 3, 32, 32))  # so that running statistics are no longer those of the start
    card = ModelCard.of(noise, "accuracy", 0.5, 0.25)
    save(tmp_path / "a" / "b", recipe, weights_of(model), card)
    loaded, its_recipe, its_card = load(tmp_path / "a" / "b")
    images = torch.rand(4, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded(images), model.eval()(images))
    assert not loaded.training
    assert (its_recipe, its_card) == (recipe, card)


def test_the_card_says_what_the_network_expects(noise: ImageData):
    card = ModelCard.of(noise, "macro_f1", 0.5)
    assert (card.labels, card.channels, card.image_size, card.test_score) == (("a", "b", "c"), 3, 32, None)
    assert (card.mean, card.std) == (noise.mean, noise.std)


def test_an_averaged_network_is_saved_like_any_other(noise: ImageData, tmp_path: Path):
    recipe = Recipe(batch_size=8, epochs=1, averaging="ema")
    (result,) = train(recipe, noise)
    save(tmp_path, recipe, result.weights(), ModelCard.of(noise, "accuracy", result.score))
    assert weights_of(load(tmp_path)[0]).keys() == result.weights().keys()


@pytest.mark.parametrize("name", [WEIGHTS, RECIPE, CARD])
def test_a_folder_that_lacks_a_file_is_no_model(digits_model: Path, tmp_path: Path, name: str):
    folder = shutil.copytree(digits_model, tmp_path / "model")
    (folder / name).unlink()
    with pytest.raises(BadInput, match=f"not a model folder: it has no {name}$"):
        load(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (WEIGHTS, "cut off"),
        (RECIPE, "architecture: resnet18"),
        (RECIPE, "architecture: lenot"),
        (RECIPE, "downsample: stride\narchitecture: mobilenet_v2"),
        (CARD, "{"),
        (CARD, "[]"),
        (CARD, "{}"),
    ],
)
def test_a_file_that_does_not_fit_is_named(digits_model: Path, tmp_path: Path, name: str, text: str):
    folder = shutil.copytree(digits_model, tmp_path / "model")
    (folder / name).write_text(text)
    with pytest.raises(BadInput, match=str(folder)):
        load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("labels", None), ("labels", []), ("labels", ["a", "b"]), ("channels", "one"), ("channels", 2), ("channels", 3),
        ("mean", 3), ("mean", [0.1, 0.1, 0.1]), ("std", [0]), ("std", ["inf"]), ("image_size", None),
        ("image_size", 100_000), ("temperature", 0),
    ],
)  # fmt: skip
def test_a_card_with_a_wrong_value_is_bad_input(digits_model: Path, tmp_path: Path, key: str, value: object):
    folder = shutil.copytree(digits_model, tmp_path / "model")
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, key: value}))
    with pytest.raises(BadInput, match=f"{folder}/.*json" if key != "labels" else str(folder)):
        load(folder)


def test_weights_that_lie_about_their_shapes_are_bad_input(digits_model: Path, tmp_path: Path):
    folder = shutil.copytree(digits_model, tmp_path / "model")
    whole = (folder / WEIGHTS).read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    name = max(header, key=lambda name: len(header[name].get("shape", ())))
    for shape in ([10**9, 10**9], [0], [1], [2**63]):
        lie = json.dumps({**header, name: {**header[name], "shape": shape}}).encode()
        (folder / WEIGHTS).write_bytes(len(lie).to_bytes(8, "little") + lie + whole[8 + size :])
        with pytest.raises(BadInput, match=WEIGHTS):
            load(folder)
    (folder / WEIGHTS).write_bytes((2**62).to_bytes(8, "little") + whole[8:])
    with pytest.raises(BadInput, match=WEIGHTS):
        load(folder)


def test_a_pickle_in_the_place_of_the_weights_is_never_run(digits_model: Path, tmp_path: Path):
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "sprung",)

    folder = shutil.copytree(digits_model, tmp_path / "model")
    (folder / WEIGHTS).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(BadInput, match=WEIGHTS):
        load(folder)
    assert not (tmp_path / "sprung").exists()
