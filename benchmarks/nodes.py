"""A cluster of Ray on this machine: real nodes and real workers, whose GPUs are only logical."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

from benchmarks.forked import executable

ROOT = str(Path(__file__).parents[1])
STORE = 100_000_000
"""Bytes of a node's object store: nothing here is large."""


@contextmanager
def nodes(number: int, gpus: int) -> Iterator[None]:
    """Within it, Ray is connected to so many nodes, each of so many GPUs, and a head that takes no trials."""
    with tempfile.TemporaryDirectory() as place, executable(Path(place)) as python:
        made = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE},
        )
        try:
            for _ in range(number):
                made.add_node(num_cpus=gpus, num_gpus=gpus, object_store_memory=STORE)
            made.wait_for_nodes()
            path = os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])
            ray.init(
                address=made.address, log_to_driver=False, logging_level="ERROR",
                runtime_env={"py_executable": python, "env_vars": {"PYTHONPATH": path}},
            )  # fmt: skip
            yield
        finally:
            ray.shutdown()
            made.shutdown()
