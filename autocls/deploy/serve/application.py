"""The HTTP interface of a classifier: pictures in, labels with probabilities out."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from http import HTTPStatus
from importlib.metadata import version
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel
from starlette.datastructures import UploadFile

from autocls.data.images import decode
from autocls.deploy.classifier import Classifier
from autocls.deploy.serve.batcher import Batcher, Pixels
from autocls.deploy.serve.guard import Guard, Limits
from autocls.errors import BadInput


class Ranked(BaseModel):
    """A label and how probable it is, 0..1."""

    label: str
    probability: float


class Seen(BaseModel):
    """What is on one picture, the likeliest label first, or why it can't be told."""

    file: str
    labels: list[Ranked] = []
    error: str | None = None


class Answer(BaseModel):
    """One entry for each picture of the request, in its order."""

    predictions: list[Seen]


class Health(BaseModel):
    """That the server answers."""

    status: str = "ok"


_PICTURE = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Image files under the name `files`, or one image as the body.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {"files": {"type": "array", "items": _PICTURE["schema"]}},
                }
            },
            "image/*": _PICTURE,
        },
    }
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The form can't be read, or has too many files."},
    413: {"description": "The request, or every picture in it, is too large."},
    415: {"description": "The body is neither a form with files nor an image."},
    422: {"description": "No picture can be read; `error` says of each why."},
}


def application(classifier: Classifier, limits: Limits, batch_size: int, *, local: bool) -> FastAPI:
    """Serves ``classifier``; when ``local``, only requests that name this machine are answered."""
    batcher = Batcher(classifier.answer, batch_size)
    cores = max(2, os.cpu_count() or 2)
    decoding, turns = ThreadPoolExecutor(cores, "decode"), asyncio.Semaphore(cores)

    @asynccontextmanager
    async def answering(_: FastAPI) -> AsyncIterator[None]:
        card = classifier.card
        await asyncio.to_thread(classifier.answer, np.zeros((1, card.channels, *[card.image_size] * 2), np.uint8))
        task = asyncio.create_task(batcher.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        decoding.shutdown()

    app = FastAPI(title="autocls", version=version("autocls"), description=__doc__ or "", lifespan=answering)
    app.add_middleware(Guard, limits=limits, local=local)

    def pixels(content: bytes) -> Pixels | BadInput:
        try:
            return classifier.pixels(decode(content))
        except BadInput as error:
            return error

    async def taken(content: bytes) -> Pixels | BadInput:
        return await asyncio.get_running_loop().run_in_executor(decoding, pixels, content)

    async def seen(name: str, picture: Pixels | BadInput, top: int | None) -> Seen:
        if isinstance(picture, BadInput):
            return Seen(file=name, error=str(picture))
        row = await batcher.ask(picture)
        ranked = classifier.listed(row[None], top)[0].ranked
        return Seen(file=name, labels=[Ranked(label=label, probability=p) for label, p in ranked])

    async def seen_file(file: UploadFile, top: int | None) -> Seen:
        name = file.filename or ""
        if (file.size or 0) > limits.bytes:
            return Seen(file=name, error=_too_large(limits))
        async with turns:  # a form's files lie on disk, and come into memory as they can be decoded
            picture = await taken(await file.read())
        return await seen(name, picture, top)

    @app.post("/predict", openapi_extra=_BODY, responses=_REFUSALS)
    async def predict(request: Request, response: Response, top: Annotated[int | None, Query(ge=1)] = None) -> Answer:
        """Say what is on one or more pictures: the `top` likeliest labels of each.

        By default these are three, and of a multi-label model all that reach their thresholds.
        A picture that can't be read has an `error` instead, and the others their labels.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith("image/"):
            predictions = [await seen("", await taken(await _body(request, limits)), top)]
        elif kind == "multipart/form-data":
            async with request.form(max_files=limits.files, max_fields=limits.files) as form:
                files = [part for part in form.getlist("files") if isinstance(part, UploadFile)]
                if not files:
                    raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "the form has no files under the name 'files'")
                predictions = list(await asyncio.gather(*(seen_file(file, top) for file in files)))
        else:
            raise HTTPException(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"send image files as multipart/form-data, or one image as image/…, not {kind or 'a body of no type'}",
            )
        response.status_code = _status(predictions, limits)
        return Answer(predictions=predictions)

    @app.get("/health")
    async def health() -> Health:
        """Whether the server answers; it does once the network has given its first answer."""
        return Health()

    @app.get("/model")
    async def model() -> dict[str, Any]:
        """The model's card: its labels, the images it takes, and what it scored."""
        return asdict(classifier.card)

    return app


async def _body(request: Request, limits: Limits) -> bytes:
    """The body, which is one file. Raises HTTPException 413."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limits.bytes:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large(limits))
    return bytes(body)


def _too_large(limits: Limits) -> str:
    return f"the file is larger than {limits.bytes} bytes"


def _status(predictions: Sequence[Seen], limits: Limits) -> HTTPStatus:
    errors = [seen.error for seen in predictions]
    if None in errors:
        return HTTPStatus.OK
    large = all(error == _too_large(limits) for error in errors)
    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if large else HTTPStatus.UNPROCESSABLE_ENTITY
