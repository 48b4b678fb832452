"""
Hold what the vendor says.

This is the description of the API, the meaning of each code, and the validation of a request.
"""

from sinchtools.api.catalogue import explain
from sinchtools.api.description import locate

__all__ = ["explain", "locate"]
