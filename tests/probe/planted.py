"""Three knobs that do nothing, and a space that opens them; run by itself, so that no other test meets them."""

from collections.abc import Iterable
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn

from autocls.domains import Log, Uniform
from autocls.probe import check
from autocls.space import Space
from autocls.surgery import Site
from autocls.tricks.mixing import Mix
from autocls.tricks.norm import Norm
from autocls.tricks.optimizer import Optimizer


class Deaf(Mix):
    """A parameter that nobody forwards."""

    strength: Annotated[float, Uniform(0.1, 0.9), Field(gt=0)] = 0.5

    def apply(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return (images + images.flip(0)) / 2, (targets + targets.flip(0)) / 2


class Misspelt(Optimizer):
    """A hyperparameter that gets lost on its way because of its name."""

    lr: Annotated[float, Log(1e-3, 1e-1), Field(gt=0)] = 1e-2
    momentum: Annotated[float, Uniform(0.5, 0.9), Field(ge=0)] = 0.9

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        settings = {"lr": self.lr, "momentun": self.momentum}
        return torch.optim.SGD(groups, **{k: v for k, v in settings.items() if k in ("lr", "momentum")})


class Nowhere(Norm):
    """A trick that finds no site in any network."""

    def select(self, sites: list[Site]) -> list[Site]:
        return []

    def layer(self, channels: int) -> nn.Module:
        return nn.Identity()


if __name__ == "__main__":
    for finding in check(
        Space.from_yaml("norm: [none, batch, nowhere]\nmix: [none, mixup, deaf]\noptimizer: [sgd, misspelt]")
    ):
        print(finding)
