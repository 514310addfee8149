"""The doors to timm's and torchvision's networks by name."""

import difflib
from functools import partial

from torch import nn

from autocls.errors import unknown
from autocls.models.stems import fit


def known_timm(name: str) -> str:
    """``name`` if timm builds a network of that name (a pretrained tag may follow a dot), else ValueError."""
    import timm

    _known("timm model", name.partition(".")[0], timm.list_models())
    return _known("timm model", name, timm.list_models(pretrained=True)) if "." in name else name


def known_torchvision(name: str) -> str:
    """``name`` if torchvision builds an image classifier of that name, else ValueError."""
    import torchvision

    return _known("torchvision model", name, torchvision.models.list_models(module=torchvision.models))


def timm_model(name: str, classes: int, channels: int, image_size: int) -> nn.Module:
    """timm's ``name`` with random weights; networks that must know the image's size are told it."""
    import timm

    build = partial(timm.create_model, name, pretrained=False, num_classes=classes, in_chans=channels)
    try:
        return build(img_size=image_size)
    except TypeError:  # convolutional networks take no img_size
        return build()


def torchvision_model(name: str, classes: int, channels: int) -> nn.Module:
    """torchvision's ``name`` with random weights and no auxiliary heads (they answer a tuple while training)."""
    import torchvision

    heads = {"aux_logits": False, "init_weights": True} if name in ("googlenet", "inception_v3") else {}
    model: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=classes, **heads)
    return model if channels == 3 else fit(model, channels)


def _known(what: str, name: str, names: list[str]) -> str:
    if name in names:
        return name
    raise ValueError(unknown(what, name, difflib.get_close_matches(name, names, n=5, cutoff=0.3)))
