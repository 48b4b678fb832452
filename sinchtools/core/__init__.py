"""The words that everything speaks in: exchanges, findings, steps, errors, settings."""

from sinchtools.core.errors import SinchToolsError
from sinchtools.core.records import Exchange, Finding, Step

__all__ = ["Exchange", "Finding", "SinchToolsError", "Step"]
