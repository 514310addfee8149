"""Slots ``norm`` and ``head_norm``: normalisation of feature maps, and of the vectors in the head."""

import math
from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, cast

import torch
from pydantic import Field
from torch import distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from autocls.domains import OneOf
from autocls.surgery import Site
from autocls.tricks.base import Trick
from autocls.tricks.surgery import Replacement


class Norm(Trick, Replacement):
    """Normalisation of feature maps: in place of the network's own, or after each convolution if it has none."""

    interactions: ClassVar[str] = "optimizer: a normalised network stands a higher lr. init: matters less."
    place: ClassVar[str] = "layer that is not normalised like this already"

    def select(self, sites: list[Site]) -> Iterable[Site]:
        own = [s for s in sites if isinstance(s.module, _BatchNorm | nn.GroupNorm | _InstanceNorm) and _is_map(s)]
        return own or [
            s for s in sites if type(s.module).__name__ == "DeformableConv" or isinstance(s.module, nn.Conv2d)
        ]

    def replace(self, site: Site) -> nn.Module | None:
        old, new = site.module, self.layer(site.out_shape[0])
        if not isinstance(old, _BatchNorm | nn.GroupNorm | _InstanceNorm):
            return nn.Sequential(old, new)
        if isinstance(old, type(new)) and getattr(old, "num_groups", 0) == getattr(new, "num_groups", 0):
            return None
        new.load_state_dict(old.state_dict(), strict=False)  # a pretrained scale and shift keep their worth
        # timm's norm layers carry the activation (and a dropout) that follows them
        carried = [getattr(old, part) for part in ("drop", "act") if hasattr(old, part)]
        return nn.Sequential(new, *carried) if carried else new

    @abstractmethod
    def layer(self, channels: int) -> nn.Module:
        """The normalisation of ``channels`` feature maps."""


class Batch(Norm):
    """Normalise each channel over the batch: faster, steadier training."""

    paper = "Ioffe & Szegedy 2015, arXiv:1502.03167"
    when = "Nearly always with batches from about 16 images; below that its statistics are noise."
    interactions = (
        "batch_size: at least 16, counted on each device of a trial by itself; sync_batch counts them all. "
        "optimizer: stands a higher lr."
    )

    def layer(self, channels: int) -> nn.Module:
        return nn.BatchNorm2d(channels)


class SyncBatch(Norm):
    """Batch normalisation over the batches of all the devices of a trial; on one device it is ``batch``."""

    paper = "Peng et al. 2018, arXiv:1711.07240"
    when = "Trials over several devices with few images on each."
    interactions = "batch_size: the whole one counts."

    def layer(self, channels: int) -> nn.Module:
        return SyncedBatchNorm(channels)


class SyncedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation that learns only when it is ``joined`` whether there are others to share statistics with.

    torch's SyncBatchNorm would look for them whenever it is trained, even by one process that tries something out.
    """

    _together = False

    def joined(self) -> nn.Module:
        """What takes its place once all processes of torch.distributed's group train it, with the same parameters.

        That is torch's own on a GPU; on a CPU, where torch's own refuses to work, it is itself.
        """
        if self.weight.is_cuda:
            return cast(nn.Module, nn.SyncBatchNorm.convert_sync_batchnorm(self))
        self._together = True
        return self

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self._over_all(input) if self.training and self._together else super().forward(input)

    def _over_all(self, maps: torch.Tensor) -> torch.Tensor:
        """``maps`` (B×C×H×W) normalised with the mean and the variance of all the processes' maps."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        places, each = (0, 2, 3), (1, -1, 1, 1)
        count = _total(torch.tensor(float(maps.numel() // maps.shape[1])))
        mean = _total(maps.float().sum(places)) / count
        centred = maps.float() - mean.view(each)
        variance = _total(centred.square().sum(places)) / count
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        normalised: torch.Tensor = centred * scale.view(each) + self.bias.view(each)
        return normalised.to(maps.dtype)


class _Total(torch.autograd.Function):
    """The sum of all processes' tensors; what each of them makes of it counts for every tensor's gradient."""

    @staticmethod
    def forward(ctx: Any, mine: torch.Tensor) -> torch.Tensor:
        total = mine.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return _Total.forward(ctx, gradient)


def _total(mine: torch.Tensor) -> torch.Tensor:
    return cast(torch.Tensor, _Total.apply(mine))


class Layer(Norm):
    """Normalise each image over all its channels and places: does not depend on the batch at all."""

    paper = "Ba et al. 2016, arXiv:1607.06450"
    when = "Tiny batches, or where training and use must compute the same; usually behind batch in plain networks."

    def layer(self, channels: int) -> nn.Module:
        return nn.GroupNorm(1, channels)


class Instance(Norm):
    """Normalise each channel of each image by itself, which takes its contrast and its light away."""

    paper = "Ulyanov et al. 2016, arXiv:1607.08022"
    when = "Classes that show in shape and not in light or contrast; it hurts where these tell."
    interactions = "color: takes away much of what colour jitter adds."
    place: ClassVar[str] = "feature map larger than 1×1 that is not normalised like this already"

    def replace(self, site: Site) -> nn.Module | None:
        return super().replace(site) if math.prod(site.out_shape[1:]) > 1 else None

    def layer(self, channels: int) -> nn.Module:
        return nn.InstanceNorm2d(channels, affine=True)


class Group(Norm):
    """Normalise over groups of channels instead of over the batch: does not depend on the batch's size."""

    paper = "Wu & He 2018, arXiv:1803.08494"
    when = "Batches below 16 images."
    groups: Annotated[int, OneOf(8, 16, 32), Field(gt=0, description="at most; a divisor of the channels is used")] = 32

    def layer(self, channels: int) -> nn.Module:
        return nn.GroupNorm(math.gcd(self.groups, channels), channels)


class HeadNorm(Trick, Replacement):
    """1-D normalisation after the linear layers of the head, the one that gives the logits left out."""

    place: ClassVar[str] = "hidden linear layer"

    def select(self, sites: list[Site]) -> Iterable[Site]:
        linear = [s for s in sites if isinstance(s.module, nn.Linear) and len(s.out_shape) == 1]
        return linear[:-1]

    def replace(self, site: Site) -> nn.Module | None:
        return nn.Sequential(site.module, self.layer(site.out_shape[0]))

    @abstractmethod
    def layer(self, features: int) -> nn.Module:
        """The normalisation of B×``features`` vectors."""


class HeadBatch(HeadNorm):
    """BatchNorm1d after each hidden linear layer."""

    name: ClassVar[str] = "batch"
    paper = "Ioffe & Szegedy 2015, arXiv:1502.03167"
    when = "Heads with hidden linear layers (LeNet, AlexNet, VGG) and batches from about 16 images."
    interactions = "head: a fully convolutional head leaves no linear layer."

    def layer(self, features: int) -> nn.Module:
        return nn.BatchNorm1d(features)


class HeadLayer(HeadNorm):
    """LayerNorm after each hidden linear layer."""

    name: ClassVar[str] = "layer"
    paper = "Ba et al. 2016, arXiv:1607.06450"
    when = "As batch, where batches are too small for it."
    interactions = "head: a fully convolutional head leaves no linear layer."

    def layer(self, features: int) -> nn.Module:
        return nn.LayerNorm(features)


def _is_map(site: Site) -> bool:
    return len(site.in_shape) == 3
