"""A support case on disk, and what is handed over."""

from sinchtools.cases.case import Case, export
from sinchtools.cases.reports import report

__all__ = ["Case", "export", "report"]
