"""Slots ``dropout`` and ``stochastic_depth``: parts of the network left out of each training step."""

from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from autocls.domains import Uniform
from autocls.surgery import Site
from autocls.tricks.base import Trick
from autocls.tricks.surgery import Replacement, Surgery


class Dropout(Trick, Replacement):
    """Units left out of each training step."""


class Head(Dropout):
    """Leave out each input of the head's linear layers with a probability; in place of the network's own dropout."""

    paper = "Srivastava et al. 2014, JMLR 15"
    when = "Large heads on few images; it slows training down, and normalised networks need less of it."
    place: ClassVar[str] = "linear layer or dropout of another probability"
    p: Annotated[float, Uniform(0.1, 0.6), Field(gt=0, lt=1, description="probability")] = 0.3

    def select(self, sites: list[Site]) -> Iterable[Site]:
        own = [s for s in sites if isinstance(s.module, nn.Dropout)]
        return own or [s for s in sites if isinstance(s.module, nn.Linear) and len(s.out_shape) == 1]

    def replace(self, site: Site) -> nn.Module | None:
        if isinstance(site.module, nn.Dropout):
            return None if site.module.p == self.p else nn.Dropout(self.p)
        return nn.Sequential(nn.Dropout(self.p), site.module)


class Channels(Dropout):
    """Leave out whole feature maps before each convolution but the first, with a probability."""

    paper = "Tompson et al. 2015, arXiv:1411.4280"
    when = "Wide networks on few images, where neighbouring pixels make dropout of single ones useless."
    interactions = "norm: batch statistics are those of fewer maps; keep p small."
    place: ClassVar[str] = "second convolution"
    p: Annotated[float, Uniform(0.02, 0.2), Field(gt=0, lt=1, description="probability")] = 0.1

    def select(self, sites: list[Site]) -> Iterable[Site]:
        return [s for s in sites if isinstance(s.module, nn.Conv2d)][1:]

    def replace(self, site: Site) -> nn.Module | None:
        return nn.Sequential(nn.Dropout2d(self.p), site.module)


class StochasticDepth(Trick, Surgery):
    """Layers left out of each training step."""

    place: ClassVar[str] = "identity shortcut to take instead of a layer"


class Linear(StochasticDepth):
    """Take only the shortcut around a layer, image by image, with a probability that grows linearly with depth."""

    paper = "Huang et al. 2016, arXiv:1603.09382"
    when = "Deep residual networks over many epochs; a short training of a shallow one loses by it."
    interactions = "shortcut: residual gives plain networks the shortcuts that it needs."
    p: Annotated[float, Uniform(0.05, 0.3), Field(gt=0, lt=1, description="probability at the last layer")] = 0.1

    def plan(self, sites: list[Site]) -> Iterator[tuple[str, nn.Module]]:
        from timm.layers import DropPath

        branches = [site for site in sites if site.residual]
        for i, site in enumerate(branches, start=1):
            yield site.path, nn.Sequential(site.module, DropPath(self.p * i / len(branches)))
