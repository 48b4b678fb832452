"""
Measure how fast charts panel and workbench redraw 100,000 exchanges in JupyterLab.

From a click on a mark, a brush over time, or a filter that is taken away to the new picture, and in
the workbench to the new list too, at most 0.5 s may pass in the median, and 1 s at most. Needs
Chromium.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from sinchtools.notebook.panels.pattern_chart import KINDS  # noqa: E402
from tests.support.lab import Lab, run_all, wait_idle  # noqa: E402 - needs the path
from tests.support.present import present  # noqa: E402

MEDIAN_S, BOUND_S, ROUNDS, EXCHANGES = 0.5, 1.0, 3, 100_000
PANEL = (
    "import sinchtools as st\nfrom tools.traffic import fast_traffic\n"
    f"st.panels.ChartsPanel(fast_traffic({EXCHANGES}, seed=1))"
)
WORKBENCH = f"""import sinchtools as st
from tools.traffic import fast_traffic
rows = fast_traffic({EXCHANGES}, seed=1).drop(columns="outcome")
rows.to_json("big.jsonl", orient="records", lines=True, date_format="iso")
case = st.Case("big")
case.add("big.jsonl")
st.workbench(case)"""
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
CELL: dict[str, Any] = {
    "cell_type": "code",
    "id": "x",
    "metadata": {},
    "outputs": [],
    "execution_count": None,
}
WATCH = """() => { window.gap = 0; let last = performance.now();
    setInterval(() => {
        const now = performance.now(); window.gap = Math.max(window.gap, now - last); last = now
    }, 10) }"""
DRAWN = """([picture, list]) => {
    const now = document.querySelector('.st-touch svg');
    const counted = document.querySelector('.st-pattern .st-head')?.innerText;
    return now && now !== picture && (list === null || counted !== list) }"""
LIST = ".st-pattern .st-head"
DRAFTED = """() => {
    const reply = document.querySelector('.st-text-reply textarea');
    return !reply || reply.value }"""


def timed(page: Page, act: Callable[[], object], *, is_listed: bool = False) -> float:
    """Return the seconds from an action in the page to the picture, and list, that follow."""
    before = page.evaluate_handle("document.querySelector('.st-touch svg')")
    counted = page.locator(LIST).first.inner_text() if is_listed else None
    began = time.perf_counter()
    act()
    page.wait_for_function(DRAWN, arg=[before, counted], polling=10)
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
    is_listed = page.locator(LIST).count() > 0
    chips, took = page.locator(".st-chip"), []
    for _ in range(ROUNDS):
        click_or_brush = partial(brush, page) if kind == "Timeline" else _mark(page).click
        took.append(timed(page, click_or_brush, is_listed=is_listed))
        took.append(timed(page, chips.last.click, is_listed=is_listed))
        while chips.count():
            timed(page, chips.first.click)
    return took


def _mark(page: Page) -> Locator:
    """Return a mark that can be clicked."""
    return page.locator(".st-mark:not([aria-disabled])").first


def measured(source: str, tabs: Iterable[str]) -> tuple[dict[str, list[float]], float]:
    """Return the seconds of each chart of a panel, and how long the page answered nothing."""
    notebook = {
        "cells": [{**CELL, "source": source}],
        "metadata": {"kernelspec": KERNEL},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        Path(folder, "charts.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        with Lab(Path(folder), Path(home)) as lab:
            page = lab.open("charts.ipynb")
            run_all(page)
            page.locator(".st-touch svg").wait_for()
            wait_idle(page)
            page.wait_for_function(DRAFTED)
            page.set_default_timeout(30_000)
            page.evaluate(WATCH)
            took = {}
            for chart in tabs:
                tab = page.get_by_role("button", name=chart, exact=True)
                took[chart] = [timed(page, tab.click), *touched(page, chart)]
            return took, page.evaluate("window.gap")


def said(what: str, took: dict[str, list[float]], gap_ms: float) -> bool:
    """Print the seconds; return whether they are within the bounds."""
    for chart, times in took.items():
        print(
            f"{what + ', ' + chart:<26} {statistics.median(times):5.2f} s, at most "
            f"{max(times):.2f} s of {len(times)} changes"
        )
    every = [seconds for times in took.values() for seconds in times]
    slowest, middle = max(every), statistics.median(every)
    print(
        f"{what}, {EXCHANGES:,} exchanges: median {middle:.2f} s (bound {MEDIAN_S}), slowest "
        f"{slowest:.2f} s of {len(every)} (bound {BOUND_S:.0f}); the page answered nothing for "
        f"{gap_ms:.0f} ms at most"
    )
    return slowest <= BOUND_S and middle <= MEDIAN_S


shown = [*list(KINDS)[1:-1], next(iter(KINDS))]  # the timeline is open at first
panel = said("panel", *measured(PANEL, shown))
of_workbench = [chart for chart in shown if KINDS[chart].in_workbench]
workbench = said("workbench", *measured(WORKBENCH, of_workbench))
sys.exit(not (panel and workbench))
