"""Fitting a ready-made network to an image: its number of channels and its size."""

from typing import cast

from torch import nn

from autocls.models.sizes import output_shape

SMALL = 64
"""Images with fewer pixels a side get a stem that doesn't shrink them: an ImageNet stem would leave 7 of 28 pixels."""


def first_conv(model: nn.Module) -> tuple[str, nn.Conv2d]:
    """Path and module of the first convolution of ``model``."""
    for path, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            return path, module
    raise ValueError(f"{type(model).__name__} has no convolution")


def fit(model: nn.Module, channels: int, image_size: int = SMALL, pools: tuple[str, ...] = ()) -> nn.Module:
    """Give ``model`` a first convolution for ``channels``, with stride 1 and no stem pools when images are small.

    ``pools`` names the stem's pooling modules. A small-image stem follows He et al. 2016's CIFAR networks: the kernel
    is 3×3 at the most.
    """
    path, old = first_conv(model)
    small = image_size < SMALL
    if small or old.in_channels != channels:
        kernel = min(old.kernel_size[0], 3) if small else old.kernel_size[0]
        stride = 1 if small else old.stride[0]
        padding = kernel // 2 if small else int(old.padding[0])
        new = nn.Conv2d(channels, old.out_channels, kernel, stride, padding, bias=old.bias is not None)
        nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
        model.set_submodule(path, new)
    if small:
        for pool in pools:
            model.set_submodule(pool, nn.Identity())
    return model


def fit_head(model: nn.Module, channels: int, image_size: int) -> nn.Module:
    """Let torchvision's AlexNet or VGG pool its last maps to the size they have, where that is below the paper's.

    Its first linear layer would else see the same few numbers over and over, at 25,088 weights an output.
    """
    _, maps, side, _ = output_shape(model.get_submodule("features"), 1, channels, image_size, image_size)
    pool = cast(nn.AdaptiveAvgPool2d, model.get_submodule("avgpool"))
    if side < cast(tuple[int, int], pool.output_size)[0]:
        path, linear = next((p, m) for p, m in model.named_modules() if isinstance(m, nn.Linear))
        model.set_submodule("avgpool", nn.AdaptiveAvgPool2d(side))
        model.set_submodule(path, nn.Linear(maps * side * side, linear.out_features))
    return model
