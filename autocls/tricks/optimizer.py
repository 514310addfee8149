"""Slots ``optimizer`` and ``clip``: how gradients become steps."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field, field_validator

from autocls.domains import Log, OneOf, Uniform
from autocls.errors import unknown
from autocls.tricks.base import Aspect, Trick


class Optimizer(Trick):
    """How gradients become steps; each has its own learning rate."""

    required: ClassVar[bool] = True
    shows_in: ClassVar[Aspect] = Aspect.GROUPS
    interactions: ClassVar[str] = "lr_scaling, schedule and warmup act on its lr."
    lr: float

    @abstractmethod
    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        """The optimizer of parameter groups that each say their own ``weight_decay``."""


class Sgd(Optimizer):
    """Stochastic gradient descent with momentum; weight decay is L2, part of the gradient."""

    paper = "Sutskever et al. 2013, ICML"
    when = "Convolutional networks and time to find the right rate, to which it is sensitive; hard to beat then."
    lr: Annotated[float, Log(0.01, 0.5), Field(gt=0)] = 0.05
    momentum: Annotated[float, Uniform(0.8, 0.98), Field(gt=0, lt=1)] = 0.9
    nesterov: bool = True

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        return torch.optim.SGD(groups, lr=self.lr, momentum=self.momentum, nesterov=self.nesterov, fused=True)


class Adam(Optimizer):
    """Steps scaled for each weight by its gradients' size; weight decay is L2, scaled like the gradient."""

    paper = "Kingma & Ba 2015, arXiv:1412.6980"
    when = "A good result at the first try: it forgives a wrong rate."
    lr: Annotated[float, Log(3e-4, 1e-2), Field(gt=0)] = 1e-3

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        return torch.optim.Adam(groups, lr=self.lr, fused=True)


class AdamW(Optimizer):
    """Adam with decoupled weight decay: weights shrink by lr · decay, whatever their gradients."""

    name: ClassVar[str] = "adamw"
    paper = "Loshchilov & Hutter 2019, arXiv:1711.05101"
    when = "Wherever adam is good and weights should decay; fine-tuning."
    interactions = "weight_decay: without it this is adam. lr_scaling, schedule and warmup act on its lr."
    lr: Annotated[float, Log(3e-4, 1e-2), Field(gt=0)] = 1e-3

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        return torch.optim.AdamW(groups, lr=self.lr, fused=True)


class Adabound(Optimizer):
    """Adam whose per-weight step is clipped into a band that narrows to SGD's; weight decay is decoupled."""

    paper = "Luo et al. 2019, arXiv:1902.09843"
    when = "Adam's fast start with SGD's finish; its final_lr needs the care that SGD's rate does."
    lr: Annotated[float, Log(3e-4, 1e-2), Field(gt=0)] = 1e-3
    final_lr: Annotated[float, Log(1e-2, 1.0), Field(gt=0)] = 0.1

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        import pytorch_optimizer

        return pytorch_optimizer.AdaBound(groups, lr=self.lr, final_lr=self.final_lr)


class Rmsprop(Optimizer):
    """Steps divided by a running mean of the gradients' size, with momentum; weight decay is L2."""

    paper = "Tieleman & Hinton 2012, Coursera lecture 6.5"
    when = "Inception and MobileNet recipes of old; adam mostly took its place."
    lr: Annotated[float, Log(1e-4, 1e-2), Field(gt=0)] = 1e-3
    momentum: Annotated[float, Uniform(0.5, 0.95), Field(ge=0, lt=1)] = 0.9

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(groups, lr=self.lr, momentum=self.momentum, foreach=True)


class Lamb(Optimizer):
    """Adam whose step is scaled, layer by layer, to the size of the layer's weights; weight decay is decoupled."""

    paper = "You et al. 2020, arXiv:1904.00962"
    when = "Very large batches."
    lr: Annotated[float, Log(1e-3, 3e-2), Field(gt=0)] = 5e-3

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        from timm.optim import Lamb as Timms

        # timm would scale only weights that decay, and clip gradients, for which there is a slot.
        return Timms(groups, lr=self.lr, decoupled_decay=True, always_adapt=True, max_grad_norm=None)


class Lion(Optimizer):
    """Steps of one size, the sign of a momentum decides their direction; weight decay is decoupled."""

    paper = "Chen et al. 2023, arXiv:2302.06675"
    when = "Large batches and long trainings; wants a rate 3 to 10 times below adam's."
    lr: Annotated[float, Log(3e-5, 1e-3), Field(gt=0)] = 1e-4

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        from timm.optim import Lion as Timms

        return Timms(groups, lr=self.lr)


class Timm(Optimizer):
    """Any optimizer of timm by its name there, as ``timm:NAME``."""

    name: ClassVar[str] = "timm:"
    paper = "Wightman 2019, github.com/huggingface/pytorch-image-models"
    when = "An optimizer that autocls doesn't name itself, as adan, nadamw or muon."
    entry: str
    lr: Annotated[float, Log(1e-4, 1e-1), Field(gt=0)] = 1e-3

    @property
    def choice(self) -> str:
        return f"{self.name}{self.entry}"

    def written(self) -> Any:
        return {self.choice: {"lr": self.lr}}

    @field_validator("entry")
    @classmethod
    def _known(cls, entry: str) -> str:
        if entry not in timm_names():
            raise ValueError(unknown("timm optimizer", entry, timm_names()))
        return entry

    def build(self, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        from timm.optim import create_optimizer_v2

        optimizer: torch.optim.Optimizer = create_optimizer_v2(groups, opt=self.entry, lr=self.lr, weight_decay=0.0)
        return optimizer


def timm_names() -> list[str]:
    """timm's optimizers that need no more than a gradient."""
    from timm.optim import list_optimizers

    return [name for name in map(str, list_optimizers()) if not name.startswith(_NEEDY)]


_NEEDY = ("bnb", "fused", "adahessian", "kron")
"""They need a package or a GPU of their own, gradients of gradients, or (kron) a compiler and half a minute with it."""


class Clip(Trick):
    """Gradients cut down before each step."""

    shows_in: ClassVar[Aspect] = Aspect.STEPS

    @abstractmethod
    def apply(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Cut the gradients of ``parameters`` in place."""


class Norm(Clip):
    """Scale all gradients down together when their common norm is too large."""

    paper = "Pascanu et al. 2013, arXiv:1211.5063"
    when = "Trainings that diverge, high rates, no warm-up; harmless where the limit is rarely met."
    interactions = "optimizer: adaptive ones feel it little. warmup: does the same job."
    max: Annotated[float, Log(0.1, 5.0), Field(gt=0)] = 1.0

    def apply(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        torch.nn.utils.clip_grad_norm_(parameters, self.max, foreach=True)


class Adaptive(Clip):
    """Cut each unit's gradient to a share of the size of its weights."""

    paper = "Brock et al. 2021, arXiv:2102.06171"
    when = "Networks without normalisation, large batches."
    interactions = "norm: needed most where there is none."
    factor: Annotated[float, OneOf(0.01, 0.02, 0.05, 0.1), Field(gt=0, le=1)] = 0.02

    def apply(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        from timm.utils.agc import adaptive_clip_grad

        adaptive_clip_grad(list(parameters), clip_factor=self.factor)
