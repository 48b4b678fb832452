"""
Measure how fast the charts panel redraws 100,000 exchanges in JupyterLab.

From a click on a mark, a brush over time, or a filter that is taken away to the new picture at most
0.5 s may pass in the median, and 1 s at most. Needs Chromium.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from sinchtools.notebook.panels.pattern_chart import KINDS  # noqa: E402
from tests.support.lab import Lab, run_all, wait_idle  # noqa: E402 - needs the path
from tests.support.present import present  # noqa: E402

MEDIAN_S, BOUND_S, ROUNDS, EXCHANGES = 0.5, 1.0, 3, 100_000
SOURCE = (
    "import sinchtools as st\nfrom tools.traffic import fast_traffic\n"
    f"st.panels.ChartsPanel(fast_traffic({EXCHANGES}, seed=1))"
)
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
CELL: dict[str, Any] = {
    "cell_type": "code",
    "id": "x",
    "metadata": {},
    "outputs": [],
    "execution_count": None,
    "source": SOURCE,
}
WATCH = """() => { window.gap = 0; let last = performance.now();
    setInterval(() => {
        const now = performance.now(); window.gap = Math.max(window.gap, now - last); last = now
    }, 10) }"""
DRAWN = "old => { const now = document.querySelector('.st-touch svg'); return now && now !== old }"


def timed(page: Page, act: Callable[[], object]) -> float:
    """Return the seconds from an action in the page to the picture that follows from it."""
    before = page.evaluate_handle("document.querySelector('.st-touch svg')")
    began = time.perf_counter()
    act()
    page.wait_for_function(DRAWN, arg=before, polling=10)
    seconds = time.perf_counter() - began
    wait_idle(page)
    return seconds


def brush(page: Page) -> None:
    """Drag over a tenth of the time."""
    marks = page.locator(".st-mark[data-from]")
    boxes = [present(marks.nth(i).bounding_box()) for i in (20, 20 + marks.count() // 10)]
    page.mouse.move(boxes[0]["x"], boxes[0]["y"] + 60)
    page.mouse.down()
    page.mouse.move(boxes[1]["x"], boxes[1]["y"] + 60, steps=2)
    page.mouse.up()


def touched(page: Page, kind: str) -> list[float]:
    """Return the seconds of clicks on a mark or brushes, and of the chips that are taken away."""
    took = []
    for _ in range(ROUNDS):
        if kind == "Timeline":
            took.append(timed(page, lambda: brush(page)))
        else:
            took.append(timed(page, page.locator(".st-mark").first.click))
        took.append(timed(page, page.locator(".st-chip").first.click))
        while page.locator(".st-chip").count():
            timed(page, page.locator(".st-chip").first.click)
    return took


with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
    notebook = {
        "cells": [CELL],
        "metadata": {"kernelspec": KERNEL},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    Path(folder, "charts.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    took: dict[str, list[float]] = {}
    with Lab(Path(folder), Path(home)) as lab:
        page = lab.open("charts.ipynb")
        page.set_default_timeout(30_000)
        run_all(page)
        page.locator(".st-touch svg").wait_for()
        wait_idle(page)
        page.evaluate(WATCH)
        for chart in [*list(KINDS)[1:-1], next(iter(KINDS))]:
            tab = page.get_by_role("button", name=chart, exact=True)
            took[chart] = [timed(page, tab.click), *touched(page, chart)]
        gap_ms = page.evaluate("window.gap")
for chart, times in took.items():
    print(
        f"{chart:<22} {statistics.median(times):5.2f} s, at most {max(times):.2f} s "
        f"of {len(times)} changes"
    )
every = [seconds for times in took.values() for seconds in times]
slowest, middle = max(every), statistics.median(every)
print(
    f"{EXCHANGES:,} exchanges: median {middle:.2f} s (bound {MEDIAN_S}), slowest {slowest:.2f} s "
    f"(bound {BOUND_S:.0f}); the page answered nothing for {gap_ms:.0f} ms at most"
)
sys.exit(slowest > BOUND_S or middle > MEDIAN_S)
