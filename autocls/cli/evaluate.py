"""``autocls evaluate``."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from autocls.deploy.labelled import Labelled
    from autocls.training.artifact import ModelCard


def command(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    data: Annotated[str, typer.Argument(help="Labelled images: what `autocls search` takes.", show_default=False)],
    part: Annotated[
        str | None,
        typer.Option(help="train, val, test or all: by default test of the images it was trained on, all of others."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers for programs.")] = False,
    page: Annotated[Path | None, typer.Option(help="Write them as an HTML page too.", show_default=False)] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images that the network answers to at once.")] = 128,
    root: Annotated[Path | None, typer.Option(help="Where torchvision's data sets lie.", show_default=False)] = None,
) -> None:
    """Say how good a model is on labelled images, with intervals, class by class.

    Example:

        autocls evaluate reports/photos-quick/model new-photos/ --page evaluation.html
    """
    import autocls
    from autocls.deploy.labelled import WHOLE, answers
    from autocls.errors import BadInput
    from autocls.files import make_room

    if page is not None:
        make_room(page)
    classifier = autocls.load(model)
    found = answers(classifier, data, part, root=root, batch_size=batch_size)
    which = data if found.part == WHOLE else f"{data}, the {found.part} part"
    evaluate = _of_labels if classifier.card.multilabel else _of_classes
    shown, html = evaluate(str(model), which, classifier.card, found, as_json)
    print(shown)
    if page is not None:
        try:
            page.write_text(html(), encoding="utf-8")
        except OSError as error:
            raise BadInput(f"--page {page}: can't be written: {error.strerror}") from None


def _of_classes(
    model: str, data: str, card: "ModelCard", found: "Labelled", as_json: bool
) -> tuple[str, Callable[[], str]]:
    """What is printed, and what makes the page."""
    import numpy as np

    from autocls.report import evaluation

    labels = found.labels.astype(np.int64)
    of = evaluation.Evaluation(model, data, found.names, card.labels, labels, found.probabilities, found.notes)
    return (evaluation.as_json if as_json else evaluation.text)(of), partial(evaluation.html, of)


def _of_labels(
    model: str, data: str, card: "ModelCard", found: "Labelled", as_json: bool
) -> tuple[str, Callable[[], str]]:
    """The same of a multi-label model."""
    import numpy as np

    from autocls.report import label_evaluation as evaluation
    from autocls.report.labels import LabelAnswers

    there, probabilities = found.labels.astype(np.bool_), found.probabilities.astype(np.float64)
    said = LabelAnswers(card.labels, found.names, there, probabilities, np.array(card.thresholds))
    of = evaluation.LabelEvaluation(model, data, said, found.notes)
    return (evaluation.as_json if as_json else evaluation.text)(of), partial(evaluation.html, of)
