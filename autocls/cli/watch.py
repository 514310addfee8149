"""``autocls watch``."""

import contextlib
import logging
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self

import typer

from autocls.errors import BadInput

if TYPE_CHECKING:
    from autocls.watch import Server

log = logging.getLogger("autocls")


def command(
    folder: Annotated[Path, typer.Argument(help="An output folder of `autocls search`.", show_default=False)],
    host: Annotated[str, typer.Option(help="The address to listen at; with another one than this machine's own, "
                                           "others can read the page.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at. [default: a free one]", show_default=False)] = 0,
) -> None:  # fmt: skip
    """Show the page of a search in the browser while it runs; it ends with the search, or by ctrl-C.

    Example:

        autocls watch reports/photos-quick
    """
    from autocls.watch import Server

    if not any((folder / name).is_file() for name in ("journal.log", "report.html")):
        raise BadInput(f"{folder}: holds no search: there is no journal.log in it")
    with Server(folder, host, port) as server:
        if not server.local:
            log.warning("anybody who has the address can read the page")
        print(f"watch: {server.address}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.wait()


class Beside:
    """The page of a search that this process runs, served until it ends; what goes wrong with it breaks no search."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Server | None = None
        self._tried = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.__exit__(kind, value, trace)

    def begin(self) -> None:
        """Serve the page, if that was not tried before, and say where."""
        if self._tried:
            return
        self._tried = True
        from autocls.watch import Server

        try:
            self._server = Server(self._folder).__enter__()
        except Exception as error:
            log.warning("the page is not served while the search runs: %s", error)
            return
        print(f"watch: {self._server.address}", file=sys.stderr, flush=True)

    def part(self) -> None:
        """Let whoever looks have the last page; does not wait when nobody does."""
        if self._server is not None:
            self._server.part()
