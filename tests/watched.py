"""A search whose epochs come when a test says so, and what a server says of it."""

import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPMessage
from pathlib import Path

import autocls
from autocls.recipe import Recipe

SPACE = {
    "norm": ["none", "batch"],
    "label_smoothing": {"uniform": [0.0, 0.2]},
    "epochs": 2,
    "suggestions": [{"norm": "batch"}],
}
"""Its second trial is its first with BatchNorm, whatever the sampler finds."""


@dataclass
class Gate:
    """Lets the epochs of a search through, one by one or all at once."""

    folder: Path
    trials: int = 4
    _epochs: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _open: threading.Event = field(default_factory=threading.Event)

    def let(self, epochs: int) -> None:
        self._epochs.release(epochs)

    def open(self) -> None:
        self._open.set()
        self._epochs.release(1)

    def objective(self, recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
        for epoch in range(1, epochs + 1):
            self._epochs.acquire()
            if self._open.is_set():
                self._epochs.release()  # for the next one
            yield 0.4 * epoch + 0.1 * (recipe.norm is not None)

    def search(self) -> None:
        autocls.search(
            objective=self.objective, space=SPACE, trials=self.trials, out=self.folder, address="inline", confirm=0
        )


@contextmanager
def searching(folder: Path, trials: int = 4) -> Iterator[Gate]:
    """A search in another thread, which has begun its first trial; afterwards it has ended."""
    gate = Gate(folder, trials)
    thread = threading.Thread(target=gate.search)
    thread.start()
    try:
        until(lambda: (folder / "space.yaml").exists() and b"started" in (folder / "journal.log").read_bytes())
        yield gate
    finally:
        gate.open()
        thread.join(60)


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: HTTPMessage
    text: str

    @property
    def title(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.text)
        return found[1].replace("\u00a0", " ") if found else ""

    @property
    def ended(self) -> bool:
        return 'data-ended="yes"' in self.text


def get(address: str, **headers: str) -> Answer:
    request = urllib.request.Request(address, headers={name.replace("_", "-"): v for name, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=60) as said:
            return Answer(said.status, said.headers, said.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read().decode())


def until(holds: Callable[[], bool], seconds: float = 200) -> None:
    """Wait for something that will come."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)
