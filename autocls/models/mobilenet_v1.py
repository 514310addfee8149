"""MobileNet v1 of any width: timm builds every width, and names two."""

from collections.abc import Callable

from torch import nn


def mobilenet_v1(classes: int, channels: int, width: float) -> nn.Module:
    """MobileNet ``width``× as in Howard et al. 2017, arXiv:1704.04861; channels are rounded to multiples of 8."""
    from timm.models.efficientnet import _gen_mobilenet_v1

    build: Callable[..., nn.Module] = _gen_mobilenet_v1
    return build("mobilenetv1_100", width, num_classes=classes, in_chans=channels)
