"""Make the picture of the README from a real JupyterLab: `make screenshots` (needs Chromium)."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PANEL = ".widget-vbox.st"  # and not the still view beside it
sys.path.insert(0, str(ROOT))
from tests.support.lab import Lab, run_all, wait_idle  # noqa: E402 - needs the path


def main() -> None:
    """Solve a sample on the workbench, and take a picture of it."""
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
            page.locator(PANEL).first.screenshot(path=str(ROOT / "docs/workbench.png"))
    print(ROOT / "docs/workbench.png")


if __name__ == "__main__":
    main()
