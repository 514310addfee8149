"""Slot ``optimizer``: how gradients become steps."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field

from autocls.domains import Log, Uniform
from autocls.tricks.base import Trick


class Optimizer(Trick):
    """How gradients become steps; each has its own learning rate."""

    required: ClassVar[bool] = True
    lr: float

    @abstractmethod
    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        """The optimizer of parameter groups that each say their own ``weight_decay``."""


class Sgd(Optimizer):
    """Stochastic gradient descent with momentum: sensitive to its learning rate, hard to beat when that is right."""

    paper = "Sutskever et al. 2013, ICML"
    lr: Annotated[float, Log(0.01, 0.5), Field(gt=0)] = 0.05
    momentum: Annotated[float, Uniform(0.8, 0.98), Field(gt=0, lt=1)] = 0.9
    nesterov: bool = True

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        return torch.optim.SGD(groups, lr=self.lr, momentum=self.momentum, nesterov=self.nesterov, foreach=True)


class Adam(Optimizer):
    """Steps scaled for each weight by its gradients' size: forgiving of its learning rate."""

    paper = "Kingma & Ba 2015, arXiv:1412.6980"
    lr: Annotated[float, Log(3e-4, 1e-2), Field(gt=0)] = 1e-3

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        return torch.optim.Adam(groups, lr=self.lr, foreach=True)


class Adabound(Optimizer):
    """Adam whose per-weight step is clipped into a band that narrows to SGD's."""

    paper = "Luo et al. 2019, arXiv:1902.09843"
    lr: Annotated[float, Log(3e-4, 1e-2), Field(gt=0)] = 1e-3
    final_lr: Annotated[float, Log(1e-2, 1.0), Field(gt=0)] = 0.1

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        import pytorch_optimizer

        return pytorch_optimizer.AdaBound(groups, lr=self.lr, final_lr=self.final_lr)
