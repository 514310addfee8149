"""Asks every node of a cluster what a search will need of it.

What a node says it writes itself, in a fresh process: its worker has seen neither autocls nor torch.
"""

import inspect
import json
import os
import platform
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import ray
from pydantic import TypeAdapter
from ray import cloudpickle
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from autocls.data.sources import list_source, locate
from autocls.errors import BadInput
from autocls.search import node_check
from autocls.search.connection import connected
from autocls.search.diagnosis import Answer, Clock, Finding, Here, Node, judge
from autocls.search.mirror import Mirror
from autocls.search.node_check import DRIVER, Question
from autocls.search.urls import is_url, shown

PACKAGES = ("autocls", "ray", "torch", "torchvision", "timm", "optuna")
"""Those whose versions must be the driver's."""
PATIENCE = 120.0
"""Seconds that a node's answers may take."""
GRACE = 30.0
"""Seconds that Ray may take besides, to start a worker there."""
ASKED = 3
"""Times that a node is asked for its time; the shortest round trip counts."""

# Ray sends functions of modules by their names, and the node may not have this one.
cloudpickle.register_pickle_by_value(node_check)


@dataclass(frozen=True)
class Checkup:
    """What was found."""

    here: Here
    nodes: tuple[Node, ...]
    findings: tuple[Finding, ...]
    token_authentication: bool
    """Whether Ray lets in only who has the cluster's token."""


def examine(data: str | None, out: str, address: str, *, patience: float = PATIENCE) -> Checkup:
    """Ask the nodes of the cluster at ``address``; what is written for that is removed again. Raises BadInput."""
    path, extent = _source(data)
    here = Here(
        python=platform.python_version(),
        versions={name: node_check.version(name) for name in PACKAGES},
        out=shown(out) if is_url(out) else str(Path(out).expanduser().absolute()),
        out_error=_refusal(out) if is_url(out) else "",
        data=path,
        data_extent=extent,
    )
    with connected(address), ExitStack() as stack:
        shared = None
        if not is_url(out):
            try:
                shared = stack.enter_context(_place(Path(here.out)))
                here = replace(here, out_free=node_check.free(shared.path))
            except OSError as error:
                here = replace(here, out_error=error.strerror or str(error))
        nodes = _ask_all(_places(), shared, path, patience)
    token = os.environ.get("RAY_AUTH_MODE", "").lower() == "token"  # Ray sets it when it turns it on by itself
    return Checkup(here, nodes, tuple(judge(here, nodes)), token)


def _source(data: str | None) -> tuple[str, str]:
    """The path of the images and how much is in it; nothing for those that come with a package. Raises BadInput."""
    location = locate(data) if data is not None else ""
    if isinstance(location, str):
        return "", ""
    list_source(location, Path())
    return str(location), node_check.extent(str(location))


@dataclass(frozen=True)
class _Shared:
    """A folder that every node ought to see, with the driver's file in it."""

    path: Path
    content: str

    def seen(self, name: str) -> str:
        """What is wrong with a node's file as the driver sees it; empty when nothing is."""
        try:
            read = (self.path / name).read_text(encoding="utf-8")
        except OSError as error:
            return error.strerror or str(error)
        return "" if read == self.content else "it has other content than was written"


def _refusal(url: str) -> str:
    """Why the driver, which alone writes at a URL, can't; empty when it can. Raises BadInput when it is none."""
    mirror = Mirror(url)
    try:
        mirror.probe()
    except BadInput as error:
        return str(error).rpartition(": can't be written: ")[2]
    return ""


@contextmanager
def _place(out: Path) -> Iterator[_Shared]:
    """What the driver leaves for the nodes in the output folder. Raises OSError when it can't be written.

    It is removed again, the output folder too if it was not there.
    """
    shared = _Shared(out / f".doctor-{secrets.token_hex(8)}", secrets.token_hex(16))
    made = [each for each in (out, *out.parents) if not each.exists()]
    try:
        shared.path.mkdir(parents=True)
        (shared.path / DRIVER).write_text(shared.content, encoding="utf-8")
        yield shared
    finally:
        shutil.rmtree(shared.path, ignore_errors=True)
        for each in made:
            with suppress(OSError):  # somebody else has put something there
                each.rmdir()


