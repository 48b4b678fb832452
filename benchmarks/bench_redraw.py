"""
Measure how fast the charts panel redraws 100,000 exchanges in JupyterLab.

From a changed filter to the new picture at most 1 s may pass. Needs Chromium.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from sinchtools.notebook.panels.charts import KINDS  # noqa: E402
from tests.support.lab import Lab, run_all, wait_idle  # noqa: E402 - the harness lies beside the tests

BOUND_S, ROUNDS, EXCHANGES = 1.0, 3, 100_000
FILTERS = (
    ("Status", "200"),
    ("Status", "All"),
    ("Outcome", "Successes"),
    ("Outcome", "All"),
    ("Endpoint", "GET"),
    ("Endpoint", "All"),
)
SOURCE = (
    f"import sinchtools as st\nfrom tools.traffic import "
    f"fast_traffic\nst.panels.ChartsPanel(fast_traffic({EXCHANGES}, seed=1))"
)
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
CELL = {
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
DRAWN = (
    "before => { const now = document.querySelector('.st-panel img'); return now && now.src "
    "!== before && now.complete }"
)


def change(page, control: str, words: str) -> float:  # type: ignore[no-untyped-def]
    """Return the seconds from a choice in the page to the picture that follows from it."""
    select = page.locator(".st-panel").get_by_label(control, exact=True)
    label = next(
        one
        for one in select.locator("option").all_text_contents()
        if one.replace("\xa0", " ").startswith(words)
    )
    before = page.evaluate("document.querySelector('.st-panel img').src")
    began = time.perf_counter()
    select.select_option(label=label)
    page.wait_for_function(DRAWN, arg=before, polling=10)
    seconds = time.perf_counter() - began
    wait_idle(page)
    return seconds


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
        run_all(page)
        page.locator(".st-panel img").wait_for()
        wait_idle(page)
        page.evaluate(WATCH)
        for chart in [*list(KINDS)[1:], next(iter(KINDS))]:
            took[chart] = [change(page, "Chart", chart)]
            took[chart] += [change(page, *one) for _ in range(ROUNDS) for one in FILTERS]
        gap_ms = page.evaluate("window.gap")
for chart, times in took.items():
    print(
        f"{chart:<22} {statistics.median(times):5.2f} s, at most {max(times):.2f} s "
        f"of {len(times)} changes"
    )
slowest = max(max(times) for times in took.values())
print(
    f"{EXCHANGES:,} exchanges: slowest change {slowest:.2f} s (bound {BOUND_S:.0f}); the page "
    f"answered nothing for {gap_ms:.0f} ms at most"
)
sys.exit(slowest > BOUND_S)
