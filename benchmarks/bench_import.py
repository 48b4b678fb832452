"""
Measure what `import sinchtools` adds to the start of Python: at most 0.3 s.

Take the median of eleven starts of each, in turn.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

BOUND_S = 0.3


def seconds(code: str) -> float:
    """Return the wall time of one fresh interpreter that runs the code."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


pairs = [(seconds("pass"), seconds("import sinchtools")) for _ in range(12)][1:]
bare, full = (statistics.median(column) for column in zip(*pairs, strict=True))
print(
    f"start of Python {bare:.3f} s, with import sinchtools {full:.3f} s, "
    f"difference {full - bare:.3f} s (bound {BOUND_S} s)"
)
sys.exit(full - bare > BOUND_S)
