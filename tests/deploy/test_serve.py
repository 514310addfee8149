"""``autocls serve`` as a process of its own, asked over HTTP."""

import io
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

import autocls
from autocls.cli.serve import command
from autocls.data import ImageData

MAX_BYTES, MAX_FILES = 100_000, 8


def serve(model: Path, *options: object) -> "tuple[subprocess.Popen[str], str]":
    """The process, and the address that it says it listens at."""
    words = [sys.executable, "-m", "autocls", "serve", model, "--port", 0, *options]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )
    assert process.stdout is not None
    return process, process.stdout.readline().removeprefix("serve: ").strip()


@pytest.fixture(scope="module")
def server(digits_model: Path) -> Iterator[str]:
    process, address = serve(digits_model, "--max-bytes", MAX_BYTES, "--max-files", MAX_FILES, "--batch-size", 4)
    yield address
    process.terminate()
    process.communicate(timeout=30)


def png(pixels: np.ndarray, format: str = "png") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format)
    return file.getvalue()


@pytest.fixture(scope="module")
def pictures(digits: ImageData) -> list[bytes]:
    return [png(digits.images[row, 0]) for row in digits.split.test[:60]]


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 10¹⁰ pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def ask(server: str, *contents: bytes, **asked: Any) -> requests.Response:
    files = [("files", (f"{i}.png", content)) for i, content in enumerate(contents)]
    return requests.post(f"{server}/predict", files=files, timeout=60, **asked)


def test_labels_are_those_of_predict(server: str, pictures: list[bytes], digits_model: Path):
    answer = ask(server, *pictures[:6], params={"top": 4})
    expected = autocls.load(digits_model).predict([Image.open(io.BytesIO(p)) for p in pictures[:6]], top=4)
    assert answer.status_code == 200
    for i, (seen, prediction) in enumerate(zip(answer.json()["predictions"], expected, strict=True)):
        assert (seen["file"], seen["error"]) == (f"{i}.png", None)
        assert [each["label"] for each in seen["labels"]] == [label for label, _ in prediction.ranked]
        probabilities = [p for _, p in prediction.ranked]
        assert [each["probability"] for each in seen["labels"]] == pytest.approx(probabilities, abs=1e-5)


def test_one_image_may_be_the_body(server: str, pictures: list[bytes]):
    (in_form,) = ask(server, pictures[0]).json()["predictions"]
    answer = requests.post(f"{server}/predict", data=pictures[0], headers={"Content-Type": "image/png"}, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["predictions"] == [{**in_form, "file": ""}]


def test_many_at_once_get_what_one_alone_gets(server: str, pictures: list[bytes]):
    alone = [ask(server, picture).json()["predictions"][0]["labels"][0] for picture in pictures]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: ask(server, pictures[i], pictures[-1 - i]), range(len(pictures))))
    assert {answer.status_code for answer in answers} == {200}
    for i, answer in enumerate(answers):
        for wanted, seen in zip((alone[i], alone[-1 - i]), answer.json()["predictions"], strict=True):
            assert seen["labels"][0]["label"] == wanted["label"]
            assert seen["labels"][0]["probability"] == pytest.approx(wanted["probability"], abs=1e-5)


def test_a_bad_picture_among_others_has_its_error_and_they_their_labels(server: str, pictures: list[bytes]):
    bad = [b"no picture", b"", pictures[0][:60], bomb(), b"x" * (MAX_BYTES + 1)]
    answer = ask(server, pictures[0], *bad, pictures[1])
    assert answer.status_code == 200
    first, *middle, last = answer.json()["predictions"]
    assert first["labels"]
    assert last["labels"]
    assert [seen["labels"] for seen in middle] == [[]] * len(bad)
    said = [seen["error"] for seen in middle]
    assert said[0] == "not an image that Pillow can read"
    assert said[1] == "the file is empty"
    assert "truncated" in said[2]
    assert "pixels" in said[3]
    assert said[4] == f"the file is larger than {MAX_BYTES} bytes"


