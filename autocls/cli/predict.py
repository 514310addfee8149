"""``autocls predict``."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autocls.cli.skipping import watched
from autocls.errors import BadInput

if TYPE_CHECKING:
    from autocls.deploy import Prediction

Row = tuple[Path, "Prediction | BadInput"]


def command(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    images: Annotated[list[Path], typer.Argument(help="Image files, and folders of them.", show_default=False)],
    top: Annotated[int | None, typer.Option(min=1, help="How many labels to print for each. [default: 3, and of a "
                                                        "multi-label model all that reach their own thresholds]",
                                            show_default=False)] = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Leave labels that are less probable out; where none is left: unsure.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a table: image, label, probability, … error.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Images that the network answers to at once.")] = 128,
) -> None:  # fmt: skip
    """Say what is on IMAGES: labels with calibrated probabilities, the likeliest first.

    Answers come as they are found. A file that can't be read is named on stderr, and the others go on.

    Example:

        autocls predict reports/photos-quick/model photos/new/ bird.jpg --top 5
    """
    import autocls
    from autocls.data.folder import image_files
    from autocls.deploy.classifier import TOP

    if as_json and as_csv:
        raise BadInput("--json, --csv: one of them")
    classifier = autocls.load(model)
    paths, multilabel = image_files(images), classifier.card.multilabel
    rows = watched(classifier.stream(paths, top, batch_size), len(paths))
    most = min(top or (len(classifier.labels) if multilabel else TOP), len(classifier.labels))
    none = "no label" if multilabel else "unsure"
    shown = (
        _json(rows, threshold) if as_json else _csv(rows, most, threshold) if as_csv else _text(rows, threshold, none)
    )
    for line in shown:
        print(line)


def _text(rows: Iterator[Row], threshold: float, none: str) -> Iterator[str]:
    for path, said in rows:
        if not isinstance(said, BadInput):
            yield f"{path}: {said.above(threshold) or none}"


def _json(rows: Iterator[Row], threshold: float) -> Iterator[str]:
    for path, said in rows:
        if isinstance(said, BadInput):
            found: dict[str, object] = {"error": str(said)}
        else:
            found = {"labels": [{"label": label, "probability": p} for label, p in said.above(threshold).ranked]}
        yield json.dumps({"image": str(path), **found}, ensure_ascii=False)


def _csv(rows: Iterator[Row], top: int, threshold: float) -> Iterator[str]:
    def line(cells: list[object]) -> str:
        written = io.StringIO()
        csv.writer(written, lineterminator="").writerow(cells)
        return written.getvalue()

    numbers = ["", *(f"_{i}" for i in range(2, top + 1))]
    yield line(["image", *(f"{column}{number}" for number in numbers for column in ("label", "probability")), "error"])
    for path, said in rows:
        if isinstance(said, BadInput):
            cells: list[object] = [""] * (2 * top)
            yield line([path, *cells, said])
        else:
            cells = [cell for label, p in said.above(threshold).ranked for cell in (label, f"{p:.6f}")]
            yield line([path, *cells, *[""] * (2 * top - len(cells)), ""])
