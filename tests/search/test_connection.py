import subprocess
import sys

import pytest
from ray._private.utils import check_version_info

from autocls.search.connection import _why

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

TERMINATED = """
import os, signal, time
from autocls.search.connection import connected

signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
try:
    with connected("local"):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
except KeyboardInterrupt:
    time.sleep(4)
    print("ends in order")
"""


def test_a_connection_may_begin_early_and_follow_another():
    done = subprocess.run([sys.executable, "-c", SEARCH], capture_output=True, text=True, timeout=120)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["True True", "1"], done.stderr
    assert lines[2].startswith("--address 127.0.0.1:1: no Ray cluster answers there")
    assert done.returncode == 0


def test_a_cluster_of_other_versions_is_told_with_both():
    with pytest.raises(RuntimeError) as raised:
        check_version_info({"ray_version": "2.0.0", "python_version": "3.9.1"}, "node box")
    said = _why(raised.value)
    assert said.startswith(
        "Version mismatch: The cluster was started with: Ray: 2.0.0 Python: 3.9.1 This process on node"
    )
    assert _why(ConnectionError("nobody\nthere")) == "nobody"


def test_what_a_program_does_at_sigterm_it_does_while_it_is_connected_too():
    done = subprocess.run([sys.executable, "-c", TERMINATED], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "ends in order\n"), done.stderr
