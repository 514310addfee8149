"""Slots ``weights`` and ``freeze``: starting from weights that were trained before."""

from abc import abstractmethod
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

import torch
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from autocls.domains import Int
from autocls.errors import BadInput, TrialFailed
from autocls.models import pretrained
from autocls.tricks.architecture import Architecture
from autocls.tricks.base import Aspect, Trick


class Weights(Trick):
    """Where the weights start; drawn at random unless a choice is made."""

    shows_in: ClassVar[Aspect] = Aspect.START
    interactions: ClassVar[str] = (
        "init: excluded, it would draw over them. optimizer: rates ten times lower. freeze and layer_decay spare them. "
        "norm, conv, attention: each layer that they change starts at random again."
    )

    def misfit(self, architecture: Architecture) -> str:
        """Why there are no such weights for ``architecture``; empty when there are, or nobody can know yet."""
        return ""

    @abstractmethod
    def tensors(self, architecture: Architecture) -> dict[str, torch.Tensor]:
        """The weights by the names that the network has for them. Raises BadInput or NotApplicable."""


class Hub(Weights):
    """Start from the weights that torchvision or timm publish for this network, fetched once over the network."""

    paper = "Yosinski et al. 2014, arXiv:1411.1792"
    when = "Photos, and fewer than some ten thousand of them; nearly always better than random weights then."

    def misfit(self, architecture: Architecture) -> str:
        return architecture.unpublished()

    def tensors(self, architecture: Architecture) -> dict[str, torch.Tensor]:
        try:
            return architecture.pretrained()
        except TrialFailed:
            raise
        except Exception as error:  # whatever the libraries' own clients raise
            said = next(iter(str(error).splitlines()), "").rstrip(".") or type(error).__name__
            raise BadInput(
                f"weights: hub: those of {architecture.choice} can't be fetched ({said}). Where no hub can be reached, "
                "name a file: leave the one architecture that it is of, and write weights: [none, {file: PATH}]"
            ) from error


def _located(given: str) -> str:
    """A file as a ``file:`` URI, which means the same in every directory, and so in every worker.

    A plain path is one that a person wrote, for this machine: it must exist, so that a slip is refused on its line and
    not in the middle of a search. A URI is what is written back. It is taken without a look, because model folders and
    runs are opened on machines that never had the file.
    """
    if given.startswith("file:"):
        return given
    path = Path(given).expanduser().absolute()
    if not path.is_file():
        raise PydanticCustomError("file", "input should be an existing file")
    return path.as_uri()


def _path(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path))


class File(Weights):
    """Start from the weights in a local file (.safetensors, or torch's, of which tensors alone are read)."""

    paper = "Yosinski et al. 2014, arXiv:1411.1792"
    when = "A checkpoint of this very network, where no hub can be reached or your own domain has one."
    path: Annotated[str, AfterValidator(_located), Field(description="a .safetensors, .pt or .pth file")]
    map: Annotated[
        str,
        AfterValidator(lambda given: given and _located(given)),
        Field(description="a YAML file of {name in the file: name in the network}, where they differ"),
    ] = ""

    def tensors(self, architecture: Architecture) -> dict[str, torch.Tensor]:
        return pretrained.read(_path(self.path), _path(self.map) if self.map else None)


class Freeze(Trick):
    """Layers that training leaves as they are for a while."""

    shows_in: ClassVar[Aspect] = Aspect.STEPS
    interactions: ClassVar[str] = "weights: nothing else is worth keeping."

    @abstractmethod
    def frozen(self, epoch: int) -> bool:
        """Whether all but the last layer is frozen in ``epoch``, counted from 1."""


class HeadFirst(Freeze):
    """Train the last layer alone for some epochs, then everything: a random head can't spoil what is below it."""

    paper = "Kumar et al. 2022, arXiv:2202.10054"
    when = "Few images of another kind than those that the weights come from."
    epochs: Annotated[int, Int(1, 3), Field(gt=0, le=1000)] = 1

    def frozen(self, epoch: int) -> bool:
        return epoch <= self.epochs


class HeadOnly(Freeze):
    """Train the last layer alone."""

    paper = "Donahue et al. 2014, arXiv:1310.1531"
    when = "A handful of images of each class, of the kind that the weights come from."

    def frozen(self, epoch: int) -> bool:
        return True
