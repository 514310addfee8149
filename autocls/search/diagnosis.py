"""What is to mend on a cluster's nodes, judged from what they answered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

CLOCK = 2.0
"""Seconds that a node's clock may be off."""
FREE = 2e9
"""Bytes that must be free where decoded images or checkpoints go."""
IMPORT = 30.0
"""Seconds that importing torch may take."""
HERE = "this machine"
"""How the driver's is called."""

Check = Literal["answer", "versions", "gpus", "storage", "data", "clock", "disk", "torch"]


@dataclass(frozen=True)
class Answer:
    """What a node said of itself. None or empty: it was not asked, or did not come so far."""

    doing: str = "starting a process"
    """What it did last; empty when it came to the end."""
    executable: str = ""
    """The Python of Ray's workers."""
    python: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    """By package; empty where it can't be imported."""
    storage: Literal["shared", "absent", "unreadable", "unwritable", "unseen"] | None = None
    """What became of the driver's file and of the node's own in the output folder."""
    storage_error: str = ""
    data: str = ""
    """How much is in the folder or file of the images."""
    data_error: str = ""
    torch_seconds: float | None = None
    """That importing it took in a fresh process."""
    torch_error: str = ""
    gpus: tuple[str, ...] = ()
    """Names of those that torch sees."""
    built_for: str = ""
    """Torch: the version of CUDA or ROCm."""
    autocls_error: str = ""
    cache: str = ""
    cache_free: int | None = None
    """Bytes."""


@dataclass(frozen=True)
class Clock:
    """How far a node's clock is ahead of the driver's, in seconds, give or take ``uncertainty``."""

    offset: float
    uncertainty: float


@dataclass(frozen=True)
class Node:
    """A node of the cluster."""

    name: str
    ray_gpus: float
    """That Ray counts."""
    answer: Answer
    ended: str = ""
    """Why it did not answer to the end."""
    clock: Clock | None = None


@dataclass(frozen=True)
class Here:
    """The driver's machine."""

    python: str
    versions: Mapping[str, str]
    out: str
    """The output folder, or its URL."""
    out_error: str = ""
    """Why it can't be written."""
    out_free: int | None = None
    """Bytes; None at a URL."""
    data: str = ""
    """The path of the images that nodes have to read; empty when there is none."""
    data_extent: str = ""
    """How much is in it."""


@dataclass(frozen=True)
class Finding:
    """Something to mend: what was found on a node, what is wanted, and how to mend it."""

    node: str
    check: Check
    says: str


def judge(here: Here, nodes: Sequence[Node]) -> list[Finding]:
    """All there is to mend, node by node."""
    found = [Finding(HERE, check, says) for check, says in _here(here)]
    return found + [
        Finding(node.name, check, says) for node in nodes for check, look in _CHECKS for says in look(here, node)
    ]


def _here(here: Here) -> Iterator[tuple[Check, str]]:
    if here.out_error:
        yield "storage", f"{here.out} can't be written ({here.out_error}): give --out a place that can"
    if here.out_free is not None and here.out_free < FREE:
        yield "disk", f"{_size(here.out_free)} free in {here.out}, wanted are {_size(FREE)}: give --out a larger disk"


def _ended(here: Here, node: Node) -> Iterator[str]:
    if node.ended:
        doing = f" while {node.answer.doing}" if node.answer.doing else ""
        yield (
            f"{node.ended}{doing}: see whether the machine or one of its mounts hangs, or take it out of the cluster"
        )


def _versions(here: Here, node: Node) -> Iterator[str]:
    there = node.answer
    if there.python and minor(there.python) != minor(here.python):
        mine = minor(here.python)
        yield f"Python is {minor(there.python)} there and {mine} here: start Ray there from a Python {mine}"
    missing = [name for name, version in there.versions.items() if not version]
    if missing:
        yield f"{_listed(missing)} can't be found there: {_pip(here, there, missing)}"
    for name, version in there.versions.items():
        if version and _public(version) != _public(here.versions[name]):
            yield f"{name} is {version} there and {here.versions[name]} here: {_pip(here, there, [name])}"
    for name, error in (("torch", there.torch_error), ("autocls", there.autocls_error)):
        if error and there.versions.get(name):
            yield f"{name} can't be used there ({error}): {_pip(here, there, [name])}"


