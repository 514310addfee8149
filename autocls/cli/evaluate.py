"""``autocls evaluate``."""

from pathlib import Path
from typing import Annotated

import typer


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
    from autocls.report import evaluation

    classifier = autocls.load(model)
    found = answers(classifier, data, part, root=root, batch_size=batch_size)
    which = data if found.part == WHOLE else f"{data}, the {found.part} part"
    made = evaluation.Evaluation(
        str(model), which, found.names, classifier.labels, found.labels, found.probabilities, found.notes
    )
    print(evaluation.as_json(made) if as_json else evaluation.text(made))
    if page is not None:
        try:
            page.write_text(evaluation.html(made), encoding="utf-8")
        except OSError as error:
            raise BadInput(f"--page {page}: can't be written: {error.strerror}") from None
