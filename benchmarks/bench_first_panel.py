"""
Measure the time from `sinchtools lab` to the first panel that responds, in notebook 00.

It may take at most 1.3 times as long as a slider alone. Needs Chromium.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.support.lab import Lab, run_all, wait_idle  # noqa: E402 - needs the path

BOUND, ROUNDS = 1.3, 5
OURS, TRIVIAL = (
    ("notebooks/00-start-here.ipynb", ".widget-vbox.st button:visible"),
    ("slider.ipynb", ".widget-slider"),
)
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
CELL: dict[str, Any] = {
    "cell_type": "code",
    "id": "x",
    "metadata": {},
    "outputs": [],
    "execution_count": None,
    "source": "import ipywidgets\nipywidgets.IntSlider()",
}


def seconds(root: Path, notebook: str, widget: str) -> float:
    """
    Return the seconds from the start of server and browser to a widget that can be clicked.

    The widget must be visible, and the kernel must be waiting for a click.
    """
    with tempfile.TemporaryDirectory() as home:
        lab = Lab(root, Path(home))
        started = time.perf_counter()
        with lab:
            page = lab.open(notebook)
            run_all(page)
            page.locator(widget).first.wait_for()
            wait_idle(page)
            return time.perf_counter() - started


with tempfile.TemporaryDirectory() as folder:
    for name in ("notebooks", "data/samples"):
        shutil.copytree(ROOT / name, Path(folder, name))
    notebook = {
        "cells": [CELL],
        "metadata": {"kernelspec": KERNEL},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    Path(folder, TRIVIAL[0]).write_text(json.dumps(notebook), encoding="utf-8")
    rounds = [
        (seconds(Path(folder), *OURS), seconds(Path(folder), *TRIVIAL)) for _ in range(ROUNDS + 1)
    ][1:]
ours, trivial = (statistics.median(column) for column in zip(*rounds, strict=True))
ratio = statistics.median(one / other for one, other in rounds)
print(
    f"first panel of notebook 00 after {ours:.1f} s, a slider alone after {trivial:.1f} "
    f"s: {ratio:.2f} times, medians of {ROUNDS} (bound {BOUND})"
)
sys.exit(ratio > BOUND)
