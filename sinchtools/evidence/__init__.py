"""
Read any evidence into clean rows.

Read curl, HAR, Postman, raw HTTP, SDK log lines, access logs and tables.
"""

from sinchtools.evidence.evidence import Evidence
from sinchtools.evidence.kinds import FORMATS
from sinchtools.evidence.reading import read
from sinchtools.evidence.scanning import columns_of, scan, unread

__all__ = ["FORMATS", "Evidence", "columns_of", "read", "scan", "unread"]
