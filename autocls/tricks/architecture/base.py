"""What an architecture is, and where its network may come from."""

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import nn

from autocls.errors import NotApplicable
from autocls.models import doors
from autocls.models.sizes import enlarging
from autocls.models.stems import SMALL, fit, fit_head
from autocls.tricks.base import Aspect, Trick

LIGHTWEIGHT = "lightweight"
CLASSIC = "classic"


class Architecture(Trick):
    """The network that is trained, with freshly drawn weights."""

    required: ClassVar[bool] = True
    shows_in: ClassVar[Aspect] = Aspect.GRAPH

    source: ClassVar[str] = "autocls"
    """Whose code the network is."""

    smallest: ClassVar[int] = 1
    """The smallest image, in pixels a side, that the network takes; smaller ones are enlarged to it. 0 if unknown."""

    small_stem: ClassVar[bool] = False
    """Whether images below ``stems.SMALL`` pixels get a stem that doesn't shrink them."""

    stem_pools: ClassVar[tuple[str, ...]] = ()
    """The pooling modules that such a stem goes without."""

    wide_head: ClassVar[bool] = False
    """Whether linear layers see the last maps themselves, pooled to a size of their own."""

    def build(self, classes: int, channels: int, image_size: int) -> nn.Module:
        """A network from B×channels×image_size×image_size floats to B×classes logits."""
        size = max(image_size, self.smallest)
        model = fit(
            self.network(classes, channels, size), channels, size if self.small_stem else SMALL, self.stem_pools
        )
        if self.wide_head:
            model = fit_head(model, channels, size)
        return model if size == image_size else enlarging(model, size)

    @abstractmethod
    def network(self, classes: int, channels: int, image_size: int) -> nn.Module:
        """The network as its paper has it, for images of at least the smallest size.

        It may still take another number of channels and have the paper's stem: ``build`` fits them.
        """

    def unpublished(self) -> str:
        """Why nobody publishes weights of this network; empty when somebody does."""
        return f"nobody publishes weights of {self.choice}"

    def pretrained(self) -> dict[str, torch.Tensor]:
        """The published weights of this network, by parameter, fetched. Raises NotApplicable when there are none."""
        raise NotApplicable(self.unpublished())


class _FromLibrary:
    """Mixed into an architecture: its network is another library's."""

    name: ClassVar[str]
    source: ClassVar[str]

    @property
    def library_name(self) -> str:
        """What the network is called there."""
        return self.name

    @property
    def options(self) -> dict[str, Any]:
        """What its builder there is told; nothing when it is the network whose weights are published."""
        return {}

    @abstractmethod
    def _is_published(self) -> bool:
        """Whether the library has weights of the network."""

    @abstractmethod
    def _fetch(self) -> dict[str, torch.Tensor]:
        """The library's weights of the network."""

    def unpublished(self) -> str:
        if self.options:
            told = ", ".join(f"{name}={value}" for name, value in self.options.items())
            return f"nobody publishes weights of {self.name} with {told}"
        return "" if self._is_published() else f"{self.source} has no weights of {self.library_name}"

    def pretrained(self) -> dict[str, torch.Tensor]:
        if why := self.unpublished():
            raise NotApplicable(why)
        return self._fetch()


class FromTorchvision(_FromLibrary):
    """Mixed into an architecture: its network is torchvision's."""

    source: ClassVar[str] = "torchvision"

    def _is_published(self) -> bool:
        return doors.torchvision_publishes(self.library_name)

    def _fetch(self) -> dict[str, torch.Tensor]:
        return doors.torchvision_weights(self.library_name)

    def network(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return doors.torchvision_network(self.library_name, num_classes=classes, **self.options)


class FromTimm(_FromLibrary):
    """Mixed into an architecture: its network is timm's."""

    source: ClassVar[str] = "timm"

    def _is_published(self) -> bool:
        return doors.timm_publishes(self.library_name)

    def _fetch(self) -> dict[str, torch.Tensor]:
        return doors.timm_weights(self.library_name)

    def network(self, classes: int, channels: int, image_size: int) -> nn.Module:
        return doors.timm_network(self.library_name, classes, channels, **self.options)
