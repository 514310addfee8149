"""An exported classifier gives the answers of the original, or isn't written."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from torch import nn

import autocls
from autocls.cli import export as verb
from autocls.data import ImageData
from autocls.deploy.export import FORMATS, Unfaithful, checking, export
from autocls.deploy.export.checking import compare
from autocls.deploy.export.formats import Torchscript, example, original
from autocls.deploy.export.samples import Samples, as_taken, generated
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.training.artifact import load
from benchmarks.export import spread
from tests.commands import run

REPOSITORY = Path(__file__).parents[2]

NETWORKS: dict[str, Mapping[str, Any]] = {
    "a plain chain": {"architecture": "lenet", "loss": "mse", "tta": "shifts"},
    "shuffled channels": {"architecture": {"shufflenet_v1": {"width": 0.25}}, "loss": "bce"},
    "surgery": {
        "architecture": {"cifar_resnet": {"depth": 8}}, "conv": "deformable", "attention": "squeeze_excite",
        "norm": "group", "activation": "rrelu", "tta": "mirror",
    },
    "timm's": {"architecture": "timm:mobilenetv3_small_050"},
}  # fmt: skip
"""One for each way in which networks come about; benchmarks/export.py tries all."""
IN_ONNX = ("a plain chain", "surgery")
ROWS = [(network, to) for network in NETWORKS for to in FORMATS if to != "onnx" or network in IN_ONNX]
"""ONNX takes several times as long to write, and begins with the same program as torch-export."""


@pytest.mark.parametrize(("network", "to"), ROWS)
def test_batches_of_any_size_get_the_original_s_probabilities(network: str, to: str, tmp_path: Path):
    images = generated(3, 32)
    answering = spread(Recipe.from_plain({**NETWORKS[network], "image_size": 32}), images)
    FORMATS[to].write(answering, example(3, 32), tmp_path / "file")
    check = compare(original(answering), FORMATS[to].open(tmp_path / "file"), images, "generated images")
    assert check.batches == (1, 3, 32, 64)
    check.hold()
    said = original(answering)(images)
    assert said.std(axis=0).max() > 0.05, "all images have the same answers, whatever is exported"


class Fickle(nn.Module):
    """Answers otherwise to dark images than to bright ones, which a trace doesn't see."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        bright = pixels.float().mean(dim=(1, 2, 3)) / 255
        turned = bright if bright[0] > 0.5 else 1 - bright
        return torch.stack([turned, 1 - turned], dim=1)


def test_an_export_that_answers_otherwise_is_noticed(tmp_path: Path):
    Torchscript().write(Fickle(), torch.full((2, 1, 8, 8), 255, dtype=torch.uint8), tmp_path / "file")
    dark = np.zeros((100, 1, 8, 8), np.uint8)
    check = compare(original(Fickle()), Torchscript().open(tmp_path / "file"), dark, "dark images")
    assert (check.difference, check.same) == (1, 0)
    with pytest.raises(Unfaithful, match=r"100 dark images.*at most 1.0e\+00; allowed are 1e-04"):
        check.hold()


def test_no_number_is_no_answer():
    images = generated(1, 8)
    nothing = np.full((len(images), 2), np.nan, np.float32)
    with pytest.raises(Unfaithful):
        compare(lambda p: nothing[: len(p)], lambda p: nothing[: len(p)], images, "images").hold()


def test_what_answers_otherwise_is_not_left_behind(
    digits_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "digits.pt"
    out.write_text("an earlier export")
    monkeypatch.setattr(checking, "TOLERANCE", -1.0)
    with pytest.raises(SystemExit) as ended:
        verb.command(digits_model, "torchscript", out)
    assert ended.value.code == 1
    assert "digits.pt is not written" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("digits.pt", "an earlier export")]


