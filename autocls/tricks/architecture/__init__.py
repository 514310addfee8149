"""Slot ``architecture``: the network, a module for each family.

A family's choices are there once its module is imported, and are listed in the order of these imports.
"""

from autocls.tricks.architecture.base import Architecture
from autocls.tricks.architecture.classic import CifarResnet, Lenet, Resnet18  # isort: split

from autocls.tricks.architecture import deep
from autocls.tricks.architecture.light import MobilenetV2  # isort: split

from autocls.tricks.architecture.doors import Timm, Torchvision

__all__ = ["Architecture", "CifarResnet", "Lenet", "MobilenetV2", "Resnet18", "Timm", "Torchvision", "deep"]
