"""``autocls predict``."""

import json
from pathlib import Path
from typing import Annotated

import typer


def command(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    images: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    top: Annotated[int, typer.Option(min=1, help="How many labels to print for each.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Say what is on IMAGES: labels with probabilities, the likeliest first.

    Example:

        autocls predict reports/photos-quick/model bird.jpg
    """
    import autocls

    for path, prediction in zip(images, autocls.load(model).predict(images, top), strict=True):
        if as_json:
            labels = [{"label": label, "probability": p} for label, p in prediction.ranked]
            print(json.dumps({"image": str(path), "labels": labels}, ensure_ascii=False))
        else:
            print(f"{path}: {prediction}")
