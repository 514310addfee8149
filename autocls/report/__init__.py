"""The HTML page of a search: read a run folder, compute everything that is shown, place it."""

from autocls.report.page import write_report

__all__ = ["write_report"]
