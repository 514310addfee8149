"""Recognition of people and things that were in no training: a trained network, and a gallery of who is who."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from autocls.data.catalogue import in_threads
from autocls.deploy.classifier import Classifier, Picture, batched
from autocls.deploy.embedding import Embedding, identity
from autocls.deploy.gallery import Gallery
from autocls.deploy.nearest import Floats, Search, search
from autocls.errors import BadInput
from autocls.training.batches import EVALUATION_BATCH

FAR = 0.01
"""The false-accept rate for which a threshold is fitted unless another is asked for."""

T = TypeVar("T")


@dataclass(frozen=True)
class Match:
    """The names most similar to a picture with their cosine similarities (-1..1), the most similar first."""

    ranked: tuple[tuple[str, float], ...]
    threshold: float

    @property
    def name(self) -> str | None:
        """Who it is; None for someone unknown."""
        name, similarity = self.ranked[0]
        return name if similarity >= self.threshold else None

    def __str__(self) -> str:
        listed = ", ".join(f"{name} {similarity:.3f}" for name, similarity in self.ranked)
        return listed if self.name is not None else f"unknown (nearest: {listed})"


class Embedder:
    """Turns pictures into the embeddings of one classifier's network."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._embedding = Embedding(classifier.answering, len(classifier.labels))

    @cached_property
    def identity(self) -> str:
        """Of the network: embeddings of another can't be compared with its own."""
        return identity(self._classifier.answering, self._classifier.recipe)

    def embed(self, pictures: Iterable[Picture]) -> Floats:
        """N×D embeddings, as ``stream`` gives them, of what a classifier takes. Raises BadInput."""
        rows = list[Floats]()
        for _, found in self.stream(pictures, lambda picture: picture):
            if isinstance(found, BadInput):
                raise found
            rows.append(found)
        return np.stack(rows) if rows else np.empty((0, 0), np.float32)

    def stream(
        self, items: Iterable[T], read: Callable[[T], Picture], batch_size: int = EVALUATION_BATCH
    ) -> Iterator[tuple[T, Floats | BadInput]]:
        """For each item, in order, the embedding of its picture, or why it has none; a batch is held at a time.

        An embedding is a D-vector of length 1, or of zeros where the network finds nothing in the picture. ``read``
        gives the picture of an item, and may raise BadInput.
        """
        for some in batched(iter(items), batch_size):
            seen = list(in_threads(partial(self._pixels, read), some))
            images = [pixels for pixels in seen if not isinstance(pixels, BadInput)]
            rows = iter(self._rows(np.stack(images)) if images else ())
            for item, pixels in zip(some, seen, strict=True):
                yield item, pixels if isinstance(pixels, BadInput) else next(rows)

    @torch.inference_mode()
    def _rows(self, pixels: npt.NDArray[np.uint8]) -> Floats:
        device = self._classifier.answering.mean.device
        rows: Floats = self._embedding(torch.from_numpy(pixels).to(device)).cpu().numpy()
        if not np.isfinite(rows).all():
            raise BadInput("the model's network gives no finite numbers: nothing can be recognised with it")
        return rows

    def _pixels(self, read: Callable[[T], Picture], item: T) -> npt.NDArray[np.uint8] | BadInput:
        try:
            return self._classifier.pixels(read(item))
        except BadInput as error:
            return error


