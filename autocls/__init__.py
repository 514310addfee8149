"""autocls finds the best way to train an image classifier on your own images.

``autocls.search(data, space)`` searches, ``autocls.resume(folder)`` goes on with what was killed,
``autocls.train(recipe, data, out)`` trains one recipe, ``autocls.cross_validate(recipe, data, folds)`` scores one on
every image, ``autocls.distill(teacher, data, recipe, out)`` has a small network learn from a large one,
``autocls.load(folder)`` gives a trained classifier. Each imports what it needs when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["BadInput", "Recipe", "Space", "cross_validate", "distill", "load", "resume", "search", "train"]

if TYPE_CHECKING:
    from autocls.api import cross_validate, load, train
    from autocls.distilling import distill
    from autocls.errors import BadInput
    from autocls.recipe import Recipe
    from autocls.search.run import resume, search
    from autocls.space import Space

_HOME = {
    "BadInput": "errors",
    "Recipe": "recipe",
    "Space": "space",
    "cross_validate": "api",
    "distill": "distilling",
    "load": "api",
    "resume": "search.run",
    "train": "api",
}


def __getattr__(name: str) -> Any:
    if name == "search":
        return importlib.import_module("autocls.search")
    if name in _HOME:
        return getattr(importlib.import_module(f"autocls.{_HOME[name]}"), name)
    raise AttributeError(f"module 'autocls' has no attribute '{name}'")
