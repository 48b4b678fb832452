"""
Measure the way from `sinchtools lab` to FIXED with a sample, by clicking: clicks and seconds.

At most 4 clicks and 20 s, the environment being there. Needs Chromium.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Locator, Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.support.lab import RAN, Lab  # noqa: E402 - the harness lies beside the tests

MOST_CLICKS, MOST_S, ROUNDS = 4, 20, 3
PANEL = ".widget-vbox.st"
RUN_ALL = "li.lm-Menu-item[data-command='runmenu:run-all']"


class Hand:
    """Clicks, and counts them."""

    def __init__(self) -> None:
        self.clicks = 0

    def click(self, what: Locator) -> None:
        what.click()
        self.clicks += 1


def to_fixed(page: Page) -> int:
    """Click from the page where the lab begins to FIXED, and return the clicks."""
    hand = Hand()
    page.get_by_text("| Idle").first.wait_for()
    hand.click(page.locator("li.lm-MenuBar-item", has_text="Run").first)
    hand.click(page.locator(RUN_ALL).first)
    page.wait_for_function(RAN)
    hand.click(page.locator(f"{PANEL} .st-sample", has_text="Broken curl"))
    hand.click(page.locator(f"{PANEL} .st-replay"))
    verdict = page.locator(f"{PANEL} .st-verdict strong").first.inner_text()
    assert verdict == "FIXED", verdict
    return hand.clicks


def measured() -> tuple[int, float]:
    """Return clicks and seconds, from the command to the verdict that is seen."""
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "root"), Path(folder, "home")
        home.mkdir()
        for name in ("notebooks", "data/samples"):
            shutil.copytree(ROOT / name, root / name)
        started = time.perf_counter()
        with Lab(root, home) as lab:
            clicks = to_fixed(lab.open())
            return clicks, time.perf_counter() - started


rounds = [measured() for _ in range(ROUNDS)]
seconds = statistics.median(one for _, one in rounds)
clicks = max(one for one, _ in rounds)
print(
    f"from `sinchtools lab` to FIXED with a sample: {clicks} clicks (bound {MOST_CLICKS}), "
    f"{seconds:.1f} s, median of {ROUNDS} (bound {MOST_S})"
)
sys.exit(clicks > MOST_CLICKS or seconds > MOST_S)
