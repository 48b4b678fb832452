"""A support case on disk, and what is handed over."""

from sinchtools.cases.case import Case
from sinchtools.cases.commands import as_curl, as_python
from sinchtools.cases.exporting import export
from sinchtools.cases.replies import escalation, reply
from sinchtools.cases.reports import report
from sinchtools.cases.solved import SeenBefore, seen_before

__all__ = [
    "Case",
    "SeenBefore",
    "as_curl",
    "as_python",
    "escalation",
    "export",
    "reply",
    "report",
    "seen_before",
]
