"""The pages and files of examples/cluster say what the programs they call understand."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from autocls.cli import app

FOLDER = Path(__file__).parents[1] / "examples" / "cluster"
README = FOLDER.parents[1] / "README.md"
FILES = sorted(path.name for path in FOLDER.iterdir())
SCRIPT = FOLDER / "slurm.sbatch"


def commands(text: str) -> list[list[str]]:
    """The words of each autocls command in a text, without its name."""
    joined = text.replace("\\\n", " ")
    lines = re.findall(r"(?<![\w./~-])autocls ((?:search|resume|doctor)\b[^`|;\n&>]*)", joined)
    given = [shlex.split(line, comments=True) for line in lines]
    return [words for words in given if len(words) > 1]  # the others are names of verbs, in prose


def in_script(text: str) -> list[list[str]]:
    """Those of the script, which keeps them in arrays."""
    arrays = dict(re.findall(r"^(SEARCH|RESUME)=\((.*)\)$", text, re.MULTILINE))
    rest = re.search(r'^autocls "\$\{words\[@\]\}" (.*) &$', text, re.MULTILINE)
    assert rest is not None
    return [shlex.split(f"{array} {rest[1]}") for array in arrays.values()]


FOUND = [
    *((name, words) for name in FILES for words in commands((FOLDER / name).read_text())),
    *((SCRIPT.name, words) for words in in_script(SCRIPT.read_text())),
]


@pytest.mark.parametrize(("name", "words"), FOUND, ids=[f"{name}: {' '.join(words)}" for name, words in FOUND])
def test_every_command_has_the_options_that_it_is_given(name: str, words: list[str]) -> None:
    group = typer.main.get_command(app)
    verb, *arguments = words
    command = group.commands[verb]
    if "…" in arguments:  # stands for what the reader fills in
        arguments = ["given" if word == "…" else word for word in arguments]
    command.make_context(verb, arguments)


def test_commands_are_found_in_every_page() -> None:
    assert len(FOUND) > 12
    assert {name for name, _ in FOUND} == set(FILES)


def test_each_way_searches_and_resumes_on_the_cluster_that_it_is_in() -> None:
    for name in ("slurm.sbatch", "rayjob.yaml", "pair.md"):
        verbs = {words[0] for found, words in FOUND if found == name and "auto" in words}
        assert {"search", "resume"} <= verbs, name
        assert "request.json" in (FOLDER / name).read_text()


def test_the_pages_are_linked_and_link_to_what_there_is() -> None:
    linked = set(re.findall(r"\]\(examples/cluster/([\w.]+)\)", README.read_text()))
    for name in FILES:
        if name.endswith(".md"):
            text = (FOLDER / name).read_text()
            links = set(re.findall(r"\]\(([\w.]+)\)", text))
            assert links <= set(FILES), name
            linked |= links
    assert set(FILES) <= linked | {"README.md"}


@pytest.mark.parametrize("checker", [["bash", "-n"], ["shellcheck"]], ids=lambda checker: checker[0])
def test_the_script_is_sound(checker: list[str]) -> None:
    if shutil.which(checker[0]) is None:
        pytest.skip(f"needs {checker[0]}")
    done = subprocess.run([*checker, SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_script_stops_in_time_gives_nodes_what_slurm_gave_and_ends_them() -> None:
    text = SCRIPT.read_text()
    asked = dict(re.findall(r"^#SBATCH --([\w-]+)(?:=(\S+))?", text, re.MULTILINE))
    assert asked["signal"] == "B:TERM@120"
    assert {"requeue", "gpus-per-node", "cpus-per-task", "time", "nodes"} <= set(asked)
    assert text.index("#SBATCH") < text.index("set -euo pipefail"), "sbatch reads no further than the first command"
    assert '--num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus="${SLURM_GPUS_ON_NODE:-0}"' in text
    assert "trap finish EXIT" in text
    assert "ray stop" not in text, "that ends others' nodes too"
    slurm_s_own = {"ENVIRONMENT", "PATH", "HOME", "USER"}
    assert not slurm_s_own & set(re.findall(r"^(?:export )?(\w+)=", text, re.MULTILINE))


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / "rayjob.yaml").read_text()))


def test_the_ray_job_has_the_fields_that_kuberay_asks_for(documents: list[dict[str, Any]]) -> None:
    settings, job = documents
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]
    known = {"entrypoint", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "backoffLimit", "rayClusterSpec"}
    assert set(spec) == known
    assert spec["shutdownAfterJobFinishes"] is True
    cluster = spec["rayClusterSpec"]
    assert set(cluster) == {"rayVersion", "authOptions", "headGroupSpec", "workerGroupSpecs"}
    assert cluster["authOptions"] == {"mode": "token"}
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    for group in groups:
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
            assert container["resources"]["limits"] == container["resources"]["requests"]
            assert container["image"] == groups[0]["template"]["spec"]["containers"][0]["image"]
    for group in cluster["workerGroupSpecs"]:
        assert {"groupName", "replicas", "minReplicas", "maxReplicas"} <= set(group)
    mounts = {m["name"]: m["mountPath"] for m in groups[0]["template"]["spec"]["containers"][0]["volumeMounts"]}
    names = [v["configMap"]["name"] for v in groups[0]["template"]["spec"]["volumes"] if "configMap" in v]
    assert names == [settings["metadata"]["name"]]
    assert spec["entrypoint"] == f"bash {mounts['run']}/{next(iter(settings['data']))}"


def test_what_runs_in_the_ray_job_is_a_script(documents: list[dict[str, Any]]) -> None:
    (script,) = documents[0]["data"].values()
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
