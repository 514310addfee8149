"""Dead knobs, homeless choices and duplicates of a space are found; living ones are left alone."""

import subprocess
import sys

import pytest

from autocls.probe import Finding, check
from autocls.shipped import shipped
from autocls.space import Space


def findings(text: str) -> dict[str, str]:
    return {finding.where: finding.problem for finding in check(Space.from_yaml(text))}


def test_planted_dead_knobs_are_all_caught():
    done = subprocess.run([sys.executable, "-m", "tests.probe.planted"], capture_output=True, text=True, check=True)
    found = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert set(found) == {"mix.deaf.strength", "optimizer.misspelt.momentum", "norm.nowhere"}
    assert found["mix.deaf.strength"].startswith("changes nothing: the first batches are the same at both ends")
    assert found["optimizer.misspelt.momentum"].startswith("changes nothing: the optimizer and its parameter groups")
    assert found["norm.nowhere"].startswith("has a place in none of the space's networks: nowhere: not applicable: ")


@pytest.mark.parametrize("name", shipped())
def test_the_shipped_spaces_have_no_dead_knob(name: str):
    assert check(Space.load(name)) == []


def test_a_choice_without_a_place_in_any_network_is_named_with_the_reasons():
    found = findings("architecture: [resnet18, mobilenet_v2]\nhead_norm: [none, batch]\nnorm: [none, group]")
    assert list(found) == ["head_norm.batch"]
    assert "ResNet has no hidden linear layer; " in found["head_norm.batch"]
    assert "MobileNetV2 has no hidden linear layer" in found["head_norm.batch"]


def test_one_network_with_a_place_is_enough():
    assert findings("architecture: [resnet18, lenet]\nhead_norm: [none, batch]") == {}


def test_another_choice_of_the_space_may_make_the_place():
    assert "stochastic_depth.linear" in findings("stochastic_depth: [none, linear]")
    same = "architecture: alexnet\nshortcut: [none, residual]\nstochastic_depth: [none, linear]"
    assert findings(same) == {}


def test_two_choices_that_make_the_same_run_are_named():
    assert findings("norm: [none, batch, sync_batch]") == {"norm.sync_batch": "makes the same run as batch"}
    assert findings("optimizer: [adam, adamw]") == {"optimizer.adamw": "makes the same run as adam"}
    assert findings("optimizer: [adam, adamw]\nweight_decay: {log: [0.001, 0.1]}") == {}


def test_choices_that_the_rest_of_the_space_excludes_are_named():
    found = findings("freeze: [none, head_only]\nweights: hub\ninit: [default, kaiming]")
    assert list(found) == ["init.kaiming"]
    assert "would draw over the weights" in found["init.kaiming"]
    assert "random weights are not worth keeping" in findings("freeze: [none, head_only]")["freeze.head_only"]


def test_a_parameter_may_be_alive_in_the_second_network_only():
    text = "conv: [default, {grouped: {groups: [4, 8]}}]\narchitecture: "
    narrow = "{cifar_resnet: {depth: 20}}"
    assert findings(text + f"[{narrow}, resnet18]") == {}


def test_a_finding_is_read_as_a_line():
    assert str(Finding("norm.batch", "changes nothing")) == "norm.batch: changes nothing"
