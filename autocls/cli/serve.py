"""``autocls serve``."""

import contextlib
import logging
import socket
from pathlib import Path
from typing import Annotated

import typer

from autocls.addresses import LOOPBACK, is_loopback
from autocls.errors import BadInput
from autocls.extras import require

log = logging.getLogger("autocls")

_AT_ONCE = 64
"""Connections; one more is told to come again (503)."""
_PATIENCE = 10
"""Seconds in which requests that have begun may end."""


def command(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    host: Annotated[str, typer.Option(help="The address to listen at; with another one than this machine's own, "
                                           "others can ask too.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen at; 0 takes a free one.")] = 8000,
    batch_size: Annotated[int, typer.Option(min=1, help="How many pictures are answered together, at most.")] = 32,
    max_bytes: Annotated[int, typer.Option(min=1, help="The largest picture file.")] = 16 * 2**20,
    max_files: Annotated[int, typer.Option(min=1, help="How many pictures a request may have.")] = 32,
) -> None:  # fmt: skip
    """Answer what is on pictures over HTTP, until ctrl-C: POST /predict, GET /health, GET /model; described at /docs.

    Example:

        autocls serve reports/photos-quick/model

        curl -F files=@bird.jpg -F files=@cat.jpg http://127.0.0.1:8000/predict
    """
    require("serve", "serve", ("fastapi", "python_multipart", "uvicorn"))
    with _listening(host, port) as listener:  # before the model is loaded, which takes seconds
        import uvicorn

        from autocls.deploy import Classifier
        from autocls.deploy.serve.application import application
        from autocls.deploy.serve.guard import Limits

        local = is_loopback(host)
        app = application(Classifier.load(model), Limits(max_bytes, max_files), batch_size, local=local)
        config = uvicorn.Config(
            app, log_config=None, log_level="warning", access_log=False, server_header=False, ws="none", lifespan="on",
            limit_concurrency=_AT_ONCE, timeout_graceful_shutdown=_PATIENCE,
        )  # fmt: skip
        if not local:
            log.warning("anybody who reaches the address can ask: there is no password")
        name = f"[{host}]" if ":" in host else host
        print(f"serve: http://{name}:{listener.getsockname()[1]}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises BadInput when it can't."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise BadInput(f"--host {host} --port {port}: can't listen there: {error}") from None
