"""A folder of images with their labels in a file, ``labels.json``: ``{"dogs/1.jpg": ["dog", "ball"], …}``."""

import json
import os
from pathlib import Path

from autocls.data.folder import images_below
from autocls.data.listing import Item, Listing, are_labels, few, printable
from autocls.data.split import PART_OF
from autocls.errors import BadInput

LABELS = "labels.json"


def list_labelled_folder(folder: Path) -> Listing:
    """The images that ``labels.json`` names by their path in the folder, each with any number of labels.

    Where all lie below train/, val/ and test/, these are the parts. Images that it doesn't name are left out, which a
    note says. Raises `BadInput` for a file of another form and for images that aren't there.
    """
    labels_of = _read(folder / LABELS)
    missing = [path for path in labels_of if not os.path.isfile(folder / path)]
    if missing:
        raise BadInput(f"{folder / LABELS}: these files are missing: {few(missing)}; a path starts at {folder}")
    tops = {Path(path).parts[0] for path in labels_of}
    parted = tops <= PART_OF.keys()
    items = [
        Item(path, labels, PART_OF[Path(path).parts[0]] if parted else "train", (folder / path).read_bytes)
        for path, labels in labels_of.items()
    ]
    named = {folder / path for path in labels_of}
    others = [printable(path.relative_to(folder)) for path in images_below(folder) if path not in named]
    notes = (f"{len(others)} images ignored, which {LABELS} doesn't name: {few(others)}",) if others else ()
    return Listing(folder.resolve().name, items, notes, multilabel=True)


def _read(file: Path) -> dict[str, tuple[str, ...]]:
    """The labels of each path. Raises `BadInput`."""
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:  # of JSON, of UTF-8, and of a path that stands twice
        raise BadInput(f"{file}: not JSON of the form {{path: [labels]}} ({error})") from error
    if not isinstance(found, dict) or not found:
        raise BadInput(f"{file}: must be {{path: [labels], …}} with at least one path")
    if "" in found:
        raise BadInput(f"{file}: the path of an image is empty")
    wrong = [path for path, labels in found.items() if not (isinstance(labels, list) and are_labels(labels))]
    if wrong:
        raise BadInput(f"{file}: an image's labels must be a list of different texts, none of them empty: {few(wrong)}")
    return {path: tuple(labels) for path, labels in found.items()}


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{few(sorted({name for name in names if names.count(name) > 1}))} stands twice")
    return found
