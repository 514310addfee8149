"""A trained classifier as one file that works where autocls isn't: written, checked, made small, described."""

from autocls.deploy.export.checking import Unfaithful
from autocls.deploy.export.export import Exported, export
from autocls.deploy.export.formats import FORMATS

__all__ = ["FORMATS", "Exported", "Unfaithful", "export"]
