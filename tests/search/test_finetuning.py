"""A search that starts from weights: where it can't have them, and what it says they are worth."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import autocls
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.search.attributing import Arms, anew, promising_first
from autocls.search.evidence import claims
from autocls.search.fitting import no_misfits
from autocls.search.setting import Plan, Setting
from autocls.space import Space
from tests.data.helpers import two_classes


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "weights.pt"
    torch.save({"weight": torch.zeros(1)}, path)
    return str(path)


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is known, and nothing was fetched before."""

    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("network", ["torchvision:squeezenet1_1", "timm:tf_efficientnet_lite0"])
def test_a_hub_that_can_not_be_reached_is_said_before_the_images_are_read(
    tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("autocls.search.task.prepare", lambda *_, **__: pytest.fail("read the images"))
    space = {"architecture": ["lenet", network], "weights": ["none", "hub"], "epochs": 1}
    with pytest.raises(BadInput, match=rf"weights: hub: those of {network} can't be fetched .*name a file") as error:
        autocls.search(two_classes(tmp_path / "pets"), space, trials=1, address="inline", out=tmp_path / "run")
    assert "weights: [none, {file: PATH}]" in str(error.value)
    assert not (tmp_path / "run" / "journal.log").exists()


@pytest.mark.usefixtures("no_network")
def test_one_recipe_says_the_same(tmp_path: Path):
    recipe = {"architecture": "torchvision:squeezenet1_1", "weights": "hub", "image_size": 32, "epochs": 1}
    with pytest.raises(BadInput, match="can't be fetched"):
        autocls.train(recipe, two_classes(tmp_path / "pets"), tmp_path / "model")


def test_the_arm_from_scratch_goes_without_what_spares_weights(file: str):
    winner = Recipe(weights={"file": file}, freeze="head_first", layer_decay=0.8, flip="horizontal")
    setting = Setting(Space.from_plain({}), Plan(), 0, no_misfits, 1)
    arms = Arms(winner, Recipe(), setting, anew)
    assert arms.recipe("weights") == Recipe(flip="horizontal")
    assert arms.recipe("flip") == winner.model_copy(update={"flip": None})
    assert arms.recipe("") == winner


def test_what_the_weights_are_worth_is_asked_first(file: str):
    winner = Recipe(weights={"file": file}, freeze="head_first", flip="horizontal", optimizer="adam")
    used = claims(winner, Recipe())
    assert promising_first(used, winner, [], [])[0].slot == "weights"


def simulated(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """Weights are worth 20 points, and freezing the first layers at first one more."""
    random = torch.Generator().manual_seed(seed)
    best = 0.6 + 0.2 * (recipe.weights is not None) + 0.01 * (recipe.freeze is not None)
    for epoch in range(epochs):
        yield best * (epoch + 1) / epochs + 0.002 * float(torch.randn((), generator=random))


def test_the_report_says_fine_tuned_against_from_scratch(tmp_path: Path, file: str):
    space = {
        "weights": ["none", {"file": file}], "freeze": ["none", "head_first"], "layer_decay": {"uniform": [0.7, 1.0]},
        "epochs": 2,
    }  # fmt: skip
    result = autocls.search(
        objective=simulated, space=space, trials=60, screen=False, address="inline", out=tmp_path / "run"
    )
    assert result.verdict is not None
    (trick,) = [trick for trick in result.verdict.tricks if trick.slot == "weights"]
    assert trick.word == "helps"
    assert trick.effect.mean == pytest.approx(0.21, abs=0.01), "less what hangs on them"
    sentence = "Fine-tuned against from scratch, with as many epochs, the same seeds and all else equal: +"
    assert sentence in result.verdict.paragraph
    assert sentence in (tmp_path / "run" / "report.html").read_text()
