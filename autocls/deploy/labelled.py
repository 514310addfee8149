"""A classifier's answers to images whose labels are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autocls.data import prepare
from autocls.data.cache import cache_root
from autocls.data.catalogue import catalogue, in_threads
from autocls.data.given import Given
from autocls.data.images import decode, to_square
from autocls.data.listing import Item, few
from autocls.data.sources import list_source, locate
from autocls.data.split import PARTS, Labels
from autocls.deploy.classifier import Classifier, batched
from autocls.errors import BadInput, unknown
from autocls.training.batches import EVALUATION_BATCH

WHOLE = "all"


@dataclass(frozen=True, eq=False)
class Labelled:
    """What a classifier says of N labelled images."""

    names: tuple[str, ...]
    labels: Labels
    """N, index into the classifier's labels; of a multi-label one N×K, whether each image has each of them."""
    probabilities: npt.NDArray[np.float32]
    """N×K, in the order of the classifier's labels."""
    part: str
    """Which part of the images these are, or ``all``."""
    notes: tuple[str, ...]


def answers(
    classifier: Classifier,
    source: str | Path,
    part: str | None = None,
    *,
    root: Path | None = None,
    batch_size: int = EVALUATION_BATCH,
) -> Labelled:
    """What ``classifier`` says of a part of the labelled images of ``source``, which is what a search takes.

    Of the images that it was trained on that is their test part unless it is said otherwise, in the split of that
    training; of others all of them. Images that can't be read are left out, and named in the notes. Raises BadInput for
    labels that the classifier doesn't know, and where nothing is left.
    """
    found = catalogue(list_source(locate(source), (root or cache_root() / "torchvision").expanduser().absolute()))
    if found.multilabel != classifier.card.multilabel:
        its = "any number of labels" if found.multilabel else "one class"
        raise BadInput(f"{source}: its images have {its} each, and the model is {classifier.card.labelling.name}")
    for label in found.classes:
        if label not in classifier.labels:
            raise BadInput(f"{source}: the model can't tell this: {unknown('label', label, classifier.labels)}")
    if part not in (None, WHOLE, *PARTS):
        raise BadInput(f"--part: {unknown('part', part, (*PARTS, WHOLE))}")
    its_own = classifier.card.fingerprint == found.fingerprint
    if its_own and part != WHOLE:
        return _of_its_own(classifier, source, part or "test", root, batch_size)
    items = [item for item in found.items if part in (None, WHOLE, item.part)]
    if not items:
        raise BadInput(f"{source}: has no {part} part; leave --part out, and all of its images are taken")
    said = _of_others(classifier, source, items, part or WHOLE, batch_size)
    return replace(said, notes=("the model learnt from some of these images", *said.notes)) if its_own else said


def _of_its_own(classifier: Classifier, source: str | Path, part: str, root: Path | None, batch_size: int) -> Labelled:
    """Answers to a part of the images that the classifier was trained on."""
    card = classifier.card
    prepared = prepare(source, seed=card.seed, sizes=[card.image_size], root=root, skip_bad=True)
    data = prepared.at(card.image_size)
    rows = getattr(data.split, part)
    said = [classifier.answer(data.images[rows[i : i + batch_size]]) for i in range(0, len(rows), batch_size)]
    names, labels = prepared.named(part)
    seen = {"train": ("the model learnt from these images",), "val": ("its epoch was chosen on these images",)}
    return Labelled(tuple(names), labels, np.concatenate(said), part, (*prepared.notes, *seen.get(part, ())))


def _of_others(
    classifier: Classifier, source: str | Path, items: Sequence[Item], part: str, batch_size: int
) -> Labelled:
    readable, said, bad = list[Item](), list[npt.NDArray[np.float32]](), list[str]()
    for some in batched(iter(items), batch_size):
        pixels = list[npt.NDArray[np.uint8]]()
        for item, read in zip(some, in_threads(partial(_pixels, classifier), some), strict=True):
            if isinstance(read, str):
                bad.append(f"{item.name} ({read})")
            else:
                readable.append(item)
                pixels.append(read)
        if pixels:
            said.append(classifier.answer(np.stack(pixels)))
    if not said:
        raise BadInput(f"{source}: none of its {len(items)} images can be read: {few(bad)}")
    left_out = (f"{len(bad)} of {len(items)} images left out, unreadable: {few(bad)}",) if bad else ()
    labels = Given.of(readable, classifier.labels, multilabel=classifier.card.multilabel).labels()
    return Labelled(tuple(item.name for item in readable), labels, np.concatenate(said), part, left_out)


def _pixels(classifier: Classifier, item: Item) -> npt.NDArray[np.uint8] | str:
    """An image as the network takes it, or why it can't be read."""
    try:
        return to_square(decode(item.load()), classifier.card.image_size, classifier.card.channels)
    except OSError as error:
        return error.strerror or str(error)
    except BadInput as error:
        return str(error)
