"""
A browser harness: JupyterLab on loopback with a home of its own, driven by the system's Chromium.

    with Lab(notebooks, tmp_path) as lab:
        page = lab.open("00-start-here.ipynb")
        run_all(page)
        wait_idle(page)
    assert lab.elsewhere == []        # the offline proof
    assert lab.console_errors == []

Early clicks get lost in JupyterLab, so `run_all` waits for the kernel to be idle and checks that a
prompt changed. While a `Lab` is open, Playwright runs an event loop in this thread: no nbclient in
the same test.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest
from playwright.sync_api import ConsoleMessage, Dialog, Page, Request, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import expect as expect

from tests.support.spark import without_spark

PATIENCE_MS = 180_000  # a slow machine is no failure
expect.set_options(timeout=PATIENCE_MS)

PROJECT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--proxy-server=direct://",
)
HERE = re.compile(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:")
SERVER_URL = re.compile(r"(http://127\.0\.0\.1:\d+)/lab\S*\?token=(\w+)")
SETTINGS = {  # no pop-up covers a widget, and every cell is in the page, also when it is far below
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}
THEMES = "@jupyterlab/apputils-extension/themes"
SPLASH = "#jupyterlab-splash"  # covers the window while a theme loads
CURRENT = ".jp-NotebookPanel:not(.lm-mod-hidden)"  # the notebook in front, of those that are open
RAN = (
    f"() => [...document.querySelectorAll('{CURRENT} .jp-InputPrompt')]"
    r".some(prompt => /\[(\*|\d+)\]/.test(prompt.innerText))"
    f" || document.querySelector('{CURRENT} .jp-Cell:has(.jp-InputPlaceholder) "
    f".jp-OutputArea-child')"
)
IDLE = (
    f"() => document.querySelector('{CURRENT} "
    f".jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'"
)


def find_chromium() -> str:
    """
    Return the browser's path.

    Without one the test is skipped, or fails when SINCHTOOLS_BROWSER=required.
    """
    path = os.environ.get("SINCHTOOLS_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    if path is not None:
        return path
    message = (
        "No Chromium found: install the package chromium, or set SINCHTOOLS_CHROMIUM to "
        "the path of one."
    )
    if os.environ.get("SINCHTOOLS_BROWSER") == "required":
        pytest.fail(message)
    pytest.skip(message)


class Lab:
    """
    JupyterLab on the folder `root` and a browser on it; `home` takes all that they write.

    Attributes
    ----------
    elsewhere
        URLs of requests that a page made to anything but 127.0.0.1.
    console_errors
        Errors that the browser's console showed.
    dialogs
        Words of the dialogs (`alert` and its like) that a page opened.
    log
        File with what the server wrote.
    work
        SINCHTOOLS_HOME of the kernels.
    """

    program: tuple[str, ...] = (sys.executable, "-m", "sinchtools", "lab")

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home, self.log, self.work = root, home, home / "lab.log", home / "work"
        self.elsewhere: list[str] = []
        self.console_errors: list[str] = []
        self.dialogs: list[str] = []
        self._undo: ExitStack | None = None

    def __enter__(self) -> Lab:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start server and browser, unless they run; returns when the server answers."""
        if self._undo is not None:
            return
        chromium = find_chromium()
        with ExitStack() as undo:
            server = self._start_server(undo)
            undo.callback(_stop_server, server)
            playwright = undo.enter_context(sync_playwright())
            self._browser = playwright.chromium.launch(
                executable_path=chromium, args=FLAGS, headless=True
            )
            undo.callback(self._browser.close)
            self._undo = undo.pop_all()

    def stop(self) -> None:
        """Close the browser, then the server and its kernels, if they run."""
        if self._undo is not None:
            self._undo.close()
        self._undo = None

    def open(self, notebook: str | None = None, *, width: int = 1400, height: int = 1000) -> Page:
        """
        Open a notebook in a new page, and wait until its cells show.

        Its path is relative to `root`. None opens the page where `make lab` begins.
        """
        page = self.visit(f"lab/tree/{notebook}?reset&" if notebook else "?", width, height)
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        page.locator(SPLASH).wait_for(state="detached")
        return page

    def visit(self, place: str, width: int, height: int) -> Page:
        """Open a place of the server in a new page, and wait for nothing in it."""
        page = self._browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", self._note_request)
        page.on("console", self._note_console)
        page.on("dialog", self._note_dialog)
        page.goto(f"{self._url}/{place}token={self._token}", wait_until="domcontentloaded")
        return page

    @contextmanager
    def pages_closed(self) -> Iterator[None]:
        """Close at the end what is opened meanwhile: it would go on saving its notebook."""
        before = self._browser.contexts
        yield
        for context in self._browser.contexts:
            if context not in before:
                context.close()

    def use_light_theme(self) -> None:
        """Forget that a page chose another one; what is opened next is light."""
        self._settings(THEMES).unlink(missing_ok=True)

    def heard(self) -> list[str]:
        """Return what `elsewhere`, `console_errors` and `dialogs` hold, and begin them again."""
        heard = [*self.elsewhere, *self.console_errors, *self.dialogs]
        for one in (self.elsewhere, self.console_errors, self.dialogs):
            one.clear()
        return heard

    def _settings(self, name: str) -> Path:
        return self.home / f"settings/{name}.jupyterlab-settings"

    def _start_server(self, undo: ExitStack) -> subprocess.Popen[str]:
        options = ["--no-browser", "--allow-root", "--ip=127.0.0.1"]
        server = subprocess.Popen(
            [*self.program, *options, f"--ServerApp.root_dir={self.root}"],
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert server.stdout is not None
        self._url, self._token = _address(server.stdout)
        drain = threading.Thread(
            target=_copy, args=(server.stdout, self.log)
        )  # a full pipe would stop the server
        drain.start()
        undo.callback(drain.join)
        return server

    def _environment(self) -> dict[str, str]:
        for name, values in SETTINGS.items():
            file = self._settings(name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        folders = {
            "HOME": "",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "IPYTHONDIR": "ipython",
            "MPLCONFIGDIR": "matplotlib",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "SINCHTOOLS_HOME": "work",
        }
        own = {name: str(self.home / folder) for name, folder in folders.items()}
        path = os.pathsep.join((without_spark(self.home / "python"), str(PROJECT)))
        return {**os.environ, **own, "JUPYTER_PREFER_ENV_PATH": "1", "PYTHONPATH": path}

    def _note_request(self, request: Request) -> None:
        if not HERE.match(request.url):
            self.elsewhere.append(request.url)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.console_errors.append(f"{message.text} {message.location['url']}")

    def _note_dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


def run_all(page: Page) -> None:
    """
    Click Run > Run All Cells, again if the click was lost.

    Returns when the first cell has started.
    """
    page.locator(f"{CURRENT} .jp-CodeCell").first.wait_for()
    page.get_by_text(re.compile(r"\| Idle")).first.wait_for()
    for _ in range(10):
        _menu(page, "Run")
        page.locator(
            "li.lm-Menu-item[data-command='runmenu:run-all'], "
            "li.lm-Menu-item[data-command='notebook:run-all-cells']"
        ).first.click()
        try:
            page.wait_for_function(RAN, timeout=6_000)
            return
        except PlaywrightTimeoutError:
            page.keyboard.press("Escape")
    raise AssertionError("Run All Cells did not start.")


def wait_idle(page: Page, *, timeout_s: float = 180) -> None:
    """Wait until the kernel has nothing left to do."""
    page.wait_for_function(IDLE, timeout=timeout_s * 1_000)


def use_dark_theme(page: Page) -> None:
    """Switch the whole window to JupyterLab Dark."""
    _menu(page, "Settings")
    page.locator("li.lm-Menu-item", has_text="Theme").first.hover()
    page.locator("li.lm-Menu-item", has_text="JupyterLab Dark").first.click()
    page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
    page.locator(SPLASH).wait_for(state="detached")


def _menu(page: Page, name: str) -> None:
    page.locator("li.lm-MenuBar-item", has_text=re.compile(f"^{name}$")).click()


def _stop_server(server: subprocess.Popen[str]) -> None:
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _address(output: IO[str]) -> tuple[str, str]:
    seen = []
    for line in output:
        seen.append(line)
        if found := SERVER_URL.search(line):
            return found[1], found[2]
    raise AssertionError("JupyterLab did not start:\n" + "".join(seen))


def _copy(output: IO[str], log: Path) -> None:
    with output, log.open("w") as file:
        for line in output:
            file.write(line)
            file.flush()
