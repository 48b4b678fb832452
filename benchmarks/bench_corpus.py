"""
Measure how many labelled defects are found, with the request alone and with its response.

Count also how many valid requests raise a false alarm.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the corpus

from tests.support import corpus

if __name__ == "__main__":
    sys.exit(corpus.main())
