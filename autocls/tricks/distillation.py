"""Slot ``distill``: learning from another network's answers."""

from pathlib import Path
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import AfterValidator, Field

from autocls.domains import OneOf, Uniform
from autocls.tricks.base import Aspect, Trick


class Distill(Trick):
    """A teacher's probabilities as targets beside the labels."""

    paper = "Hinton et al. 2015, arXiv:1503.02531"
    shows_in: ClassVar[Aspect] = Aspect.LOSS
    interactions: ClassVar[str] = (
        "mix: the teacher's answers are mixed as the labels are. label_smoothing: needless. "
        "loss: mse wants other logits than the teacher's term does."
    )
    one_label: ClassVar[str] = "its teacher shares one label among the classes"
    temperature: Annotated[float, OneOf(1.0, 2.0, 4.0), Field(gt=0, le=100)] = 2.0
    weight: Annotated[
        float, Uniform(0.3, 0.9), Field(gt=0, le=1, description="of the teacher, the rest the labels'")
    ] = 0.5

    def taught_by(self, folder: Path) -> "Teacher":
        """This choice with the model in ``folder`` for its teacher."""
        return Teacher(folder=str(folder), temperature=self.temperature, weight=self.weight)

    def soft(self, logs: torch.Tensor) -> torch.Tensor:
        """The targets (rows sum to 1) that the logarithms of a teacher's B×K probabilities give."""
        return (logs / self.temperature).softmax(dim=1)

    def compute(self, hard: torch.Tensor, logits: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
        """The loss, a scalar: of the labels (``hard``, a scalar) and of the student's B×K logits and ``soft`` targets.

        (1 - weight) · hard + weight · T² · cross-entropy(soft, logits / T), Hinton et al. 2015, section 2.
        """
        to_teacher = F.cross_entropy(logits / self.temperature, soft)
        return (1 - self.weight) * hard + self.weight * self.temperature**2 * to_teacher


def _absolute(folder: str) -> str:
    return str(Path(folder).expanduser().absolute())


class Teacher(Distill):
    """Learn from the network in a model folder."""

    when = "A small network for use, and a better one of the same classes at hand."
    # Absolute, since a search's workers run in folders of their own. Whether a model lies there is asked when training
    # starts: a recipe is also read to use a network, where its teacher may be long gone.
    folder: Annotated[str, AfterValidator(_absolute), Field(description="a model folder, as search and train write it")]


class Best(Distill):
    """Learn from the best complete trial that the search has when this one starts."""

    when = "Searches over networks of several sizes: the small ones learn from the large."
