"""Whether an exported classifier gives the answers of the original."""

from dataclasses import dataclass

import numpy as np

from autocls.deploy.export.formats import Answer, Pixels

TOLERANCE = 1e-4
"""The largest difference in a probability that a faithful export may have."""
BATCHES = (1, 3, 32, 64)
"""The sizes of the batches in which images are shown; 100 in all."""


class Unfaithful(Exception):
    """What was written doesn't give the original's answers."""


@dataclass(frozen=True)
class Check:
    """What came of showing the same images to two classifiers."""

    images: int
    of: str
    """Whose images they are."""
    batches: tuple[int, ...]
    """How many at a time."""
    difference: float
    """The largest in any probability."""
    same: float
    """The share of images, 0..1, whose likeliest label is the same."""

    def __str__(self) -> str:
        *most, last = map(str, self.batches)
        sizes = f"{', '.join(most)} and {last}" if most else last
        return f"{self.images} {self.of}, in batches of {sizes}: probabilities differ by at most {self.difference:.1e}"

    def hold(self) -> None:
        """Raises Unfaithful when the difference is larger than what is allowed, or no number."""
        if not self.difference <= TOLERANCE:
            raise Unfaithful(f"{self}; allowed are {TOLERANCE:.0e}")


def compare(original: Answer, exported: Answer, images: Pixels, of: str) -> Check:
    """Show ``images`` to both, in batches of several sizes."""
    groups = [group for group in np.split(images, np.cumsum(BATCHES[:-1])) if len(group)]
    wanted = np.concatenate([original(group) for group in groups])
    given = np.concatenate([exported(group) for group in groups])
    return Check(
        len(images),
        of,
        tuple(map(len, groups)),
        float(np.abs(given - wanted).max()),
        float((given.argmax(axis=1) == wanted.argmax(axis=1)).mean()),
    )