def test_a_network_that_a_format_can_t_hold_is_bad_input(
    digits_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise RuntimeError("no such operator\nand much more")

    monkeypatch.setattr(Torchscript, "write", fail)
    with pytest.raises(BadInput, match=r"lenet can't be written as torchscript: no such operator$"):
        export(digits_model, "torchscript", tmp_path / "digits.pt")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def exported(digits_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits' classifier as ONNX, over the command line."""
    out = tmp_path_factory.mktemp("exported") / "digits.onnx"
    done = run("export", digits_model, "--to", "onnx", "--out", out)
    assert done.returncode == 0, done.stderr
    assert (
        "checked: 100 generated images, in batches of 1, 3, 32 and 64: probabilities differ by at most" in done.stdout
    )
    assert {path.name for path in out.parent.iterdir()} == {"digits.onnx", "digits.onnx.json"}
    return out


def test_the_sidecar_describes_the_file(exported: Path):
    about = json.loads(Path(f"{exported}.json").read_text(encoding="utf-8"))
    assert about["labels"] == list("0123456789")
    assert about["input"] == {"name": "pixels", "type": "uint8", "shape": ["batch", 1, 28, 28]}
    assert about["output"]["shape"] == ["batch", 10]
    assert about["check"]["images"] == 100
    assert about["check"]["max_difference"] <= about["check"]["allowed"] == 1e-4
    graph = onnx.load(exported).graph
    (given,), (said,) = graph.input, graph.output
    assert [(d.dim_param or d.dim_value) for d in given.type.tensor_type.shape.dim] == about["input"]["shape"]
    assert [(d.dim_param or d.dim_value) for d in said.type.tensor_type.shape.dim] == about["output"]["shape"]


BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "timm", "autocls"):
            raise ImportError(f"{name} is not here")
sys.meta_path.insert(0, Blocked())
"""


def test_the_documented_lines_answer_as_predict_does_without_torch(
    exported: Path, digits_model: Path, digits: ImageData, tmp_path: Path
):
    (script,) = re.findall(r"```python\n(# classify.py.*?)```", (REPOSITORY / "docs/export.md").read_text(), re.DOTALL)
    (tmp_path / "classify.py").write_text(script)
    (tmp_path / "sitecustomize.py").write_text(BLOCKED)
    plain = Image.fromarray(digits.images[0, 0])
    turned = Image.Exif()
    turned[0x0112] = 6
    wide = Image.fromarray(np.tile(digits.images[1, 0], (1, 2)))
    deep = Image.fromarray(digits.images[2, 0].astype(np.uint16) * 257)
    clear = plain.convert("RGBA")
    clear.putalpha(Image.fromarray(digits.images[3, 0]))
    pictures = [tmp_path / name for name in ("plain.png", "turned.jpg", "wide.png", "deep.png", "clear.png", "p.gif")]
    plain.save(pictures[0])
    plain.convert("RGB").save(pictures[1], exif=turned)
    for picture, path in zip((wide, deep, clear, plain.convert("P")), pictures[2:], strict=True):
        picture.save(path)
    words = [sys.executable, tmp_path / "classify.py", exported, *pictures]
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    expected = autocls.load(digits_model).predict(pictures)
    for line, prediction in zip(done.stdout.splitlines(), expected, strict=True):
        said = json.loads(line)["labels"]
        assert [each["label"] for each in said] == [label for label, _ in prediction.ranked]
        assert [each["probability"] for each in said] == pytest.approx([p for _, p in prediction.ranked], abs=1e-4)
    blocked = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True, text=True, env=env)
    assert "torch is not here" in blocked.stderr


def test_static_quantisation_says_what_it_costs_and_brings(digits_model: Path, tmp_path: Path):
    done = export(digits_model, "onnx", tmp_path / "digits.onnx", quantize="static", data="digits")
    quantised = done.quantised
    assert quantised is not None
    assert quantised.images == 359
    assert quantised.after.bytes < 0.5 * quantised.before.bytes
    assert quantised.before.accuracy == pytest.approx(load(digits_model)[2].test_score, abs=0.003)
    assert quantised.after.accuracy > quantised.before.accuracy - 0.03
    assert quantised.check.same > 0.95
    assert min(*quantised.before.milliseconds.values(), *quantised.after.milliseconds.values()) > 0
    assert "images of digits" in str(done.check)
    written = json.loads(done.sidecar.read_text())["quantization"]
    assert (written["kind"], written["after"]["accuracy"]) == ("static", quantised.after.accuracy)
    graph = onnx.load(done.path).graph
    eight_bits = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT8}
    assert len(eight_bits) >= 5, "two convolutions and three linear layers"
    made = {name: node.op_type for node in graph.node for name in node.output}
    softmaxes = [node for node in graph.node if node.op_type == "Softmax"]
    assert {made[node.input[0]] for node in softmaxes}.isdisjoint({"QuantizeLinear"})
    assert made["probabilities"] == "Softmax"


def test_dynamic_quantisation_takes_the_linear_layers_and_needs_no_data(digits_model: Path, tmp_path: Path):
    done = export(digits_model, "onnx", tmp_path / "digits.onnx", quantize="dynamic")
    assert done.quantised is not None
    assert done.quantised.after.accuracy is None
    assert done.quantised.after.bytes < 0.5 * done.quantised.before.bytes
    assert done.quantised.check.same > 0.9
    counted = Counter(node.op_type for node in onnx.load(done.path).graph.node)
    assert (counted["MatMulInteger"], counted["Conv"], counted["ConvInteger"]) == (3, 2, 0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"to": "onxx"}, "--to onxx: no such format 'onxx'; did you mean 'onnx'"),
        ({"to": "torchscript", "quantize": "dynamic"}, "goes with --to onnx, not with torchscript"),
        ({"to": "onnx", "quantize": "statik"}, "allowed are dynamic and static"),
        ({"to": "onnx", "quantize": "static"}, "needs --data"),
        ({"to": "onnx", "out": "."}, "is a folder"),
    ],
)
def test_what_can_t_be_asked_is_bad_input(digits_model: Path, tmp_path: Path, given: dict[str, str], said: str):
    out = tmp_path / given.pop("out", "digits.onnx")
    with pytest.raises(BadInput, match=re.escape(said)):
        export(digits_model, given.pop("to"), out, **given)
    assert not list(tmp_path.iterdir())


def test_a_missing_extra_is_named(digits_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(BadInput, match=r"--to onnx: needs onnxscript: pip install 'autocls\[export\]'"):
        export(digits_model, "onnx", tmp_path / "digits.onnx")


def test_data_with_a_label_that_the_model_does_not_know_is_bad_input(digits_model: Path, tmp_path: Path):
    x, y = np.zeros((40, 8, 8), np.uint8), np.array(["4", "four"]).repeat(20)
    np.savez(tmp_path / "x.npz", x=x + np.arange(40, dtype=np.uint8)[:, None, None], y=y)
    with pytest.raises(BadInput, match="no such label 'four'"):
        Samples.of(load(digits_model)[2], tmp_path / "x.npz")


def test_data_with_some_of_the_labels_are_counted_by_the_model_s_columns(digits_model: Path, tmp_path: Path):
    x, y = np.zeros((40, 8, 8), np.uint8), np.array(["9", "4"]).repeat(20)
    np.savez(tmp_path / "x.npz", x=x + np.arange(40, dtype=np.uint8)[:, None, None], y=y)
    samples = Samples.of(load(digits_model)[2], tmp_path / "x.npz")
    assert set(samples.labels.tolist()) == {4, 9}
    assert samples.test.shape[1:] == samples.calibration.shape[1:] == (1, 28, 28)


@pytest.mark.parametrize("has", [1, 3])
@pytest.mark.parametrize("takes", [1, 3])
def test_images_get_the_channels_that_the_network_takes(has: int, takes: int):
    image = np.broadcast_to(np.arange(64, dtype=np.uint8).reshape(1, 8, 8), (has, 8, 8))
    np.testing.assert_array_equal(as_taken(image, takes), np.broadcast_to(image[:1], (takes, 8, 8)))


def test_generated_images_are_all_different_and_the_same_each_time():
    images = generated(3, 8)
    assert images.shape == (100, 3, 8, 8)
    assert len(np.unique(images.reshape(100, -1), axis=0)) == 100
    np.testing.assert_array_equal(images, generated(3, 8))


@pytest.mark.parametrize("name", ["weights.safetensors", "recipe.yaml", "model"])
def test_no_part_of_the_model_is_written_over(digits_model: Path, name: str):
    before = {path.name: path.read_bytes() for path in digits_model.iterdir()}
    with pytest.raises(BadInput, match="is a part of the model itself"):
        export(digits_model, "torchscript", digits_model / name)
    assert {path.name: path.read_bytes() for path in digits_model.iterdir()} == before
