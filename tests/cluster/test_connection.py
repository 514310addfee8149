"""Searches on clusters of real processes that want a token, and what is said to those who don't get in."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from ..ray_nodes import ALONE, TOKEN, WITH_TOKEN, access, environment, free_port, node

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

WRONG = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN[::-1]}
SEARCH = (sys.executable, "-m", "autocls", "search", "digits", "--epochs", "1", "--confirm", "0", "--no-progress")


class Head:
    """Of a cluster with one core."""

    def __init__(self, process: psutil.Process, home: Path, port: int) -> None:
        self.process = process
        self.home = home
        self.address = f"127.0.0.1:{port}"

    def run(self, *command: str, settings: Mapping[str, str] = WITH_TOKEN) -> "subprocess.CompletedProcess[str]":
        env = environment(self.home, settings)
        return subprocess.run(command, capture_output=True, text=True, env=env, cwd=self.home)

    def ask(self, script: str) -> str:
        """What a script prints that has connected to it."""
        done = self.run(sys.executable, "-c", script, self.address)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    home, port = tmp_path_factory.mktemp("head"), free_port()
    with node(home, WITH_TOKEN, "--head", "--port", str(port), "--num-cpus", "1") as process:
        yield Head(process, home, port)


def until(true: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.3)


def training(node: psutil.Process) -> list[psutil.Process]:
    """The processes of a search on a node."""
    return [child for child in node.children(recursive=True) if "ray::Worker" in " ".join(_words(child))]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "wants a token, and there is none here: .* ray get-auth-token .*, and set RAY_AUTH_MODE=token$"),
        ({"RAY_AUTH_MODE": "token"}, "wants a token, and there is none here: "),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": "/no"}, "RAY_AUTH_TOKEN_PATH=/no holds none: .* unset RAY_"),
        ({"RAY_AUTH_TOKEN": TOKEN}, r"the one here \(RAY_AUTH_TOKEN\) unless told to: set RAY_AUTH_MODE=token$"),
        (WRONG, r"another token than the one here \(RAY_AUTH_TOKEN\): .*, unset RAY_AUTH_TOKEN$"),
    ],
)
def test_who_has_not_the_cluster_s_token_is_told_how_to_get_it(head: Head, tmp_path, settings, said):
    refusal = access(head.address, tmp_path, settings)["refusal"]
    assert re.search(f"^--address {head.address}: the cluster .*{said}", str(refusal)), refusal


def test_who_has_the_token_gets_in_and_a_token_found_at_home_is_used_for_auto_alone(head: Head, tmp_path):
    assert access(head.address, tmp_path, WITH_TOKEN)["token"] is True
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text(TOKEN)
    assert "set RAY_AUTH_MODE=token" in str(access(head.address, tmp_path, {})["refusal"])
    assert "set RAY_AUTH_MODE=token" in str(access("auto", tmp_path, {"RAY_ADDRESS": head.address})["refusal"])
    assert access(head.address, tmp_path, {"RAY_AUTH_MODE": "token"})["token"] is True


def test_a_token_where_the_cluster_has_none_is_named(tmp_path):
    port = free_port()
    without = {"RAY_AUTH_MODE": "disabled"}
    with node(tmp_path, without, "--head", "--port", str(port), "--num-cpus", "0"):
        refusal = access(f"127.0.0.1:{port}", tmp_path, WITH_TOKEN)["refusal"]
        assert "RAY_AUTH_MODE=token is set here, but the cluster runs without tokens: set RAY_AUTH_MODE=d" in refusal
        assert access(f"127.0.0.1:{port}", tmp_path, {})["token"] is False


PRETEND = """
import sys
from ray._raylet import GcsClient
client = GcsClient(address=sys.argv[1])
before = client.internal_kv_get(b"CLUSTER_METADATA", b"cluster")
client.internal_kv_put(b"CLUSTER_METADATA", {after!r}.encode(), True, b"cluster")
print(before.decode())
"""


@pytest.mark.parametrize("other", [{"ray_version": "2.54.0"}, {"python_version": "3.9.1"}])
def test_a_cluster_with_other_versions_is_named_with_both(head: Head, tmp_path, other):
    whole = {"ray_version": "2.60.0", "python_version": "3.13.1", "ray_init_cluster": False, **other}
    before = head.ask(PRETEND.format(after=json.dumps(whole)))
    try:
        refusal = str(access(head.address, tmp_path, WITH_TOKEN)["refusal"])
    finally:
        head.ask(PRETEND.format(after=before))
    here = json.loads(before)
    assert f"the cluster has Ray {whole['ray_version']} on Python {whole['python_version']}, this" in refusal
    assert f"this machine Ray {here['ray_version']} on Python {here['python_version']}" in refusal
    assert f"pip install 'ray[tune]=={whole['ray_version']}'" in refusal


def test_a_machine_that_is_no_node_of_the_cluster_is_told_to_join(head: Head, tmp_path):
    if subprocess.run([*ALONE, "true"], capture_output=True).returncode != 0:
        pytest.skip("needs unshare, and the right to it")
    refusal = access(head.address, tmp_path, WITH_TOKEN, before=ALONE)["refusal"]
    assert re.search(r"this machine is none of the cluster's: join it with `ray start --address=\S+:\d+`", str(refusal))


def test_a_refused_search_is_one_message_before_anything_is_read(head: Head):
    settings = {**WRONG, "AUTOCLS_CACHE": str(head.home / "unused")}
    done = head.run(*SEARCH, "--address", head.address, "--out", "refused", settings=settings)
    assert done.returncode == 2
    assert re.fullmatch(r"autocls: --address 127.*: the cluster wants another token than .*\n", done.stderr)
    assert not (head.home / "refused").exists()
    assert not (head.home / "unused").exists(), "images were decoded for nothing"


def test_a_search_uses_a_node_that_joins_and_leaves_the_cluster_free_when_it_is_ended(head: Head):
    free = "import ray, sys; ray.init(sys.argv[1], log_to_driver=False); print(ray.available_resources()['CPU'])"
    command = [*SEARCH, "--time", "10m", "--address", "auto", "--out", "ended"]
    env = environment(head.home, {**WITH_TOKEN, "RAY_ADDRESS": head.address})
    searching = subprocess.Popen(
        command, env=env, cwd=head.home, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        until(lambda: training(head.process) or searching.poll() is not None)
        with node(head.home, WITH_TOKEN, "--address", head.address, "--num-cpus", "1") as other:
            until(lambda: training(other) or searching.poll() is not None)
            searching.send_signal(signal.SIGTERM)
            out, err = searching.communicate(timeout=90)
            assert searching.returncode in (0, 1), err
            assert "It may go on: autocls resume ended" in out
            until(lambda: not training(head.process) and not training(other), 30)
            until(lambda: float(head.ask(free)) == 2, 30)
    finally:
        searching.kill()


def test_a_search_joins_by_address(head: Head):
    done = head.run(*SEARCH, "--trials", "2", "--address", head.address, "--out", "joined", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["complete"] == 2
    assert not training(head.process)
