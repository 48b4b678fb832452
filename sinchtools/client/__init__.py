"""Calls to the API, and the log that keeps every attempt."""

from sinchtools.client.client import connect
from sinchtools.client.log import CallLog
from sinchtools.client.recording import record

__all__ = ["CallLog", "connect", "record"]
