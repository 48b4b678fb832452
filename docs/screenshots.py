"""Make the pictures of the README from a real JupyterLab: `make screenshots` (needs Chromium)."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PANEL = ".widget-vbox.st"  # and not the still view beside it
sys.path.insert(0, str(ROOT))
from tests.support.lab import Lab, run_all, wait_idle  # noqa: E402 - needs the path


def main() -> None:
    """Solve a sample on the workbench, and take a picture of each step."""
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "root"), Path(folder, "home")
        home.mkdir()
        shutil.copytree(ROOT / "notebooks", root / "notebooks")
        with Lab(root, home) as lab:
            page = lab.open("notebooks/00-start-here.ipynb", width=1280, height=2400)
            run_all(page)
            wait_idle(page)
            page.get_by_role("button", name="Broken curl").click()
            replay = page.get_by_role("button", name="Replay with")
            replay.wait_for()
            wait_idle(page)
            replay.click()
            page.locator(f"{PANEL} .st-verdict", has_text="FIXED").wait_for()
            wait_idle(page)
            take(page)


def take(page: Any) -> None:
    """Take a picture of each part: what is wrong, the proof, the reply."""
    whole = box(page.locator(PANEL).first)
    proof = box(page.locator(f"{PANEL} .st-part", has=page.locator(".st-verdict")).last)
    ends = {"1-wrong": proof["y"], "2-proof": proof["y"] + proof["height"]}
    ends["3-reply"] = whole["y"] + whole["height"]
    start = whole["y"]
    for name, end in ends.items():
        path = ROOT / f"docs/workbench-{name}.png"
        clip = {"x": whole["x"], "width": whole["width"], "y": start, "height": end - start}
        page.screenshot(path=str(path), clip=clip)
        start = end
        print(path)


def box(part: Any) -> dict[str, float]:
    """Return where a part is."""
    part.scroll_into_view_if_needed()
    found: dict[str, float] = part.bounding_box()
    return found


if __name__ == "__main__":
    main()
