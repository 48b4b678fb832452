"""
Read any evidence into clean rows.

Read curl, HAR, Postman, raw HTTP, SDK log lines, access logs and tables.
"""

from sinchtools.evidence.evidence import Evidence
from sinchtools.evidence.reading import FORMATS, read
from sinchtools.evidence.scanning import scan

__all__ = ["FORMATS", "Evidence", "read", "scan"]
