"""Make the pictures of the README from a real JupyterLab: `make screenshots` (needs Chromium)."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.support.lab import Lab, run_all, wait_idle  # noqa: E402 - the harness lies beside the tests


def main() -> None:
    """Replay an exchange in the panel, and take the picture of the verdict."""
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "root"), Path(folder, "home")
        home.mkdir()
        for name in ("notebooks", "data/samples"):
            shutil.copytree(ROOT / name, root / name)
        with Lab(root, home) as lab:
            page = lab.open("notebooks/01-replay-failing-requests.ipynb", width=1280, height=2400)
            run_all(page)
            panel = page.locator(".st-panel").last
            panel.get_by_role("button", name="Apply the certain fix").wait_for()
            wait_idle(page)
            option = (
                panel.get_by_label("Failure", exact=True)
                .locator("option", has_text="syntax_invalid_json")
                .first
            )
            panel.get_by_label("Failure", exact=True).select_option(label=option.text_content())
            wait_idle(page)
            for name in ("Apply the certain fix", "Replay in the sandbox"):
                panel.get_by_role("button", name=name).click()
                wait_idle(page)
            panel.locator(".st-word", has_text="FIXED").wait_for()
            panel.scroll_into_view_if_needed()
            panel.screenshot(path=str(ROOT / "docs/panel.png"))
    print(ROOT / "docs/panel.png")


if __name__ == "__main__":
    main()
