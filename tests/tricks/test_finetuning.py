import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from timm.optim import list_optimizers
from torch import nn

import autocls
from autocls.data import ImageData
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.space import Space
from autocls.training import train
from autocls.training.artifact import ModelCard, save
from autocls.training.artifact import load as load_model
from autocls.training.network import build
from autocls.training.optimisation import MOST_LAYERS, parameter_groups
from autocls.training.session import Session
from autocls.tricks.architecture import Lenet
from autocls.tricks.finetuning import File
from autocls.tricks.optimizer import Optimizer

CPU = torch.device("cpu")
NETWORK = {"architecture": {"mobilenet_v2": {"width": 0.25}}, "batch_size": 8, "epochs": 3}


def saved(recipe: Recipe, path: Path, classes: int = 7) -> Path:
    """A file of weights for the recipe's network, with a head for other classes than the noise has."""
    torch.manual_seed(1)
    torch.save(build(recipe, classes, 3).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(Recipe(**NETWORK), tmp_path_factory.mktemp("weights") / "weights.pt")


@pytest.fixture(scope="module")
def lenet_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(Recipe(), tmp_path_factory.mktemp("weights") / "lenet.pt")


def tuned(weights: Path, **slots: Any) -> Recipe:
    return Recipe(**{**NETWORK, "weights": {"file": str(weights)}, **slots})


# --- where the weights are -------------------------------------------------------------------------------------------


def test_a_relative_path_means_the_same_wherever_the_recipe_is_read_again(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
):
    (elsewhere / "my weights.pt").touch()
    (elsewhere / "recipe.yaml").write_text("weights: {file: my weights.pt}\n")
    recipe = Recipe.load(Path("recipe.yaml"))
    assert recipe.weights == File(path=str(elsewhere / "my weights.pt"))
    written = recipe.to_yaml()
    monkeypatch.chdir("/")
    assert Recipe.from_yaml(written) == recipe
    assert Recipe.from_yaml(written).to_yaml() == written


def test_a_space_keeps_where_its_file_is(elsewhere: Path, monkeypatch: pytest.MonkeyPatch):
    (elsewhere / "a.pt").touch()
    space = Space.from_yaml("weights: [none, {file: a.pt}]")
    monkeypatch.chdir("/")
    assert Space.from_yaml(space.to_yaml()) == space
    recipe = space.suggest(lambda name, _: {"weights": "file"}[name])
    assert recipe.weights == File(path=str(elsewhere / "a.pt"))
    assert space.parameters(recipe) == {"weights": "file"}


@pytest.mark.parametrize("given", ["gone.pt", "/nowhere/gone.pt", "~/gone.pt", ".", "", "{path: gone.pt}"])
def test_a_file_that_is_not_there_is_refused_where_it_is_written(given: str, elsewhere: Path):
    text = f"epochs: 3\nweights:\n  file: {given or '{path: }'}\n"
    for reader in (Recipe, Space):
        with pytest.raises(BadInput, match=r"^<text>:3: weights\.file\.path: input should be an existing file, not "):
            reader.from_yaml(text)


def test_a_map_and_every_file_of_a_list_are_looked_for_too(elsewhere: Path):
    (elsewhere / "here.pt").touch()
    with pytest.raises(BadInput, match=r"weights\.file\.map: input should be an existing file, not map\.yaml$"):
        Recipe.from_yaml("weights: {file: {path: here.pt, map: map.yaml}}")
    with pytest.raises(BadInput, match=r"weights\.file\.path: input should be an existing file, not gone\.pt$"):
        Space.from_yaml("weights: {file: [here.pt, gone.pt]}")


@pytest.mark.parametrize("words", [["validate", "x.yaml"], ["train", "x.yaml", "digits", "--out", "model"]])
def test_the_command_line_refuses_it_with_exit_code_2(words: list[str], elsewhere: Path):
    (elsewhere / "x.yaml").write_text("weights: {file: gone.pt}\n")
    done = subprocess.run([sys.executable, "-m", "autocls", *words], capture_output=True, text=True)
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        ["autocls: x.yaml:1: weights.file.path: input should be an existing file, not gone.pt"],
    )


def test_a_model_is_used_where_the_weights_that_it_started_from_are_not(tmp_path: Path, noise: ImageData):
    weights = saved(Recipe(), tmp_path / "weights.pt")
    recipe = Recipe(weights={"file": str(weights)}, epochs=1, batch_size=8)
    (result,) = train(recipe, noise)
    save(tmp_path / "model", recipe, result.weights(), ModelCard.of(noise, "accuracy", result.score))
    weights.unlink()
    _, read, _ = load_model(tmp_path / "model")
    assert read == recipe
    with pytest.raises(BadInput, match=f"^{weights}: no such file$"):
        next(train(read, noise))


