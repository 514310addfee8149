"""Whether a Ray cluster lets this machine in: ``python -m autocls.search.access ADDRESS`` prints what it says, as JSON.

Asked before Ray is, which waits for twenty seconds after a wrong token and for minutes where nobody answers. And asked
by a process of its own: Ray's part in C++ writes to stderr, and ends a process that has no token.
"""

import json
import os
import socket
import sys
import time
from dataclasses import asdict, dataclass

import ray
from ray._private import services
from ray._private.utils import check_version_info
from ray._raylet import (  # type: ignore[attr-defined]  # compiled, without stubs
    AuthenticationMode,
    AuthenticationTokenLoader,
    Config,
    GcsClient,
    get_authentication_mode,
)
from ray.core.generated.gcs_pb2 import GcsNodeInfo  # type: ignore[attr-defined]  # made by protobuf
from ray.exceptions import AuthenticationError, RayError

from autocls.errors import BadInput

PATIENCE = 5.0
"""Seconds for each answer."""
JOINING = 10
"""Seconds in which a node that was started just now becomes one of the cluster."""
MODE = "RAY_AUTH_MODE"
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
"""Of HTTP/2, whose servers answer with a frame of the same kind: the preface and an empty SETTINGS frame."""


@dataclass(frozen=True)
class Access:
    """To a cluster."""

    where: str
    """Its head's HOST:PORT."""
    token: bool
    """Whether it wants one."""


def seek(address: str) -> Access:
    """Whether the cluster at ``auto`` or HOST:PORT lets this process in. Raises BadInput that says what to do."""
    named = os.environ.get("RAY_ADDRESS", "") if address == "auto" else ""
    if "://" in (named or address):
        raise BadInput(f"--address {address}{f' (RAY_ADDRESS={named})' * bool(named)}: {_elsewhere(named or address)}")
    where = _where(address, named)
    what = f"--address auto ({where})" if address == "auto" else f"--address {address}"
    _greet(what, where)
    token = _wants_token(what, where)
    if token and address == "auto" and not named and MODE not in os.environ and _source():
        _switch("token")  # as Ray does for a cluster that it finds on this machine
    if token:
        _check_token(what, where)
    elif get_authentication_mode() == AuthenticationMode.TOKEN:
        raise BadInput(
            f"{what}: {MODE}=token is set here, but the cluster runs without tokens: set {MODE}=disabled here, or "
            f"start the cluster with {MODE}=token and the token of this machine"
        )
    client = GcsClient(address=where)
    _check_versions(what, client)
    _check_nodes(what, where, client)
    return Access(where, token)


def _elsewhere(url: str) -> str:
    host = url.partition("://")[2].rpartition(":")[0] or "HOST"
    return (
        "a search doesn't run through Ray Client or a dashboard, since its study stays with the process that places "
        "the trials: run `autocls search … --address auto` on a machine of the cluster, or hand it in with `ray job "
        f"submit --address http://{host}:8265 -- autocls search … --address auto`"
    )


def _where(address: str, named: str) -> str:
    try:
        found = services.canonicalize_bootstrap_address(address)
    except ConnectionError:
        found = None
    except (ValueError, OSError) as error:
        raise BadInput(
            f"--address {named or address}: no Ray cluster answers there: {error}; "
            "known: auto, local, inline or HOST:PORT"
        ) from None
    if found is None:
        raise BadInput(
            f"--address {address}: no Ray cluster runs on this machine, and RAY_ADDRESS names none: start one with "
            "`ray start --head`, join one with `ray start --address=HEAD:6379`, or leave --address out"
        )
    return str(found)


def _greet(what: str, where: str) -> None:
    """Raises BadInput when nobody listens, or somebody who doesn't speak Ray's HTTP/2."""
    host, _, port = where.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE) as line:
            if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
                return
            line.sendall(GREETING)
            answer = line.recv(9)
    except TimeoutError:
        raise BadInput(
            f"{what}: no Ray cluster answers there: {PATIENCE:g} seconds without a word; is its head alive, and does a "
            "firewall stand between?"
        ) from None
    except (OSError, ValueError, OverflowError) as error:
        raise BadInput(
            f"{what}: no Ray cluster answers there: {error}; start its head there with `ray start --head "
            f"--port={port}`, or name the port that it has (6379 unless said otherwise)"
        ) from None
    if answer[3:4] != b"\x04":
        raise BadInput(f"{what}: no Ray cluster answers there, but something else; {_PORT}")


