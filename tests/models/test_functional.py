"""Functional activations become modules, and nothing else about the network changes."""

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import fx, nn

from autocls.models.functional import RELUS, as_modules
from autocls.recipe import Recipe
from autocls.training.network import build

FUNCTIONAL = ("googlenet", "inception_v3", "densenet121")


def original(name: str) -> nn.Module:
    heads = {} if name.startswith("densenet") else {"aux_logits": False, "init_weights": False}
    torch.manual_seed(0)
    return torchvision.models.get_model(name, num_classes=3, **heads)


def relus(model: nn.Module) -> int:
    return sum(isinstance(module, nn.ReLU) for module in model.modules())


class Switching(nn.Module):
    """Drops out by function, as no graph can that was traced in one mode."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(F.relu(self.linear(x)), training=self.training)


class Plain(nn.Module):
    """Calls the function in every way there is, on a parameter of its own too."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(F.relu(input=x * self.scale, inplace=True) - 0.1) + F.relu(x - 0.2)


@pytest.mark.parametrize("name", FUNCTIONAL)
def test_parameters_and_outputs_are_the_same_in_both_modes(name: str):
    before, after = original(name), as_modules(original(name))
    assert list(after.state_dict()) == list(before.state_dict())
    assert type(after).__name__ == type(before).__name__
    images = torch.randn(2, 3, 75, 75, generator=torch.Generator().manual_seed(0))
    for training in (False, True, False):
        outputs = []
        for model in (before, after):
            torch.manual_seed(0)
            outputs.append(model.train(training)(images))
        assert torch.equal(*outputs)
    assert relus(after) > relus(before)


@pytest.mark.parametrize("name", FUNCTIONAL)
def test_no_functional_relu_is_left(name: str):
    model = as_modules(original(name))
    graphs = [module.graph for module in model.modules() if isinstance(module, fx.GraphModule)]
    assert graphs
    assert not any(node.target in RELUS for graph in graphs for node in graph.nodes)
    functions, modules = _calls(model.eval(), torch.zeros(2, 3, 75, 75))
    assert functions == modules


def _calls(model: nn.Module, images: torch.Tensor) -> tuple[int, int]:
    """How often a forward pass calls ``F.relu``, and how often an ``nn.ReLU``, which calls it in its turn."""
    functions, modules = [], []
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda *_: modules.append(1))
    with pytest.MonkeyPatch.context() as patch:
        relu = F.relu
        patch.setattr(F, "relu", lambda *given, **named: functions.append(1) or relu(*given, **named))
        model(images)
    return len(functions), len(modules)


@pytest.mark.parametrize("name", FUNCTIONAL)
def test_activation_surgery_reaches_every_one(name: str):
    recipe = Recipe(architecture=name, activation="elu")
    model = build(recipe, 3, 3)
    assert relus(model) == 0
    assert sum(isinstance(module, nn.ELU) for module in model.modules()) == relus(as_modules(original(name)))
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 3)


def test_a_rewritten_network_can_be_copied_and_pickled():
    model = as_modules(original("googlenet")).eval()
    images = torch.rand(1, 3, 32, 32)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(model(images), other(images))


def test_every_way_to_call_it_is_seen():
    torch.manual_seed(0)
    x = torch.randn(3, 4)
    plain, rewritten = Plain(), as_modules(Plain())
    assert relus(rewritten) == 3
    assert list(rewritten.state_dict()) == ["scale"]
    assert torch.equal(plain(x.clone()), rewritten(x.clone()))


def test_code_that_differs_between_training_and_evaluation_is_left_alone():
    model = Switching()
    assert as_modules(model) is model


def test_networks_of_modules_are_left_alone():
    model = torchvision.models.resnet18()
    before = dict(model.named_modules())
    assert as_modules(model) is model
    assert dict(model.named_modules()) == before
