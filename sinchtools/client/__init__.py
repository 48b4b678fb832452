"""Calls to the API, and the log that keeps every attempt."""

from sinchtools.client.client import connect, record
from sinchtools.client.log import CallLog

__all__ = ["CallLog", "connect", "record"]
