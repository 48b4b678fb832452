"""The command line."""

from sinchtools.terminal.cli import main
from sinchtools.terminal.health import doctor

__all__ = ["doctor", "main"]