_PORT = "the port is the head's own, 6379 unless `ray start --head --port` said otherwise"


def _wants_token(what: str, where: str) -> bool:
    """Without showing one. Raises BadInput where it isn't Ray's head that listens."""
    mode = os.environ.get(MODE)
    _switch("disabled")
    try:
        GcsClient(address=where)
    except AuthenticationError:
        return True
    except RayError:
        raise BadInput(f"{what}: no Ray head answers there, but something else; {_PORT}") from None
    finally:
        _switch(mode)
    return False


def _switch(mode: str | None) -> None:
    """Set whether this process uses a token."""
    if mode is None:
        os.environ.pop(MODE, None)
    else:
        os.environ[MODE] = mode
    Config.initialize("")


def _source() -> str:
    """Where this machine's token is, in words; empty when there is none."""
    try:
        if not AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True):
            return ""
    except AuthenticationError:  # RAY_AUTH_TOKEN_PATH names what is no file
        return ""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return "RAY_AUTH_TOKEN"
    path = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return f"{path} (RAY_AUTH_TOKEN_PATH)" if path else "~/.ray/auth_token"


def _check_token(what: str, where: str) -> None:
    host = where.rpartition(":")[0]
    fetch = f"`mkdir -p ~/.ray && ssh {host} ray get-auth-token > ~/.ray/auth_token`"
    source = _source()
    if not source:
        path = os.environ.get("RAY_AUTH_TOKEN_PATH")
        here = f"RAY_AUTH_TOKEN_PATH={path} holds none" if path else "there is none here"
        aside = ", unset RAY_AUTH_TOKEN_PATH" * bool(path)
        raise BadInput(
            f"{what}: the cluster wants a token, and {here}: copy its own with {fetch} (or set RAY_AUTH_TOKEN to what "
            f"`ray get-auth-token` prints there){aside}, and set {MODE}=token"
        )
    if get_authentication_mode() != AuthenticationMode.TOKEN:
        raise BadInput(
            f"{what}: the cluster wants a token, and Ray doesn't show it the one here ({source}) unless told to: set "
            f"{MODE}=token"
        )
    try:
        GcsClient(address=where)
    except AuthenticationError:
        other = "" if source.startswith("~") else f", unset {source.rpartition('(')[2].rstrip(')')}"
        raise BadInput(
            f"{what}: the cluster wants another token than the one here ({source}): copy its own with {fetch}{other}"
        ) from None


def _check_versions(what: str, client: GcsClient) -> None:
    said = client.internal_kv_get(b"CLUSTER_METADATA", b"cluster", timeout=PATIENCE)
    cluster = json.loads(said or "{}")
    try:
        if cluster:
            check_version_info(cluster, "here")
    except RuntimeError:
        here = ray.__version__, ".".join(map(str, sys.version_info[:3]))
        there = cluster["ray_version"], cluster["python_version"]
        near = there[0] == here[0] and there[1].split(".")[:2] == here[1].split(".")[:2]
        loose = "; or set RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL=minor, here and there" * near
        raise BadInput(
            f"{what}: the cluster has Ray {there[0]} on Python {there[1]}, this machine Ray {here[0]} on Python "
            f"{here[1]}: they must be the same on all machines: `pip install 'ray[tune]=={there[0]}'` in a Python "
            f"{there[1]}{loose}"
        ) from None


def _check_nodes(what: str, where: str, client: GcsClient) -> None:
    """Raises BadInput when this machine isn't one of the cluster's: Ray would look for its node for a minute."""
    for _ in range(JOINING):
        alive = client.get_all_node_info(timeout=PATIENCE, state_filter=GcsNodeInfo.GcsNodeState.ALIVE)
        if {node.hex() for node in alive} & set(services.find_node_ids()):
            return
        time.sleep(1)
    raise BadInput(
        f"{what}: this machine is none of the cluster's: join it with `ray start --address={where}` (and `--num-cpus=0 "
        "--num-gpus=0` should it train nothing), or run the search on one of: "
        + ", ".join(sorted({node.node_manager_address for node in alive.values()}))
    )


if __name__ == "__main__":
    try:
        print(json.dumps(asdict(seek(sys.argv[1]))))
    except BadInput as refusal:
        print(json.dumps({"refusal": str(refusal)}))