def _gpus(here: Here, node: Node) -> Iterator[str]:
    there = node.answer
    if there.torch_seconds is None or node.ray_gpus == len(there.gpus):
        return
    sees = f"Ray counts {node.ray_gpus:g} GPU{'s' * (node.ray_gpus != 1)} and torch sees {len(there.gpus)}"
    count = f"start Ray there with `--num-gpus {len(there.gpus)}`"
    if node.ray_gpus < len(there.gpus):
        yield f"{sees}, so some lie idle: {count}, or with CUDA_VISIBLE_DEVICES set to those that are for it"
    else:
        built = "" if there.built_for else " (it is built for CPUs)"
        mend = "install a torch that fits the driver there (`nvidia-smi` shows which)"
        yield f"{sees}{built}, so trials are placed where no GPU is: {mend}, or {count}"


def _storage(here: Here, node: Node) -> Iterator[str]:
    there = node.answer
    if there.storage in (None, "shared"):
        return
    found = {
        "absent": f"{here.out} is not shared, what the driver wrote into it is not there",
        "unreadable": f"{here.out} can't be read there ({there.storage_error})",
        "unwritable": f"{here.out} can't be written there ({there.storage_error})",
        "unseen": f"what is written into {here.out} there can't be read here ({there.storage_error})",
    }[there.storage]
    follows = "trials there begin anew after a failure instead of going on from their checkpoint"
    yield f"{found}, so {follows}: give --out a folder that all nodes share"


def _data(here: Here, node: Node) -> Iterator[str]:
    there = node.answer
    mend = "mount it there, or search with `--send-data`, which sends the images to every node"
    if there.data_error:
        yield f"{here.data} can't be read there ({there.data_error}): {mend}"
    elif there.data and there.data != here.data_extent:
        yield f"{here.data} has {there.data} there and {here.data_extent} here: {mend}"


def _clock(here: Here, node: Node) -> Iterator[str]:
    clock = node.clock
    if clock is not None and abs(clock.offset) - clock.uncertainty > CLOCK:
        way = "ahead of" if clock.offset > 0 else "behind"
        off = f"{abs(clock.offset):.1f} s {way} this machine's (± {clock.uncertainty:.1f} s)"
        yield f"the clock is {off}, wanted are {CLOCK:g} s at the most: set both by NTP (`timedatectl set-ntp true`)"


def _disk(here: Here, node: Node) -> Iterator[str]:
    there = node.answer
    if there.cache_free is not None and there.cache_free < FREE:
        free = f"{_size(there.cache_free)} free for the cache {there.cache}, wanted are {_size(FREE)}"
        yield f"{free}: delete what is old there, or set AUTOCLS_CACHE to a folder on a larger disk before `ray start`"


def _time(here: Here, node: Node) -> Iterator[str]:
    taken = node.answer.torch_seconds
    if taken is not None and taken > IMPORT:
        mend = "a slow shared file system is the usual cause, so install into an environment on a disk of the node's"
        yield f"importing torch took {taken:.0f} s, wanted are {IMPORT:g} s at the most: {mend}"


_CHECKS: tuple[tuple[Check, Callable[[Here, Node], Iterator[str]]], ...] = (
    ("answer", _ended),
    ("versions", _versions),
    ("gpus", _gpus),
    ("storage", _storage),
    ("data", _data),
    ("clock", _clock),
    ("disk", _disk),
    ("torch", _time),
)


def _pip(here: Here, there: Answer, packages: Sequence[str]) -> str:
    wanted = " ".join(f"{name}=={_public(here.versions[name])}" for name in packages)
    return f"run `{there.executable} -m pip install {wanted}` there"


def minor(version: str) -> str:
    """``3.11`` of ``3.11.7``."""
    return ".".join(version.split(".")[:2])


def _public(version: str) -> str:
    """Without what torch was built for: a laptop without a GPU may search on nodes that have some."""
    return version.partition("+")[0]


def _size(number: float) -> str:
    return f"{number / 1e9:.1f} GB"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + [names[-1]])
