"""A server on this machine that speaks S3, for tests that keep something there."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

HOST = "127.0.0.1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
"""What the environment must hold for the server to be asked anything."""


def serve(port: int = 0) -> ThreadedMotoServer:
    """A running server at a port, or at a free one. What it holds lives as long as this process."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # or each request is a line
    server = ThreadedMotoServer(ip_address=HOST, port=port, verbose=False)
    server.start()
    return server


@contextmanager
def served() -> Iterator[ThreadedMotoServer]:
    """A running server that whatever runs meanwhile may ask."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        server = serve()
        yield server
        server.stop()


def port_of(server: ThreadedMotoServer) -> int:
    """Where it listens."""
    port: int = server.get_host_and_port()[1]
    return port


def empty_bucket(server: ThreadedMotoServer) -> Any:
    """A client of the server, which has an empty bucket called `bucket`."""
    client = boto3.client("s3", endpoint_url=f"http://{HOST}:{port_of(server)}")
    client.create_bucket(Bucket="bucket")
    for entry in client.list_objects_v2(Bucket="bucket").get("Contents", ()):
        client.delete_object(Bucket="bucket", Key=entry["Key"])
    return client


def keys(client: Any, prefix: str) -> set[str]:
    """The files of the bucket below a prefix, by their names below it."""
    found = client.list_objects_v2(Bucket="bucket", Prefix=prefix).get("Contents", ())
    return {entry["Key"].removeprefix(prefix) for entry in found if not entry["Key"].endswith("/")}


def url_at(port: int, bucket: str = "bucket") -> str:
    """Of the run folder runs/x of a bucket."""
    return f"s3://{bucket}/runs/x?endpoint_override={HOST}:{port}&scheme=http"
