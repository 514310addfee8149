"""The command line: one file per verb. Heavy imports happen inside the verbs, so that ``--help`` answers at once."""

import errno
import io
import logging
import os
import signal
import sys
import warnings

import typer

from autocls.cli import (
    best,
    cards,
    distill,
    doctor,
    evaluate,
    export,
    inspect,
    leaderboard,
    models,
    predict,
    recognize,
    report,
    resume,
    search,
    serve,
    spaces,
    train,
    tricks,
    validate,
    verdict,
    watch,
)
from autocls.errors import BadInput

app = typer.Typer(
    name="autocls",
    help="Find the best way to train an image classifier on your own images, and which tricks really helped.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for verb in (
    search,
    resume,
    watch,
    verdict,
    report,
    leaderboard,
    cards,
    train,
    predict,
    evaluate,
    export,
    serve,
    best,
    tricks,
    models,
    spaces,
    validate,
    distill,
    doctor,
    inspect,
):
    app.command(verb.__name__.rpartition(".")[2])(verb.command)
app.add_typer(recognize.app, name="recognize")


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        from autocls import __version__

        typer.echo(f"autocls {__version__}")
        raise typer.Exit


_WRITING = ("search", "resume", "verdict", "doctor")
"""The verbs that may write at a URL, and see to it themselves."""


def _at_hand(words: list[str]) -> list[str]:
    """The words of a command that only reads, with a copy on this machine for each run folder at a URL."""
    if not words or words[0] in _WRITING or not any("://" in word for word in words):
        return words
    from autocls.search.mirror import at_hand

    return [at_hand(word) for word in words]


_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.ESTALE}
"""Errors that no line of a traceback explains better than their own words."""


def _interrupt(*_: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell has its background jobs ignore ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    """Run the command line: bad input is one message on stderr and exit code 2, a disk that fails 1, ctrl-C 130."""
    logging.basicConfig(format="autocls: %(message)s", level=logging.WARNING)
    logging.getLogger("autocls").setLevel(logging.INFO)
    # Pillow warns of large pictures; data/images.py has a limit of its own.
    warnings.filterwarnings("ignore", message="Image size .* exceeds limit")
    # A scheduler that takes a machine back says SIGTERM: a search then ends as with ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no UTF-8
    try:
        app(_at_hand(sys.argv[1:]))
    except BadInput as error:
        print(f"autocls: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise
        print(f"autocls: {error.filename or 'what was to be written'}: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("autocls: interrupted", file=sys.stderr)
        sys.exit(130)
