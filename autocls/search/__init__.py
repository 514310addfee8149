"""Searching a space. The module is the function too: ``autocls.search("photos", "quick")``."""

import sys
from types import ModuleType
from typing import Any

from autocls.search.run import SearchResult, search

__all__ = ["SearchResult", "search"]


class _Callable(ModuleType):
    """``import autocls.search`` would hide a function of that name, so the module answers to the call."""

    def __call__(self, *args: Any, **kwargs: Any) -> SearchResult:
        return search(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
