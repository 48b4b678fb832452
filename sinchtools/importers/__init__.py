"""Brings in any evidence as clean rows: curl, HAR, Postman, raw HTTP, SDK log lines, access logs, tables."""

from sinchtools.importers.evidence import Evidence
from sinchtools.importers.reading import FORMATS, read
from sinchtools.importers.scan import scan

__all__ = ["FORMATS", "Evidence", "read", "scan"]
