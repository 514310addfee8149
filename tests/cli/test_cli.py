"""The command line as a person types it."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from autocls.cli.progress import clock
from autocls.recipe import Recipe
from tests.commands import run

VERBS = (
    "search",
    "train",
    "predict",
    "evaluate",
    "report",
    "best",
    "tricks",
    "models",
    "spaces",
    "validate",
    "verdict",
    "cards",
    "watch",
    "leaderboard",
    "export",
    "serve",
    "inspect",
    "distill",
)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small search over the command line, far from the repository."""
    folder = tmp_path_factory.mktemp("cli")
    done = run("search", "digits", "--trials", 4, "--epochs", 3, "--confirm", 0, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["complete"] + said["pruned"] + said["failed"] == 4
    assert said["folder"] == "reports/digits-quick"
    return folder


@pytest.mark.alone
def test_help_answers_within_half_a_second() -> None:
    def once() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "autocls", "--help"], check=True, capture_output=True)
        return time.perf_counter() - began

    assert min(once() for _ in range(5)) < 0.5


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_worked_example(verb: str) -> None:
    said = run(verb, "--help").stdout
    assert f"autocls {verb}" in said.partition("Example:")[2]


def test_clock() -> None:
    assert [clock(s) for s in (5, 125, 3723)] == ["0:05", "2:05", "1:02:03"]


def test_report_and_best_work_on_a_finished_search(searched: Path) -> None:
    folder = searched / "reports" / "digits-quick"
    (folder / "report.html").unlink()
    assert run("report", folder).returncode == 0
    assert (folder / "report.html").exists()
    assert run("best", folder).stdout == (folder / "best_recipe.yaml").read_text()


def test_the_best_within_limits_says_what_it_costs_here(searched: Path) -> None:
    folder = searched / "reports" / "digits-quick"
    found = run("best", folder, "--max-params", "5M", "--max-latency", "10s")
    assert Recipe.from_yaml(found.stdout)
    said = r"trial \d+: [\d.]+% (confirmed|in the search), [\d,]+ parameters, [\d.]+ ms an image here"
    assert re.search(said, found.stderr)


def test_the_best_recipe_trains_again_and_the_model_predicts(searched: Path) -> None:
    folder = searched / "reports" / "digits-quick"
    trained = run("train", folder / "best_recipe.yaml", "digits", "--out", searched / "model")
    assert trained.returncode == 0, trained.stderr
    assert "on the test part" in trained.stdout
    images, digits = load_digits(return_X_y=True)
    picture = searched / "a picture.png"
    Image.fromarray((images[0].reshape(8, 8) * 15.9).astype(np.uint8)).save(picture)
    said = run("predict", searched / "model", picture, "--top", 2).stdout
    assert said.startswith(f"{picture}: {digits[0]} ")
    assert said.count("%") == 2
    (line,) = run("predict", searched / "model", picture, "--json").stdout.splitlines()
    assert len(json.loads(line)["labels"]) == 3


