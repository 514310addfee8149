"""The pages of docs/ on a judged search's files, made of their dataclasses: ``python -m tests.verdict.schema``."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from enum import EnumType
from pathlib import Path
from typing import Any, get_args, get_type_hints

from autocls.verdict.plain import as_json
from autocls.verdict.prior import Prior, Study, merge
from autocls.verdict.verdict import Trick, Verdict, Word
from tests.verdict.verdicts import VERDICT

DOCS = Path(__file__).parents[2] / "docs"


def verdict_page() -> str:
    """docs/verdict.md."""
    return _page(
        Verdict,
        "verdict.json",
        "What a search may claim, in its output folder; `autocls verdict` and the report show it. `null` stands for\n"
        "None, and for NaN, a number that is not known.",
        "json",
        as_json(VERDICT),
    )


def cards_page() -> str:
    """docs/cards.md."""
    pets = Study("reports/pets", "2026-01-02T03:04:05+00:00", "pets", "quick", 0, "accuracy", 900, 3, 3, 32, "lenet")
    cars = replace(pets, folder="reports/cars", data="cars", started="2026-01-03T03:04:05+00:00", images=1200)
    norm, _, _, mix = VERDICT.tricks
    there = replace(VERDICT, tricks=(norm, _but(mix, Word.UNDETERMINED, 0.0061)))
    return _page(
        Prior,
        "The cards file",
        "What helped where, over several searches: `autocls cards reports/pets reports/cars --out cards.yaml`. A\n"
        "choice's studies are merged only where they compared it with the same other choice. `null` is None\n"
        "or NaN.",
        "yaml",
        merge([(pets, replace(VERDICT, tricks=(norm, mix))), (cars, there)]).to_yaml(),
    )


def _but(trick: Trick, word: Word, by: float) -> Trick:
    its = trick.effect
    return replace(trick, word=word, effect=replace(its, mean=its.mean + by, low=its.low + by, high=its.high + by))


def _page(root: type[Any], title: str, about: str, language: str, example: str) -> str:
    tables = "\n".join(map(_table, dict.fromkeys(_classes(root))))
    head = f"# {title}\n\n{about}\nMade by `make docs` of the code that writes the file.\n\n"
    return f"{head}{tables}\n## Example\n\nMade by hand.\n\n```{language}\n{example.rstrip()}\n```\n"


def _classes(root: Any) -> Iterator[Any]:
    """The dataclasses and enumerations that the dataclass ``root`` is made of, itself first."""
    yield root
    for hint in get_type_hints(root).values() if is_dataclass(root) else ():
        for kind in (hint, *get_args(hint)):
            if is_dataclass(kind) or isinstance(kind, EnumType):
                yield from _classes(kind)


def _table(kind: type[Any]) -> str:
    """What a class says of itself and of its fields."""
    (node,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(node, ast.ClassDef)
    head = f"## {kind.__name__}\n\n{inspect.cleandoc(kind.__doc__ or '')}\n\n"
    if isinstance(kind, EnumType):
        return head + " | ".join(f"`{member.value}`" for member in kind) + "\n"
    rows = [f"| `{name}` | {type_} | {said} |\n" for name, type_, said in _fields(node)]
    return f"{head}| field | type | |\n|---|---|---|\n{''.join(rows)}"


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """Each field's name, type and what is said of it, as the source has it."""
    for field, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            said = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            yield field.target.id, _type(ast.unparse(field.annotation)), " ".join(str(said).replace("``", "`").split())


def _type(annotation: str) -> str:
    """``tuple[Trick, ...]`` as ``list of Trick``."""
    if annotation.startswith("tuple["):
        return f"list of {annotation.removeprefix('tuple[').partition(',')[0]}"
    return annotation.replace(" | None", " or null")


PAGES = {DOCS / "verdict.md": verdict_page, DOCS / "cards.md": cards_page}

if __name__ == "__main__":
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
