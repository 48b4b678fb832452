"""
Explain why a text is not JSON.

Name the defect and the character that a person must change, and fix it where that is certain.
"""

from sinchtools.diagnosis.json_errors.broken import Examined, defects, examined
from sinchtools.diagnosis.json_errors.defect import Defect, shown
from sinchtools.diagnosis.json_errors.text import (
    line_and_column,
    parse,
    position_of,
    positions_of,
)

__all__ = [
    "Defect",
    "Examined",
    "defects",
    "examined",
    "line_and_column",
    "parse",
    "position_of",
    "positions_of",
    "shown",
]
