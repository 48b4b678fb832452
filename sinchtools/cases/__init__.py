"""A support case on disk, and what is handed over."""

from sinchtools.cases.case import Case
from sinchtools.cases.commands import as_curl, as_python
from sinchtools.cases.exporting import export
from sinchtools.cases.replies import escalation, reply
from sinchtools.cases.reports import report

__all__ = ["Case", "as_curl", "as_python", "escalation", "export", "reply", "report"]