def test_spaces_print_what_validate_accepts(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(run("spaces", "quick").stdout)
    said = run("validate", file)
    assert said.returncode == 0, said.stderr
    assert "a space, open in architecture, norm" in said.stdout
    assert "every choice is alive" in said.stdout


def test_validate_names_what_would_waste_trials(elsewhere: Path) -> None:
    (elsewhere / "x.yaml").write_text(
        "architecture: cifar_resnet\nhead_norm: [none, batch]\noptimizer: [adam, adamw]\n"
    )
    said = run("validate", "x.yaml")
    assert said.returncode == 2
    assert "x.yaml: head_norm.batch: has a place in none of the space's networks: batch: not applicable" in said.stderr
    assert "x.yaml: optimizer.adamw: makes the same run as adam" in said.stderr


def test_validate_tells_a_recipe_from_a_space() -> None:
    said = run("validate", Path(__file__).parents[2] / "examples" / "improved_lenet.yaml")
    assert said.stdout.endswith("improved_lenet.yaml: a recipe, every slot decided\n")


def test_tricks_and_models_list_as_json() -> None:
    tricks = {(t["slot"], t["name"]) for t in json.loads(run("tricks", "--json").stdout)}
    assert {("erase", "cutout"), ("optimizer", "adabound"), ("batch_size", "batch_size")} <= tricks
    models = {m["name"]: m["weights"] for m in json.loads(run("models", "--json").stdout)}
    assert models["resnet18"] > 11_000_000
    assert {f"vgg{n}" for n in (11, 13, 16, 19)} | {"timm:NAME", "torchvision:NAME"} <= set(models)


def test_a_tricks_card_says_what_it_costs_here() -> None:
    said = " ".join(run("tricks", "cutout").stdout.split())
    assert "arXiv:1708.04552" in said
    assert "Cost: a training step takes " in said


@pytest.mark.parametrize(
    "words, message",
    [
        (["search", "nowhere"], "nowhere"),
        (["search", "digits", "--time", "soon"], "--time: 'soon' is no duration"),
        (["search", "digits", "--space", "nope.yaml"], "nope.yaml: no such file"),
        (["search", "digits", "--pruner", "pacd"], "did you mean 'paced'"),
        (["search", "digits", "--epochs", "0"], "'--epochs': Input should be greater than or equal to 1"),
        (["search", "digits", "--address", "127.0.0.1:1"], "no Ray cluster answers there"),
        (["search", "digits", "--seeds", "2"], "'--seeds': Input should be greater than or equal to 5"),
        (["search", "digits", "--prior", "nope.yaml"], "'--prior': file 'nope.yaml' does not exist"),
        (["verdict", "nowhere", "--more", "soon"], "--more: 'soon' is no duration"),
        (["verdict", "nowhere"], "nowhere: no such folder"),
        (["train", "nope.yaml", "digits", "--out", "m"], "nope.yaml: can't be read"),
        (["predict", "nowhere", "x.png"], "not a model folder"),
        (["report", "nowhere"], "holds no search"),
        (["best", "nowhere"], "holds no search"),
        (["best", ".", "--max-params", "5MB"], "--max-params: '5MB' is no amount; write 200k or 5M"),
        (["search", "digits", "--max-latency", "fast"], "--max-latency: 'fast' is no duration"),
        (["tricks", "cutuot"], "did you mean 'cutout'"),
        (["spaces", "quik"], "did you mean 'quick'"),
        (["validate", "nope.yaml"], "no such file"),
        (["serch"], "search"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(words: list[str], message: str, elsewhere: Path) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def pictures(folder: Path, **classes: int) -> Path:
    """A folder of class folders of grey noise."""
    random = np.random.default_rng(0)
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(random.integers(0, 256, (10, 12), np.uint8)).save(folder / name / f"{i}.png")
    return folder


def test_an_unreadable_image_is_named_and_can_be_skipped(elsewhere: Path) -> None:
    (pictures(elsewhere / "pets", cat=4, dog=4) / "cat" / "broken.png").write_bytes(b"")
    (elsewhere / "r.yaml").write_text("epochs: 1\n")
    refused = run("search", "pets")
    assert refused.returncode == 2
    assert "broken.png" in refused.stderr
    assert "--skip-bad" in refused.stderr
    skipped = run("train", "r.yaml", "pets", "--out", "m", "--skip-bad")
    assert skipped.returncode == 0, skipped.stderr
    assert "broken.png" in skipped.stderr


def test_one_class_is_no_task(elsewhere: Path) -> None:
    pictures(elsewhere / "pets", cat=4)
    done = run("search", "pets")
    assert done.returncode == 2
    assert "cat" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_errors_of_a_file_come_at_once_with_their_lines(elsewhere: Path) -> None:
    (elsewhere / "x.yaml").write_text("norm: bach\nmix: [none, mixpu]\noptimizer:\n  sgd: {lr: {log: [0, 1]}}\n")
    done = run("validate", "x.yaml")
    assert done.returncode == 2
    for expected in (
        "x.yaml:1: norm: no such choice 'bach'; did you mean 'batch'? known: none, batch, sync_batch, "
        "layer, instance, group",
        "x.yaml:2: mix: no such choice 'mixpu'; did you mean 'mixup'? known: none, mixup, cutmix, ricap",
        "x.yaml:4: optimizer.sgd.lr: a log range needs 0 < a",
    ):
        assert expected in done.stderr


def test_a_background_job_of_a_script_is_ended_by_sigterm(elsewhere: Path) -> None:
    """A shell has such jobs ignore ctrl-C."""
    search = f"{sys.executable} -m autocls search digits --time 5m --address inline --no-progress --out run"
    done = subprocess.run(
        [
            "sh",
            "-c",
            f"{search} & while ! test -s run/journal.log; do sleep 0.2; done; kill -TERM $!; wait $!; echo ended $?",
        ],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert re.search("ended (1|130)\n", done.stdout), (
        "1 where it came to report of nothing, 130 where not even that far"
    )