def test_pictures_of_every_kind_are_read(server: str):
    random = np.random.default_rng(0)
    colour = random.integers(0, 256, (40, 30, 3), dtype=np.uint8)
    deep = random.integers(0, 65536, (40, 30)).astype(np.uint16)
    contents = [png(colour, "jpeg"), png(colour, "webp"), png(np.dstack([colour, colour[..., :1]])), png(deep)]
    answer = ask(server, *contents)
    assert [seen["error"] for seen in answer.json()["predictions"]] == [None] * 4


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"no picture", 422), (bomb(), 422), (b"x" * (MAX_BYTES + 1), 413)],
    ids=["text", "bomb", "large"],
)
def test_a_request_without_a_good_picture_is_refused(server: str, content: bytes, status: int):
    answer = ask(server, content)
    assert answer.status_code == status
    assert answer.json()["predictions"][0]["error"]
    alone = requests.post(f"{server}/predict", data=content, headers={"Content-Type": "image/png"}, timeout=60)
    assert alone.status_code == status


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_not_taken(server: str, chunked: bool):
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 100000000"
        kind = b"Content-Type: multipart/form-data; boundary=b"
        connection.sendall(b"\r\n".join([b"POST /predict HTTP/1.1", b"Host: localhost", kind, length, b"", b""]))
        if chunked:
            part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
            sent = 0
            for body in [part, *[b"x" * 65536] * 20]:  # 1.3 MB, of the 0.8 that are allowed; then nothing
                try:
                    connection.sendall(b"%x\r\n%s\r\n" % (len(body), body))
                except OSError:
                    break  # it has hung up
                sent += len(body)
            assert sent > MAX_BYTES * MAX_FILES
        answer = HTTPResponse(connection)
        answer.begin()
        assert answer.status == 413
        assert b"larger than" in answer.read()


def test_too_many_files_are_refused(server: str, pictures: list[bytes]):
    answer = ask(server, *[pictures[0]] * (MAX_FILES + 1))
    assert answer.status_code == 400
    assert "Too many files" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"data": b"x", "headers": {"Content-Type": "text/plain"}}, 415, "not text/plain"),
        ({}, 415, "no type"),
        ({"files": {"picture": b"x"}}, 422, "'files'"),
        ({"data": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "boundary"),
        ({"data": b"x", "headers": {"Content-Type": "image/png"}, "params": {"top": 0}}, 422, "greater than"),
    ],
)
def test_what_is_no_request_says_what_is_wanted(server: str, asked: dict[str, Any], status: int, said: str):
    answer = requests.post(f"{server}/predict", timeout=60, **asked)
    assert answer.status_code == status
    assert said in str(answer.json()["detail"])


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "[::", ""])
def test_another_name_than_this_machine_s_is_not_answered(server: str, host: str):
    answer = requests.get(f"{server}/model", headers={"Host": host}, timeout=60)
    assert answer.status_code == 421
    assert "labels" not in answer.text


def test_it_says_that_it_is_well_what_it_knows_and_how_to_ask(server: str):
    assert requests.get(f"{server}/health", timeout=60).json() == {"status": "ok"}
    card = requests.get(f"{server}/model", timeout=60).json()
    assert card["labels"] == list("0123456789")
    assert (card["image_size"], card["channels"]) == (28, 1)
    described = requests.get(f"{server}/openapi.json", timeout=60).json()
    body = described["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "image/*"}
    assert set(described["paths"]) == {"/predict", "/health", "/model"}
    assert requests.get(f"{server}/docs", timeout=60).status_code == 200


@pytest.mark.parametrize(("how", "host"), [(signal.SIGINT, "127.0.0.1"), (signal.SIGTERM, "0.0.0.0")])
def test_it_ends_well_and_answers_who_has_begun(
    digits_model: Path, pictures: list[bytes], how: signal.Signals, host: str
):
    process, address = serve(digits_model, "--host", host)
    ask(address, pictures[0])
    port = int(address.rpartition(":")[2])
    with socket.create_connection((host, port), timeout=60) as connection:
        named = f"Host: {host}"
        head = ("POST /predict HTTP/1.1", named, "Content-Type: image/png", f"Content-Length: {len(pictures[0])}")
        connection.sendall("\r\n".join([*head, "", ""]).encode() + pictures[0][:50])
        time.sleep(0.3)
        process.send_signal(how)
        time.sleep(0.3)
        connection.sendall(pictures[0][50:])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert ("anybody who reaches the address can ask" in said) == (host != "127.0.0.1")


def test_a_port_that_is_taken_is_bad_input(digits_model: Path):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(autocls.BadInput, match="can't listen there"),
    ):
        command(digits_model, port=taken.getsockname()[1])


def test_a_missing_extra_is_named(digits_model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(autocls.BadInput, match=r"needs uvicorn: pip install 'autocls\[serve\]'"):
        command(digits_model)
