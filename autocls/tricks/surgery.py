"""What the tricks that operate on a network have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import ClassVar

import torch
from torch import nn

from autocls.errors import NotApplicable
from autocls.surgery import Site, replaced
from autocls.surgery import sites as find
from autocls.tricks.base import Aspect


class Surgery(ABC):
    """A trick that replaces modules of a network that is built already."""

    name: ClassVar[str]
    shows_in: ClassVar[Aspect] = Aspect.GRAPH

    place: ClassVar[str]
    """What a network must have for the trick to apply, as said when it hasn't: "has no …"."""

    reshapes: ClassVar[bool] = False
    """Whether modules that stay get other shapes afterwards."""

    @abstractmethod
    def plan(self, sites: list[Site]) -> Iterable[tuple[str, nn.Module]]:
        """The paths that get another module, and which; of the shapes of the old, unless it ``reshapes``."""

    def operations(self, model: nn.Module, sites: list[Site]) -> dict[str, nn.Module]:
        """The plan for ``model``, whose sites these are, by path. Raises NotApplicable when there is nothing to do."""
        planned = dict(self.plan(sites))
        if not planned:
            raise NotApplicable(f"{self.name}: not applicable: {type(model).__name__} has no {self.place}")
        return planned

    def operate(self, model: nn.Module, sample: torch.Tensor, sites: list[Site]) -> list[Site]:
        """Operate on ``model`` in place, whose sites for ``sample`` these are; returns its sites afterwards.

        Raises NotApplicable when there is no site.
        """
        planned = self.operations(model, sites)
        for path, new in planned.items():
            model.set_submodule(path, new.to(sample.device))
        return find(model, sample) if self.reshapes else replaced(sites, planned)

    def apply(self, model: nn.Module, sample: torch.Tensor) -> None:
        """Operate on ``model``, which takes ``sample``, in place. Raises NotApplicable when there is no site."""
        self.operate(model, sample, find(model, sample))


class Replacement(Surgery):
    """Surgery that looks at one site at a time."""

    def select(self, sites: list[Site]) -> Iterable[Site]:
        """The sites to look at, in the order of the forward pass."""
        return sites

    @abstractmethod
    def replace(self, site: Site) -> nn.Module | None:
        """What stands at ``site`` from now on, from the same input shape to the same output shape; None: as it was."""

    def plan(self, sites: list[Site]) -> Iterator[tuple[str, nn.Module]]:
        for site in self.select(sites):
            new = self.replace(site)
            if new is not None:
                yield site.path, new
