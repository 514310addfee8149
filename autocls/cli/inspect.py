"""``autocls inspect``."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from autocls.data import Prepared
    from autocls.data.inspection import Copied, Inspection

SHOWN = 20
"""Of each kind so many are printed; JSON has them all."""
SKEWED = 3.0
"""From so many times the images on, classes are called skewed."""


@dataclass(frozen=True)
class Doubt:
    """A label that is likely wrong."""

    image: str
    part: str
    given: str
    suggested: str
    margin: float


def command(
    data: Annotated[str, typer.Argument(help="What `autocls search` takes.", show_default=False)],
    recipe: Annotated[Path | None, typer.Option(help="A recipe's YAML file: it is trained to find labels that are "
                                                     "likely wrong.", show_default=False)] = None,
    folds: Annotated[int, typer.Option(min=2, help="So many networks are trained with it, each doubting labels that it "
                                                   "did not learn from.")] = 5,
    seed: Annotated[int, typer.Option(help="Decides the split, as in a search.")] = 0,
    root: Annotated[Path | None, typer.Option(help="Where torchvision's data sets lie.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Look at DATA before a search: classes, unreadable files, copies, doubtful labels; exit code 1 if any is to mend.

    Copies are pictures that are there more than once, byte for byte or saved anew. Those in train and test flatter the
    score.

    Example:

        autocls inspect photos/ --recipe reports/photos-quick/best_recipe.yaml
    """
    from rich.console import Console

    from autocls.data.inspection import inspect

    with Console(stderr=True).status("reading the images") as status:
        found, prepared = inspect(data, seed=seed, root=root)
        doubts = _doubts(prepared, recipe, folds, status.update) if recipe else []
    findings = [*found.findings, *([f"{len(doubts)} label{'s' * (len(doubts) > 1)} in doubt"] if doubts else [])]
    if as_json:
        said = asdict(found) | {"imbalance": found.imbalance, "doubts": [asdict(doubt) for doubt in doubts]}
        print(json.dumps(said | {"findings": findings}, ensure_ascii=False, indent=2))
    else:
        _print(found, doubts, findings, doubted=recipe is not None)
    if findings:
        sys.exit(1)


def _doubts(prepared: "Prepared", recipe: Path, folds: int, say: Callable[[str], None]) -> list[Doubt]:
    import numpy as np

    from autocls.data.split import PARTS
    from autocls.errors import BadInput, TrialFailed
    from autocls.recipe import Recipe
    from autocls.training.folds import out_of_fold
    from autocls.training.suspects import suspects

    if prepared.multilabel:
        raise BadInput("--recipe: labels are doubted only where each image has one, not any number of them")
    asked = Recipe.load(recipe)
    parted = prepared.folds(asked.image_size, folds, sealed=False)
    labels = np.asarray(parted[0].labels, np.int64)
    probabilities = np.empty((len(labels), len(prepared.classes)), np.float32)
    try:
        for number, (fold, said) in enumerate(zip(parted, out_of_fold(asked, parted), strict=True), start=1):
            probabilities[fold.split.val] = said
            say(f"{number} of {folds} networks are trained")
    except TrialFailed as error:
        raise BadInput(f"{recipe}: can't be trained on {prepared.name}: {error}") from None
    named = {
        row: (name, part)
        for part in PARTS
        for row, name in zip(prepared.rows(part).tolist(), prepared.named(part)[0], strict=True)
    }
    classes = prepared.classes
    return [
        Doubt(*named[each.row], classes[each.given], classes[each.suggested], each.margin)
        for each in suspects(probabilities, labels)
    ]


def _print(found: "Inspection", doubts: Sequence[Doubt], findings: Sequence[str], *, doubted: bool) -> None:
    parts = ", ".join(f"{number:,} {part}" for part, number in found.parts.items())
    labels = list(found.classes["train"])
    print(f"{found.source}: {found.images:,} images ({parts}), {'grey' if found.channels == 1 else 'colour'}, "
          f"{len(labels)} classes")  # fmt: skip
    _print_classes(found, labels)
    for note in found.notes:
        print(note)
    _list("Can't be read:", found.unreadable)
    _list("In more than one part:", [_said(copied) for copied in found.across])
    _list("Under more than one label:", [_said(copied) for copied in found.disputed])
    _list("Labels in doubt, the surest first:", [
        f"{doubt.image} ({doubt.part}): given {doubt.given}, looks like {doubt.suggested} ({doubt.margin:+.2f})"
        for doubt in doubts
    ])  # fmt: skip
    for advice in _advice(found):
        print(advice)
    if not doubted:
        print("Labels were not doubted: --recipe RECIPE.yaml trains one to do so.")
    print("Mend: " + "; ".join(findings) + "." if findings else "Nothing to mend.")


def _print_classes(found: "Inspection", labels: Sequence[str]) -> None:
    width = max(5, *(len(label) for label in labels[:SHOWN]))
    print(f"\n{'class':{width}} " + " ".join(f"{part:>8}" for part in found.classes))
    for label in labels[:SHOWN]:
        print(f"{label:{width}} " + " ".join(f"{of_class[label]:>8,}" for of_class in found.classes.values()))
    if len(labels) > SHOWN:
        print(f"… and {len(labels) - SHOWN} more")
    print()


def _said(copied: "Copied") -> str:
    kind = "same bytes" if copied.exact else "alike"
    return " = ".join(f"{p.name} ({p.part}, {p.label})" for p in copied.pictures[:5]) + f" [{kind}]"


def _list(title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    print(title)
    for line in lines[:SHOWN]:
        print(f"  {line}")
    if len(lines) > SHOWN:
        print(f"  … and {len(lines) - SHOWN} more; --json has them all")


def _advice(found: "Inspection") -> list[str]:
    """What the data ask for; none of it has to be mended."""
    from autocls.data.checks import FEW

    said = []
    if found.within:
        number = len(found.within)
        are = " is" if number == 1 else "s are"
        said.append(f"{number} picture{are} there more than once in one part, under one label.")
    if found.imbalance >= SKEWED:
        said.append(
            f"Skewed: the largest class has {found.imbalance:.1f} times the images of the smallest. Search with "
            "--metric balanced_accuracy, and open class_weights or sampling in the space."
        )
    if found.images < FEW and not found.multilabel:
        said.append("Few images: `autocls search --folds 5` tells recipes apart better, in five times the time.")
    return said
