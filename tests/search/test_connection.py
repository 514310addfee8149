import re
import socket
import subprocess
import sys
import threading

import pytest

from ..ray_nodes import ALONE, access

SEARCH = """
import ray
from autocls.errors import BadInput
from autocls.search.connection import begin, connected

begin("local")
with connected("local"):
    print(ray.is_initialized(), int(ray.cluster_resources()["CPU"]) > 0)
with connected("local"):  # waits for the end of the one before
    print(ray.get(ray.remote(lambda: 1).remote()))
try:
    begin("127.0.0.1:1")
    with connected("127.0.0.1:1"):
        pass
except BadInput as error:
    print(error)
"""


def test_a_connection_may_begin_early_and_follow_another():
    done = subprocess.run([sys.executable, "-c", SEARCH], capture_output=True, text=True, timeout=120)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["True True", "1"], done.stderr
    assert lines[2].startswith("--address 127.0.0.1:1: no Ray cluster answers there")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("address", "settings", "said"),
    [
        ("127.0.0.1:1", {}, "--address 127.0.0.1:1: no Ray cluster answers there: .*; start its head .* --port=1`"),
        ("foo", {}, "--address foo: .*; known: auto, local, inline or HOST:PORT"),
        (
            "ray://one:10001",
            {},
            "--address ray://one:10001: a search .* Ray Client .*`ray job submit .*http://one:8265",
        ),
        (
            "auto",
            {"RAY_ADDRESS": "http://one:8265"},
            r"--address auto \(RAY_ADDRESS=http://one:8265\): a search doesn't",
        ),
        ("auto", {"RAY_ADDRESS": "127.0.0.1:1"}, r"--address auto \(\S+:1\): no Ray cluster answers there: "),
    ],
)
def test_an_address_without_a_cluster_is_refused_with_what_to_do(tmp_path, address, settings, said):
    assert re.match(said, str(access(address, tmp_path, settings)["refusal"]))


def test_auto_where_nothing_runs_names_the_ways_to_a_cluster(tmp_path):
    if subprocess.run([*ALONE, "true"], capture_output=True).returncode != 0:
        pytest.skip("needs unshare, and the right to it")
    refusal = access("auto", tmp_path, {"RAY_TMPDIR": str(tmp_path)}, before=ALONE)["refusal"]
    assert str(refusal).startswith("--address auto: no Ray cluster runs on this machine, and RAY_ADDRESS names none: ")


@pytest.mark.parametrize(
    ("answer", "said"),
    [(b"SSH-2.0-OpenSSH_9.2\r\n", "no Ray cluster answers there, but something else"), (b"", "without a word")],
)
def test_a_port_of_something_else_is_told_from_ray_s_in_seconds(tmp_path, answer, said):
    with socket.create_server(("", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            line.sendall(answer)
            ended.wait(60)
            line.close()

        ended = threading.Event()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        refusal = access(f"127.0.0.1:{server.getsockname()[1]}", tmp_path, {})["refusal"]
        ended.set()
        thread.join()
    assert said in str(refusal)


REFUSED = """
from autocls.errors import BadInput
from autocls.search.connection import begin, knock

for _ in range(2):  # it is asked anew
    begin("127.0.0.1:1")
    try:
        knock("127.0.0.1:1")
    except BadInput as error:
        print(error)
"""


def test_a_knock_says_what_connecting_would(tmp_path):
    done = subprocess.run([sys.executable, "-c", REFUSED], capture_output=True, text=True, timeout=120)
    first, second = done.stdout.splitlines()
    assert first == second
    assert first.startswith("--address 127.0.0.1:1: no Ray cluster answers there")
    assert done.stderr == ""


def test_ray_s_own_handler_of_sigterm_does_not_replace_the_process_s():
    script = """
import os, signal
from autocls.search.connection import connected

signal.signal(signal.SIGTERM, lambda *_: print("heard", flush=True))
with connected("local"):
    os.kill(os.getpid(), signal.SIGTERM)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("heard\n", 0), done.stderr
