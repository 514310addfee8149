"""``autocls models``: what it counts, and how it reads."""

import json

import pytest
from torch import nn
from typer.testing import CliRunner

from autocls.cards import network_card
from autocls.cli import app
from autocls.errors import BadInput
from autocls.models.count import cost


def said(*words: str, columns: int = 80) -> str:
    done = CliRunner().invoke(app, ["models", *words], env={"COLUMNS": str(columns), "NO_COLOR": "1"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_parameters_and_multiply_adds_are_counted():
    def build(classes: int, channels: int, size: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(channels, 4, 3), nn.Flatten(), nn.Linear(4 * (size - 2) ** 2, classes))

    counted = cost(build, 10, 3, 8)
    assert counted.parameters == (4 * 3 * 9 + 4) + (144 * 10 + 10)
    assert counted.multiply_adds == 4 * 3 * 9 * 36 + 144 * 10


def test_a_card_holds_everything_there_is_to_say():
    card = network_card("resnet18")
    assert card.weights == 11_173_962  # as of every CIFAR-10 ResNet-18 with a 3×3 stem
    assert card.multiply_adds[224] / 1e9 == pytest.approx(1.81, abs=0.01)
    assert (card.source, card.groups, card.smallest, card.small_stem_below) == (
        "torchvision", ("classic",), 1, 64
    )  # fmt: skip
    (card,) = json.loads(said("mobilenet_v2", "--json"))
    assert card["parameters"][0]["range"] == [0.25, 0.5, 1.0]


def test_a_door_is_counted_once_it_has_a_name():
    assert network_card("timm:").weights is None
    card = network_card("timm:resnet18")
    assert card.name == "timm:resnet18"
    assert card.weights > 11_000_000


@pytest.mark.parametrize("name", ["resnt18", "timm:resnt18"])
def test_near_names_are_said(name: str):
    with pytest.raises(BadInput, match="did you mean 'resnet18'"):
        network_card(name)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", ["alexnet", "inception_v3", "shufflenet_v1", "timm:"])
def test_a_card_fits_the_terminal(name: str, columns: int):
    lines = said(name, columns=columns).splitlines()
    assert lines[0].strip() == name.replace(":", ":NAME")
    assert all(len(line) <= columns for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])


@pytest.mark.parametrize("columns", [80, 120])
def test_the_list_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch):
    cards = [network_card(name, sizes=[32]) for name in ("lenet", "mobilenet_v2", "torchvision:")]
    monkeypatch.setattr("autocls.cards.network_cards", lambda: cards)
    lines = said(columns=columns).splitlines()
    assert lines[1].split()[:5] == ["lenet", "137", "k", "1.21", "M"]
    assert all(len(line) <= columns for line in lines)
