"""Reading recipe and space files: YAML whose every value knows its line, and all the errors of a file at once.

Scalars stay text here: the reader of a value knows what it wants, so that ``off`` is never a surprise False and
``1e-3`` never a surprise string.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml

from autocls.errors import BadInput

Place = tuple[str | int, ...]
T = TypeVar("T")
V = TypeVar("V")
K = TypeVar("K", bound=str | int)

EMPTY = frozenset({"none", "off", "no", "false", "null", "~", ""})
"""How the empty choice may be written; it is called ``none``."""

DEEPEST = 16
"""Levels of nesting; a list that an anchor puts into itself has no end."""


class Problem(NamedTuple):
    """One thing wrong at one place of a recipe or a space."""

    place: Place
    message: str


class Problems(BadInput):
    """Everything wrong in one recipe or space; ``str()`` gives a line for each."""

    def __init__(self, problems: Sequence[Problem], document: "Document | None" = None) -> None:
        self.problems = tuple(problems)
        where = document.where if document else None
        super().__init__("\n".join(where(p) if where else _plain(p) for p in self.problems))


@dataclass(frozen=True)
class Document:
    """A parsed file: ``value`` of dicts, lists and text, and the line (from 1) of every place in it."""

    name: str
    value: Any
    lines: dict[Place, int]

    def read_as(self, reader: Callable[[Any], T]) -> T:
        """``reader(value)``; the Problems that it raises come with this file's name and their lines."""
        try:
            return reader(self.value)
        except Problems as error:
            raise Problems(error.problems, self) from None

    def where(self, problem: Problem) -> str:
        """``file:line: place: message``."""
        place = problem.place
        while place not in self.lines:
            place = place[:-1]
        return f"{self.name}:{self.lines[place]}: {_plain(problem)}"


def read(path: Path) -> Document:
    """Parse the file at ``path``. Raises BadInput when it is missing or is no YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: can't be read: {error}") from None
    return parse(text, str(path))


def parse(text: str, name: str = "<text>") -> Document:
    """Parse ``text``. Raises BadInput when it is no YAML, holds several documents or writes a key twice."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{name}:{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{name}:1: not valid YAML: {str(error).splitlines()[0]}") from None
    lines: dict[Place, int] = {(): 1}
    doubles: list[Problem] = []

    def build(node: yaml.Node, place: Place) -> Any:
        lines.setdefault(place, node.start_mark.line + 1)
        if len(place) > DEEPEST:
            raise BadInput(f"{name}:{lines[place]}: nested deeper than any recipe is")
        if isinstance(node, yaml.MappingNode):
            out: dict[str, Any] = {}
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise BadInput(f"{name}:{key.start_mark.line + 1}: a name was expected before the colon")
                inner = (*place, key.value)
                lines[inner] = key.start_mark.line + 1
                if key.value in out:
                    doubles.append(Problem(inner, "is written twice"))
                out[key.value] = build(value, inner)
            return out
        if isinstance(node, yaml.SequenceNode):
            return [build(item, (*place, i)) for i, item in enumerate(node.value)]
        return node.value

    document = Document(name, build(node, ()) if node else {}, lines)
    if not isinstance(document.value, dict):
        raise BadInput(f"{name}:1: expected 'slot: choice' lines, found {document.value!r:.60}")
    if doubles:
        raise Problems(doubles, document)
    return document


def write(value: Mapping[str, Any]) -> str:
    """Plain values as YAML that ``parse`` reads back, in their order."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # ten times as fast
    return yaml.dump(value, Dumper=dumper, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)


def each(given: Mapping[K, V], reader: Callable[[K, V], T]) -> dict[K, T]:
    """``reader(key, value)`` of every item. Raises the Problems of all of them at once, each at its key."""
    problems: list[Problem] = []
    done: dict[K, T] = {}
    for key, value in given.items():
        try:
            done[key] = reader(key, value)
        except Problems as error:
            problems += at((key,), error)
    if problems:
        raise Problems(problems)
    return done


def at(place: Place, problems: Problems) -> list[Problem]:
    """The problems of a part, told from the whole's point of view."""
    return [Problem((*place, *p.place), p.message) for p in problems.problems]


def _plain(problem: Problem) -> str:
    place = ".".join(str(p) for p in problem.place if isinstance(p, str))
    return f"{place}: {problem.message}" if place else problem.message
