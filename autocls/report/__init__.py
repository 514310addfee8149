"""The HTML page of a search: read a run folder, compute everything that is shown, place it."""

from autocls.report.page import write_report
from autocls.report.recipes import knobs

__all__ = ["knobs", "write_report"]
