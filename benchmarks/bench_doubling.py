"""
How many kinds of input take less than three times the time when they are twice as long.

The kinds stand with the tests that are marked as timed. With SINCHTOOLS_FULL=1 each is four times
as long.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Print the count of each file, and the kinds that took longer."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "timed", "-p", "no:cacheprovider"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    lines = done.stdout.splitlines()
    print("\n".join(line for line in lines if line.startswith("FAILED")) or "none took longer")
    print(lines[-1] if lines else done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
