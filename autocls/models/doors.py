"""The doors to timm's and torchvision's networks by name."""

import difflib
from functools import partial
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import torch
from torch import nn

from autocls.errors import unknown
from autocls.models.functional import as_modules
from autocls.models.sizes import first_that_takes
from autocls.models.stems import fit

NO_AUXILIARY: dict[str, Any] = {"aux_logits": False, "init_weights": True}
"""For torchvision's Inceptions: their auxiliary heads answer a tuple while training."""


def known_timm(name: str) -> str:
    """``name`` if timm builds a network of that name (a pretrained tag may follow a dot), else ValueError."""
    import timm

    _known("timm model", name.partition(".")[0], timm.list_models())
    return _known("timm model", name, timm.list_models(pretrained=True)) if "." in name else name


def known_torchvision(name: str) -> str:
    """``name`` if torchvision builds an image classifier of that name, else ValueError."""
    import torchvision

    return _known("torchvision model", name, torchvision.models.list_models(module=torchvision.models))


def timm_network(name: str, classes: int, channels: int, **options: Any) -> nn.Module:
    """timm's ``name`` with random weights, made for the sizes that its paper says."""
    import timm

    model: nn.Module = timm.create_model(name, pretrained=False, num_classes=classes, in_chans=channels, **options)
    return model


def torchvision_network(name: str, **options: Any) -> nn.Module:
    """torchvision's ``name``, with random weights unless the options say else, its activations as modules."""
    import torchvision

    heads = NO_AUXILIARY if name in ("googlenet", "inception_v3") else {}
    return as_modules(torchvision.models.get_model(name, **heads, **options))


def timm_model(name: str, classes: int, channels: int, image_size: int) -> nn.Module:
    """timm's ``name`` for images of any size: told it, where it must know it; else with images that are enlarged."""

    def build(size: int) -> nn.Module:
        make = partial(timm_network, name, classes, channels)
        try:
            return make(img_size=size)
        except TypeError:  # convolutional networks take no img_size
            return make()

    return first_that_takes(build, channels, image_size, f"timm:{name}")


def torchvision_model(name: str, classes: int, channels: int, image_size: int) -> nn.Module:
    """torchvision's ``name`` for images of any size: enlarged where it doesn't take them."""

    def build(size: int) -> nn.Module:
        model = torchvision_network(name, num_classes=classes)
        return model if channels == 3 else fit(model, channels)

    return first_that_takes(build, channels, image_size, f"torchvision:{name}")


def timm_publishes(name: str) -> bool:
    """Whether timm has weights of ``name``."""
    import timm

    return bool(timm.is_model_pretrained(name))


def timm_weights(name: str) -> dict[str, torch.Tensor]:
    """The weights that timm publishes for ``name``, fetched; at once an OSError where they can't be."""
    import timm
    from huggingface_hub import constants

    if not _answers(constants.ENDPOINT):
        constants.HF_HUB_OFFLINE = True  # what was fetched before is used; else it would be asked for over a minute

    weights: dict[str, torch.Tensor] = timm.create_model(name, pretrained=True).state_dict()
    return weights


def _answers(address: str) -> bool:
    """Whether a web server answers, whatever it says."""
    try:
        urlopen(Request(address, method="HEAD"), timeout=10).close()
    except HTTPError:
        return True
    except OSError:
        return False
    return True


def torchvision_publishes(name: str) -> bool:
    """Whether torchvision has weights of ``name``."""
    import torchvision

    return len(torchvision.models.get_model_weights(name)) > 0


def torchvision_weights(name: str) -> dict[str, torch.Tensor]:
    """The weights that torchvision publishes for ``name``, fetched.

    Read through the network, because the files of some (DenseNet) have an older version's names.
    """
    return torchvision_network(name, weights="DEFAULT", progress=False).state_dict()


def _known(what: str, name: str, names: list[str]) -> str:
    if name in names:
        return name
    raise ValueError(unknown(what, name, difflib.get_close_matches(name, names, n=5, cutoff=0.3)))
