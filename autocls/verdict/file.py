"""``verdict.json`` of a run folder; docs/verdict.md is its schema."""

from functools import partial
from pathlib import Path

from autocls.errors import BadInput
from autocls.grammar import Problem, Problems, read
from autocls.verdict.plain import as_json, build
from autocls.verdict.verdict import SCHEMA, Verdict

VERDICT = "verdict.json"


def save(verdict: Verdict, path: Path) -> None:
    """Write a verdict as JSON, NaN as null."""
    path.write_text(as_json(verdict) + "\n", encoding="utf-8")


def load(path: Path) -> Verdict:
    """The verdict in a file. Raises BadInput with the file, the line and the place of all that is wrong with it."""
    document = read(path)
    schema = document.value.get("schema", "missing")
    if schema != str(SCHEMA):
        raise Problems([Problem(("schema",), f"is {schema}; this version of autocls reads {SCHEMA}")], document)
    return document.read_as(partial(build, Verdict))


def of(folder: Path) -> Verdict:
    """The verdict of a run folder. Raises BadInput when it has none, too."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; name an output folder of `autocls search`")
    if not (folder / VERDICT).is_file():
        raise BadInput(
            f"{folder}: holds no verdict: there is no {VERDICT} in it. A search writes it when it has run its winner "
            "and the baseline again on fresh seeds: search with more time"
        )
    return load(folder / VERDICT)
