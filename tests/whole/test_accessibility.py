"""
axe-core finds nothing serious in what the notebooks show.

Everything has its name, its contrast and its place in the keyboard's order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.lab import Lab, run_all, use_dark_theme, wait_idle

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
FIRST = ("00-start-here", "02-error-code-distribution")  # the others at full size
NOTEBOOKS = [
    pytest.param(path.stem, marks=[pytest.mark.long] * (path.stem not in FIRST))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
]


def found(page: Any) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    answer = Axe().run(page, context=".jp-OutputArea").response
    assert answer["passes"], "axe looked at nothing"
    return [
        f"{one['impact']} {one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in answer["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_nothing_serious_is_found_in_light_or_dark(lab: Lab, name: Any) -> None:
    page = lab.open(f"notebooks/{name}.ipynb", width=1280)
    run_all(page)
    page.locator(".st-panel, .widget-vbox.st").first.wait_for()
    wait_idle(page)
    assert found(page) == []
    use_dark_theme(page)
    assert found(page) == []
    page.close()


def test_the_replay_panel_is_worked_by_keyboard_alone(lab: Lab) -> None:
    page = lab.open("notebooks/01-replay-failing-requests.ipynb", width=1280)
    run_all(page)
    panel = page.locator(".st-panel").last
    button = panel.get_by_role("button", name="Replay in the sandbox", exact=True)
    button.wait_for()
    wait_idle(page)
    panel.get_by_label("Failure", exact=True).focus()
    for _ in range(40):
        if button.evaluate("button => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    assert button.evaluate("button => button === document.activeElement")
    page.keyboard.press("Enter")
    panel.locator(".st-word").first.wait_for()
    page.close()
