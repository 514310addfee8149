"""Searching a space. The module is the function too: ``autocls.search("photos", "quick")``."""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autocls.search.finish import SearchResult


class _Callable(ModuleType):
    """``import autocls.search`` would hide a function of that name, so the module answers to the call.

    What it calls is imported then: a worker imports this package too, and needs no report.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> "SearchResult":
        from autocls.search.run import search

        return search(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
