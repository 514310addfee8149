import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from timm.models import adapt_input_conv
from torch import nn

from autocls.errors import BadInput, TrialFailed
from autocls.models.pretrained import load, read


def network(classes: int = 5, channels: int = 3, kernel: int = 3, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    layers = {
        "stem": nn.Conv2d(channels, 4, kernel, bias=False),
        "norm": nn.BatchNorm2d(4),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flat": nn.Flatten(),
        "head": nn.Linear(4, classes),
    }
    return nn.Sequential(OrderedDict(layers))


WEIGHTS = network(seed=1).state_dict()


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def prefixed(prefix: str) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in WEIGHTS.items()}


@pytest.mark.parametrize(
    "checkpoint",
    [
        WEIGHTS,
        {"state_dict": WEIGHTS, "epoch": 9, "optimizer": {"lr": 0.1}},
        {"model": WEIGHTS, "best": 0.9},
        {"state_dict": prefixed("module.")},
        {"state_dict": prefixed("model."), "pytorch-lightning_version": "2"},
        prefixed("_orig_mod.module."),
    ],
    ids=["bare", "state_dict", "model", "parallel", "lightning", "compiled"],
)
def test_weights_are_found_in_the_checkpoints_that_training_scripts_write(checkpoint: dict[str, Any], tmp_path: Path):
    torch.save(checkpoint, tmp_path / "weights.pt")
    assert same(read(tmp_path / "weights.pt"), WEIGHTS)


def test_safetensors_are_read(tmp_path: Path):
    save_file(WEIGHTS, tmp_path / "weights.safetensors")
    assert read(tmp_path / "weights.safetensors").keys() == WEIGHTS.keys()
    model = network()
    load(model, read(tmp_path / "weights.safetensors"))
    assert same(model.state_dict(), WEIGHTS)


def test_a_prefix_that_only_some_names_have_is_part_of_the_name(tmp_path: Path):
    tensors = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    torch.save(tensors, tmp_path / "weights.pt")
    assert list(read(tmp_path / "weights.pt")) == ["module.a", "b"]


class Malicious:
    """Unpickled without care, it makes a folder."""

    def __init__(self, traces: Path) -> None:
        self.traces = traces

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.traces),)


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path):
    path, traces = tmp_path / "weights.pt", tmp_path / "traces"
    torch.save({**WEIGHTS, "extra": Malicious(traces)}, path)
    with pytest.raises(BadInput) as refused:
        read(path)
    assert str(refused.value) == (
        f"{path}: holds more than weights ({os.mkdir.__module__}.mkdir), and code in a file of weights is never run"
    )
    assert not traces.exists()
    torch.load(path, weights_only=False)
    assert traces.exists(), "the file is harmless, and this test shows nothing"


def test_a_bare_pickle_runs_no_code_either(tmp_path: Path):
    path, traces = tmp_path / "weights.pth", tmp_path / "traces"
    path.write_bytes(pickle.dumps(Malicious(traces), protocol=2))
    with pytest.raises(BadInput, match="code in a file of weights is never run"):
        read(path)
    assert not traces.exists()


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\x80\x04."], ids=["empty", "text", "broken"])
def test_what_is_no_file_of_weights_is_refused(content: bytes, name: str, tmp_path: Path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"not a file of weights as torch.save or safetensors write them$"):
        read(path)


