"""The simulator of the SMS REST API on loopback: server, state, faults."""

from sinchtools.sandbox.server import Sandbox, shared
from sinchtools.sandbox.state import Account

__all__ = ["Account", "Sandbox", "shared"]