@dataclass(frozen=True)
class _Place:
    """A node as Ray knows it."""

    id: str
    name: str
    gpus: float

    def run(self, function: Any) -> Any:
        """The function as one that Ray runs on this node and nowhere else."""
        there = NodeAffinitySchedulingStrategy(self.id, soft=False)
        return ray.remote(function).options(num_cpus=0, max_retries=0, scheduling_strategy=there)


def _places() -> list[_Place]:
    """The nodes that are alive, by names that tell them apart."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    names = distinct([
        (_called(node), f" ({node['NodeManagerAddress']})", f" {node['NodeID'][:6]}") for node in nodes
    ])  # fmt: skip
    places = [
        _Place(node["NodeID"], name, node["Resources"].get("GPU", 0)) for node, name in zip(nodes, names, strict=True)
    ]
    return sorted(places, key=lambda place: place.name)


def _called(node: dict[str, Any]) -> str:
    """As who started it called it, else its host."""
    named = node["NodeName"] != node["NodeManagerAddress"]
    return str(node["NodeName"] if named else node["NodeManagerHostname"])


def distinct(parts: Sequence[tuple[str, ...]]) -> list[str]:
    """Of each name as many of its parts as tell it from all others."""
    longest = max(map(len, parts), default=0)
    tried = [["".join(each[:count]) for each in parts] for count in range(1, longest + 1)]
    counts = [Counter(names) for names in tried]
    return [
        next((names[row] for names, count in zip(tried, counts, strict=True) if count[names[row]] == 1), tried[-1][row])
        for row in range(len(parts))
    ]


def _ask_all(places: Sequence[_Place], shared: _Shared | None, data: str, patience: float) -> tuple[Node, ...]:
    program = inspect.getsource(node_check)
    asked = []
    for place in places:
        folder, content = (str(shared.path), shared.content) if shared else ("", "")
        question = Question(PACKAGES, folder, content, place.id, data)
        asked.append(place.run(node_check.ask).remote(program, json.dumps(asdict(question)), patience))
    ray.wait(asked, num_returns=len(asked), timeout=patience + GRACE)
    return tuple(_node(place, answer, shared, patience) for place, answer in zip(places, asked, strict=True))


def _node(place: _Place, asked: Any, shared: _Shared | None, patience: float) -> Node:
    ready, _ = ray.wait([asked], timeout=0)
    if not ready:
        ray.cancel(asked, force=True)
        return Node(place.name, place.gpus, Answer(), f"gave no answer within {patience + GRACE:g} s")
    try:
        said, ended = ray.get(asked)
    except RayError as error:
        return Node(place.name, place.gpus, Answer(), f"failed ({_why(error)})")
    answer = _read(said)
    if answer.storage == "shared" and shared is not None and (wrong := shared.seen(place.id)):
        answer = replace(answer, storage="unseen", storage_error=wrong)
    return Node(place.name, place.gpus, answer, ended, _clock(place))


def _why(error: RayError) -> str:
    """What Ray says, without its advice on where to look for more."""
    cause = error.cause if isinstance(error, RayTaskError) else error
    return next(iter(str(cause).strip().splitlines()), type(cause).__name__).partition(". ")[0]


def _read(said: str) -> Answer:
    """What the lines of a node say together."""
    found: dict[str, Any] = {}
    for line in said.splitlines():
        if line.startswith("{"):
            found |= json.loads(line)
    return TypeAdapter(Answer).validate_python(found)


def _clock(place: _Place) -> Clock | None:
    """A node's clock against this one's; None when it says no time."""
    now = place.run(node_check.now)
    measured = []
    for _ in range(ASKED):
        sent = time.time()
        try:
            there = ray.get(now.remote(), timeout=GRACE)
        except RayError:
            return None
        half = (time.time() - sent) / 2
        measured.append(Clock(there - sent - half, half))
    return min(measured, key=lambda clock: clock.uncertainty)