def test_the_workers_of_a_search_find_a_relative_path(elsewhere: Path):
    recipe = Recipe(image_size=28, batch_size=64)
    torch.save(build(recipe, 10, 1).state_dict(), elsewhere / "lenet.pt")
    space = {"image_size": 28, "weights": {"file": "lenet.pt"}, "freeze": "head_only", "batch_size": [64, 128]}
    result = autocls.search("digits", {**space, "epochs": 1}, trials=1)
    assert (result.snapshot.complete, result.snapshot.failed) == (1, 0)


def test_weights_reach_the_network_and_the_log(weights: Path, noise: ImageData, caplog: pytest.LogCaptureFixture):
    with caplog.at_level("INFO", logger="autocls"):
        model = build(tuned(weights), 3, 3)
    given = torch.load(weights, weights_only=True)
    assert torch.equal(model.features[0][0].weight, given["features.0.0.weight"])
    assert model.classifier[1].out_features == 3
    assert "of another shape: classifier.1.weight, classifier.1.bias" in caplog.text


# --- freeze ----------------------------------------------------------------------------------------------------------


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def epoch(session: Session, number: int) -> set[str]:
    """Train one epoch; the names of the tensors that it changed."""
    before = state(session.model)
    session.begin(number)
    for index in session.order():
        session.step(session.batch(index, 0.0), 1.0)
    return changed(before, state(session.model))


HEAD = {"classifier.1.weight", "classifier.1.bias"}


def test_head_only_changes_the_head_and_not_even_statistics_below(weights: Path, noise: ImageData):
    session = Session(tuned(weights, freeze="head_only", weight_decay=0.01), noise, 0, CPU)
    for number in (1, 2, 3):
        assert epoch(session, number) == HEAD
        session.answers(noise.split.val)


def test_head_first_changes_the_head_then_everything(weights: Path, noise: ImageData):
    session = Session(tuned(weights, freeze={"head_first": 2}), noise, 0, CPU)
    assert epoch(session, 1) == epoch(session, 2) == HEAD
    assert epoch(session, 3) == set(session.model.state_dict())


def test_without_freeze_everything_changes_at_once(weights: Path, noise: ImageData):
    session = Session(tuned(weights), noise, 0, CPU)
    assert epoch(session, 1) == set(session.model.state_dict())


def test_no_gradient_is_computed_for_what_is_frozen(weights: Path, noise: ImageData):
    session = Session(tuned(weights, freeze="head_only"), noise, 0, CPU)
    session.begin(1)
    inputs: list[torch.Tensor] = []
    session.model.classifier[1].register_forward_pre_hook(lambda _, given: inputs.extend(given))
    session.step(session.batch(session.order()[0], 0.0), 1.0)
    assert not inputs[0].requires_grad, "the way back would go through the whole network"
    assert {name for name, p in session.model.named_parameters() if p.grad is not None} == HEAD


def test_dropout_goes_on_while_statistics_are_held(weights: Path, noise: ImageData):
    session = Session(tuned(weights, freeze="head_only"), noise, 0, CPU)
    session.begin(1)
    modes = {(type(m), m.training) for m in session.model.modules() if isinstance(m, nn.Dropout | nn.BatchNorm2d)}
    assert modes == {(nn.Dropout, True), (nn.BatchNorm2d, False)}


def test_what_the_network_itself_keeps_fixed_stays_fixed(
    lenet_weights: Path, noise: ImageData, monkeypatch: pytest.MonkeyPatch
):
    def with_fixed_stem(self: Lenet, *args: int) -> nn.Module:
        model = make(self, *args)
        next(model.parameters()).requires_grad_(False)
        return model

    make = Lenet.build
    monkeypatch.setattr(Lenet, "build", with_fixed_stem)
    recipe = Recipe(weights={"file": str(lenet_weights)}, freeze="head_first", batch_size=8)
    session = Session(recipe, noise, 0, CPU)
    fixed = next(iter(session.model.state_dict()))
    epoch(session, 1)
    assert fixed not in epoch(session, 2)


def test_thawed_layers_start_without_momentum_and_with_the_head(weights: Path, noise: ImageData):
    session = Session(tuned(weights, freeze="head_first", optimizer="adam"), noise, 0, CPU)
    epoch(session, 1)
    assert len(session.optimizer.state) == len(HEAD)
    session.begin(2)
    assert not session.optimizer.state
    held = [p for group in session.optimizer.param_groups for p in group["params"]]
    assert {id(p) for p in held} == {id(p) for p in session.model.parameters()}
    assert len(session.rates) == len(session.optimizer.param_groups)


