"""Measure how often a closed case is found again, and how often another is taken for it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the pairs

from tests.support import solved_pairs

if __name__ == "__main__":
    sys.exit(solved_pairs.main())
