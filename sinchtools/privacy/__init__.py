"""
Keep on this machine what must not leave it.

Secrets are removed where data enters. People get aliases where it leaves.
"""

from sinchtools.privacy.aliases import Aliases
from sinchtools.privacy.redaction import Redactor

__all__ = ["Aliases", "Redactor"]