def optimizers() -> list[str]:
    """Every optimizer that a recipe may name."""
    names = [name for name in Optimizer.choices() if not name.endswith(":")]
    names += [f"timm:{name}" for name in list_optimizers() if "kron" not in name]  # they need a package of their own
    return [name for name in names if _known(name)]


def _known(name: str) -> bool:
    try:
        return Optimizer.parse(name) is not None
    except BadInput:
        return False


every_optimizer = pytest.mark.parametrize("optimizer", optimizers())


@every_optimizer
def test_every_optimizer_leaves_what_is_frozen_alone_and_moves_it_later(
    optimizer: str, lenet_weights: Path, noise: ImageData
):
    slots = {"freeze": "head_first", "layer_decay": 0.7, "weight_decay": 0.01}
    session = Session(
        Recipe(weights={"file": str(lenet_weights)}, optimizer=optimizer, batch_size=12, epochs=2, **slots),
        noise, 0, CPU,
    )  # fmt: skip
    *body, head_weight, head_bias = session.model.state_dict()
    assert epoch(session, 1) <= {head_weight, head_bias}
    assert len(epoch(session, 2) & set(body)) > len(body) / 2
    rates = {group["lr"] for group in session.optimizer.param_groups}
    assert len(rates) == 5, "one for each layer of LeNet"


# --- layer_decay -----------------------------------------------------------------------------------------------------


def scale_of(model: nn.Module, layer_decay: float) -> dict[str, float]:
    """The factor of each parameter's rate, from below."""
    groups = parameter_groups(model, 0.1, layer_decay)
    scales = {id(p): group["lr_scale"] for group in groups for p in group["params"]}
    return {name: scales[id(p)] for name, p in model.named_parameters()}


def test_rates_fall_from_the_head_to_the_stem():
    scales = scale_of(build(Recipe(), 3, 3), 0.5)
    assert list(dict.fromkeys(scales.values())) == [0.5**4, 0.5**3, 0.5**2, 0.5, 1.0]


def test_deep_networks_are_shared_out_evenly():
    scales = list(scale_of(build(Recipe(architecture="resnet18"), 3, 3), 0.8).values())
    assert scales == sorted(scales)
    assert len(set(scales)) == MOST_LAYERS
    assert (scales[0], scales[-1]) == (pytest.approx(0.8 ** (MOST_LAYERS - 1)), 1.0)


def test_norms_and_biases_of_every_layer_are_spared_from_weight_decay():
    model = build(Recipe(architecture="resnet18"), 3, 3)
    groups = parameter_groups(model, 0.1, 0.8)
    assert all(group["weight_decay"] == (0.1 if p.ndim > 1 else 0) for group in groups for p in group["params"])
    held = [id(p) for group in groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters())


def test_a_parameter_of_two_layers_belongs_to_the_lower():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
    model[2].weight = model[0].weight
    groups = parameter_groups(model, 0.1, 0.5)
    torch.optim.SGD(groups, lr=0.1)  # refuses a parameter that is in two groups
    assert [g["lr_scale"] for g in groups if any(p is model[0].weight for p in g["params"])] == [0.25]


def test_a_step_is_as_much_smaller_as_the_rate(lenet_weights: Path, noise: ImageData):
    def step(layer_decay: float) -> list[torch.Tensor]:
        recipe = Recipe(optimizer={"sgd": {"lr": 0.1}}, layer_decay=layer_decay, batch_size=8)
        session = Session(recipe, noise, 0, CPU)
        before = state(session.model)
        session.begin(1)
        session.step(session.batch(session.part[:8], 0.0), 0.5)
        after = state(session.model)
        return [after[name] - before[name] for name in before if name.endswith("weight")]

    for k, (full, scaled) in enumerate(zip(step(1.0), step(0.5), strict=True)):
        torch.testing.assert_close(scaled, full * 0.5 ** (4 - k), rtol=1e-3, atol=1e-7)


def test_pictures_of_one_channel_are_fine_tuned(tmp_path: Path):
    """A grey folder from weights for colour, through the public API."""
    for part, many in {"train": 4, "val": 2, "test": 2}.items():
        for label, level in {"dark": 40, "light": 200}.items():
            for i in range(many):
                path = tmp_path / "pictures" / part / label / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("L", (32, 32), level + i).save(path)
    weights = saved(Recipe(**NETWORK), tmp_path / "weights.pt")
    recipe = tuned(weights, freeze="head_only", epochs=1, batch_size=4)
    classifier = autocls.train(recipe, tmp_path / "pictures", tmp_path / "model")
    assert classifier.card.channels == 1
    assert classifier.recipe == recipe
