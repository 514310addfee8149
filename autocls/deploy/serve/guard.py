"""What is turned away before the application sees it: bodies that are too large, and hosts that aren't this one."""

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autocls.addresses import names_loopback

_ENVELOPE = 4096
"""Bytes of a request around each of its files."""


@dataclass(frozen=True)
class Limits:
    """What one request may bring."""

    bytes: int = 16 * 2**20
    """Of a file."""
    files: int = 32

    @property
    def body(self) -> int:
        """Bytes of a whole request."""
        return self.files * (self.bytes + _ENVELOPE)


class Guard:
    """Middleware; ``local`` when only this machine is to be answered."""

    def __init__(self, app: ASGIApp, limits: Limits, local: bool) -> None:
        self._app = app
        self._limits = limits
        self._local = local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        said = headers.get("content-length", "")
        if self._local and not names_loopback(headers.get("host", "")):
            refusal = refused(HTTPStatus.MISDIRECTED_REQUEST, "this server answers to this machine's own name alone")
            await refusal(scope, receive, send)
        elif said.isdecimal() and int(said) > self._limits.body:
            await self._too_large()(scope, receive, send)
        else:
            await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        """What comes in, until it is too much: a body in chunks doesn't say its length."""
        came = 0

        async def counting() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._limits.body:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._said())
            return message

        return counting

    def _too_large(self) -> JSONResponse:
        return refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._said())

    def _said(self) -> str:
        return f"the request is larger than {self._limits.body} bytes"


def refused(status: HTTPStatus, why: str) -> JSONResponse:
    """An error as FastAPI gives it."""
    return JSONResponse({"detail": why}, status)
