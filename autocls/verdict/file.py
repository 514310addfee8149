"""Files of judged searches, ``verdict.json`` first of all; docs/verdict.md is its schema."""

import json
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from autocls.errors import BadInput
from autocls.files import whole
from autocls.grammar import Problem, Problems, read
from autocls.verdict.plain import as_json, build
from autocls.verdict.verdict import SCHEMA, Verdict

VERDICT = "verdict.json"

T = TypeVar("T")
J = TypeVar("J", dict[str, Any], list[dict[str, Any]])
_JSON = {dict: "object", list: "array"}


def save(verdict: Verdict, path: Path) -> None:
    """Write a verdict as JSON, NaN as null."""
    with whole(path) as partial:
        partial.write_text(as_json(verdict) + "\n", encoding="utf-8")


def load(path: Path) -> Verdict:
    """The verdict in a file. Raises BadInput with the file, the line and the place of all that is wrong with it."""
    return load_as(Verdict, path, SCHEMA)


def load_as(kind: type[T], path: Path, schema: int) -> T:
    """The dataclass in a JSON or YAML file with this ``schema`` number. Raises BadInput as ``load`` does."""
    document = read(path)
    its = document.value.get("schema", "missing")
    if its != str(schema):
        raise Problems([Problem(("schema",), f"is {its}; this version of autocls reads {schema}")], document)
    return document.read_as(partial(build, kind))


def verdict_of(folder: Path) -> Verdict:
    """The verdict of a run folder. Raises BadInput when it has none, too."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; name an output folder of `autocls search`")
    if not (folder / VERDICT).is_file():
        raise BadInput(
            f"{folder}: holds no verdict: there is no {VERDICT} in it. A search writes it when it has run its winner "
            "and the baseline again on fresh seeds: search with more time"
        )
    return load(folder / VERDICT)


def read_json(path: Path, kind: type[J]) -> J:
    """What a JSON file holds; empty when there is none. Raises BadInput when it is no JSON or of another kind."""
    text = read_text(path)
    try:
        found = kind() if text is None else json.loads(text)
    except ValueError as error:
        raise BadInput(f"{path}: is no JSON: {error}") from None
    if not isinstance(found, kind):
        raise BadInput(f"{path}: should hold one JSON {_JSON[kind]}, not a {type(found).__name__}")
    return found


def read_text(path: Path) -> str | None:
    """What a file holds; None when there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else None
