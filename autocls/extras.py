"""Packages that only some verbs need, and that a plain installation lacks."""

from collections.abc import Iterable
from importlib.util import find_spec

from autocls.errors import BadInput


def require(asker: str, extra: str, modules: Iterable[str]) -> None:
    """Raises BadInput, saying what to install, when a module that ``asker`` needs is missing."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise BadInput(f"{asker}: needs {', '.join(missing)}: pip install 'autocls[{extra}]'")