@pytest.mark.parametrize("checkpoint", [[1, 2], {"lr": 0.1}, {"state_dict": {"head": "none"}}, torch.zeros(2)])
def test_a_file_without_named_tensors_is_refused(checkpoint: object, tmp_path: Path):
    torch.save(checkpoint, tmp_path / "weights.pt")
    with pytest.raises(BadInput, match=r"weights.pt: holds no weights by name$"):
        read(tmp_path / "weights.pt")


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_a_file_that_is_gone_is_named(name: str, tmp_path: Path):
    with pytest.raises(BadInput, match=f"{name}: no such file$"):
        read(tmp_path / name)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of WEIGHTS under other names."""
    path = tmp_path / "weights.pt"
    torch.save({name.replace("stem", "_conv"): tensor for name, tensor in WEIGHTS.items()}, path)
    return path


def mapped(weights: Path, text: str) -> dict[str, torch.Tensor]:
    path = weights.with_name("map.yaml")
    path.write_text(text)
    return read(weights, path)


def test_a_key_map_renames_what_it_mentions(weights: Path):
    assert same(mapped(weights, "_conv.weight: stem.weight\n"), WEIGHTS)


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "head.bias: head.bias\n_cnv.weight: stem.weight\n",
            "map.yaml:2: _cnv.weight: {weights}: no such tensor '_cnv.weight'; did you mean '_conv.weight'",
        ),
        ("_conv.weight: {to: stem.weight}\n", "map.yaml:1: _conv.weight: the name of one tensor was expected"),
        ("_conv.weight: head.bias\n", "map.yaml:1: _conv.weight: {weights}: another tensor is called head.bias, too"),
        ("- _conv.weight\n", "map.yaml:1: expected 'slot: choice' lines"),
        ("_conv.weight: a\n_conv.weight: b\n", "map.yaml:2: _conv.weight: is written twice"),
        ("_conv.weight: [", "map.yaml:1: not valid YAML"),
    ],
    ids=["unknown", "nested", "two of a name", "list", "twice", "broken"],
)
def test_a_wrong_key_map_names_file_line_key_and_what_is_near(weights: Path, text: str, message: str):
    with pytest.raises(BadInput) as refused:
        mapped(weights, text)
    assert message.format(weights=weights) in str(refused.value)


def test_every_wrong_key_of_a_map_is_named_at_once(weights: Path):
    with pytest.raises(BadInput) as refused:
        mapped(weights, "_cnv.weight: stem.weight\nhed.bias: head.bias\n")
    assert [line.partition("map.yaml:")[2][0] for line in str(refused.value).splitlines()] == ["1", "2"]


def test_a_head_of_as_many_classes_is_kept():
    model = network()
    fit = load(model, WEIGHTS)
    assert same(model.state_dict(), WEIGHTS)
    assert str(fit) == f"{len(WEIGHTS)} of {len(WEIGHTS)} tensors fit"


def test_a_head_of_other_classes_starts_at_random():
    model = network(classes=7)
    before = model.head.weight.clone()
    fit = load(model, WEIGHTS)
    assert torch.equal(model.head.weight, before)
    assert torch.equal(model.stem.weight, WEIGHTS["stem.weight"])
    assert fit.misfit == ("head.weight", "head.bias")


def test_what_does_not_fit_is_told_by_name():
    tensors = {name: tensor for name, tensor in WEIGHTS.items() if name != "norm.bias"} | {"fc.weight": torch.ones(2)}
    fit = load(network(classes=7), tensors)
    assert str(fit) == (
        "5 of 8 tensors fit; of another shape: head.weight, head.bias; missing: norm.bias; "
        "not in the network: fc.weight"
    )


def test_weights_of_another_network_are_refused_and_leave_it_alone():
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(TrialFailed) as refused:
        load(model, {"stem.weight": WEIGHTS["stem.weight"], **{f"layer{i}": torch.ones(1) for i in range(5)}})
    assert str(refused.value) == (
        "weights: not those of Sequential: 1 of 8 tensors fit; "
        "missing: norm.weight, norm.bias, norm.running_mean and 4 more; "
        "not in the network: layer0, layer1, layer2 and 2 more"
    )
    assert same(model.state_dict(), before)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_the_first_convolution_is_adapted_to_other_channels(channels: int):
    model = network(channels=channels)
    fit = load(model, WEIGHTS)
    assert not fit.misfit
    assert torch.equal(model.stem.weight, adapt_input_conv(channels, WEIGHTS["stem.weight"]))


def test_grey_pictures_are_seen_as_their_colour_copies_were():
    grey, colour = network(channels=1).eval(), network().eval()
    load(grey, WEIGHTS)
    load(colour, WEIGHTS)
    picture = torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(grey(picture), colour(picture.expand(-1, 3, -1, -1)))


def test_a_first_convolution_of_another_kernel_starts_at_random():
    assert load(network(kernel=5, channels=1), WEIGHTS).misfit == ("stem.weight",)


def test_grey_weights_leave_a_colour_stem_at_random():
    assert load(network(), network(channels=1).state_dict()).misfit == ("stem.weight",)


def test_a_network_without_convolution_takes_weights():
    model, other = nn.Linear(2, 2), nn.Linear(2, 2)
    load(model, other.state_dict())
    assert same(model.state_dict(), other.state_dict())