class Recognizer:
    """Says who is on a picture, of those enrolled. Enrolling takes a few pictures each and trains nothing."""

    def __init__(self, embedder: Embedder, gallery: Gallery) -> None:
        """Raises BadInput when the gallery was made by another network."""
        check_same(embedder, gallery)
        self.embedder = embedder
        self.gallery = gallery

    @classmethod
    def enroll(cls, classifier: Classifier, people: Mapping[str, Iterable[Picture]], far: float = FAR) -> "Recognizer":
        """A recognizer of ``people``: names, each with its pictures.

        ``far`` (between 0 and 1) is the false-accept rate for which the threshold is fitted, on the comparisons of
        these pictures with the names that are not theirs. Raises BadInput for a name without pictures, for a picture
        that can't be used, and if there is no name.
        """
        if not people:
            raise BadInput("nobody to enrol: a gallery takes one name at least")
        embedder = Embedder(classifier)
        embeddings, names = _embedded(embedder, people)
        return cls(embedder, Gallery.of(embeddings, names, embedder.identity, far))

    @classmethod
    def load(cls, classifier: Classifier, path: str | Path) -> "Recognizer":
        """The recognizer of a gallery's file. Raises BadInput for a file that is none, or another network's."""
        return cls(Embedder(classifier), Gallery.open(Path(path)))

    def save(self, path: str | Path) -> None:
        """Write the gallery's file, over the one that may be there. Raises BadInput where that can't be done."""
        self.gallery.save(Path(path))

    def add(self, people: Mapping[str, Iterable[Picture]]) -> "Recognizer":
        """One that also knows these ``people``, or more pictures of those it knows. Raises what ``enroll`` does."""
        if not people:
            return self
        return Recognizer(self.embedder, self.gallery.added(*_embedded(self.embedder, people)))

    def remove(self, *names: str) -> "Recognizer":
        """One that does not know these any more. Raises BadInput for a name that is not enrolled."""
        return Recognizer(self.embedder, self.gallery.without(names))

    def match(self, pictures: Iterable[Picture], top: int = 1, threshold: float | None = None) -> list[Match]:
        """The ``top`` most similar names of each picture, and whether the first is similar enough.

        ``threshold`` is a cosine similarity, the gallery's own if not given. Raises BadInput for a picture that can't
        be used, and without a threshold if the gallery has none, as with one name in it.
        """
        embeddings = self.embedder.embed(pictures)
        return self.nearest(embeddings, top, threshold) if len(embeddings) else []

    def stream(
        self,
        paths: Iterable[Path],
        top: int = 1,
        threshold: float | None = None,
        batch_size: int = EVALUATION_BATCH,
    ) -> Iterator[tuple[Path, Match | BadInput]]:
        """Who is on each file's picture, or why it can't be read, in order; a batch is held at a time."""
        for some in batched(self.embedder.stream(paths, lambda path: path, batch_size), batch_size):
            seen = [found for _, found in some if not isinstance(found, BadInput)]
            matches = iter(self.nearest(np.stack(seen), top, threshold) if seen else ())
            for path, found in some:
                yield path, found if isinstance(found, BadInput) else next(matches)

    def nearest(self, embeddings: Floats, top: int = 1, threshold: float | None = None) -> list[Match]:
        """What ``match`` says of N×D embeddings."""
        if top < 1:
            raise BadInput(f"top must be at least 1, not {top}")
        least = self.threshold(threshold)
        names = self.gallery.names
        similarities, rows = self._search(embeddings, min(top, len(names)))
        return [
            Match(tuple((names[row], float(s)) for row, s in zip(*found, strict=True)), least)
            for found in zip(rows, similarities, strict=True)
        ]

    def threshold(self, given: float | None = None) -> float:
        """``given``, or else the gallery's own. Raises BadInput if there is neither, or it is no cosine similarity."""
        if given is not None:
            if not -1 <= given <= 1:
                raise BadInput(f"threshold: a cosine similarity lies between -1 and 1, and is not {given:g}")
            return given
        if self.gallery.threshold is None:
            raise BadInput(
                f"the gallery knows {self.gallery.names[0]} only, and a threshold is fitted on comparisons between "
                "names: enrol someone else too, or give a threshold"
            )
        return self.gallery.threshold.similarity

    @cached_property
    def _search(self) -> Search:
        return search(self.gallery.templates)


def check_same(embedder: Embedder, gallery: Gallery) -> None:
    """Raises BadInput when the gallery was made by another network."""
    if gallery.card.model != embedder.identity:
        raise BadInput(
            f"the gallery was made by another model ({gallery.card.model[:8]}…) than this one "
            f"({embedder.identity[:8]}…), and their embeddings can't be compared: enrol the pictures again"
        )


def _embedded(embedder: Embedder, people: Mapping[str, Iterable[Picture]]) -> tuple[Floats, list[str]]:
    """The embeddings of everybody's pictures, and whose each is."""
    pictures = {name: list(of_name) for name, of_name in people.items()}
    for name, of_name in pictures.items():
        if not of_name:
            raise BadInput(f"{name}: no pictures")
    names = [name for name, of_name in pictures.items() for _ in of_name]
    return embedder.embed(picture for of_name in pictures.values() for picture in of_name), names
