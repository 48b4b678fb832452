"""
What holds for every test, the package's doctests included.

No network beyond loopback, no credentials, a work folder of its own.

Set up once in `pytest_configure` and not in fixtures, since fixtures of this folder do not reach
the doctests in ``sinchtools/``.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from benchmarks.run import keep
from sinchtools.privacy import seen

if TYPE_CHECKING:  # heavy, and not every test needs them
    from sinchtools.client.log import CallLog
    from sinchtools.sandbox import Sandbox
    from tests.support.vendor import Vendor

FULL = os.environ.get("SINCHTOOLS_FULL") == "1"
KEPT = {
    "SINCHTOOLS_BROWSER",
    "SINCHTOOLS_CHROMIUM",
    "SINCHTOOLS_FULL",
    "SINCHTOOLS_SAMPLES",
    "SINCHTOOLS_TICKETS",
}

settings.register_profile("quick", derandomize=True, deadline=None, max_examples=25)
settings.register_profile("full", derandomize=True, deadline=None, max_examples=500)


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("full" if FULL else "quick")
    for name in [name for name in os.environ if _is_foreign(name)]:
        del os.environ[name]
    folder = tempfile.TemporaryDirectory(prefix="sinchtools-test")
    config.add_cleanup(folder.cleanup)
    os.environ["SINCHTOOLS_HOME"] = folder.name
    sys.addaudithook(_guard)
    config.pluginmanager.register(_Leaks())
    gc.disable()  # a fifth of the time that it takes to find the tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Begin with the browser.

    It takes longest, and one worker goes through it with one JupyterLab while others take what
    comes after.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


def pytest_collection_finish() -> None:
    # what is there now stays to the end, and need not be looked through again and again
    gc.enable()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()


def pytest_runtest_setup() -> None:
    """Each test begins without the secrets that another one removed."""
    seen.forget()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Look through everything after the last test."""
    if nextitem is None:
        gc.unfreeze()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Put coverage, and the counts of the long tests at full size, into benchmarks/RESULTS.md."""
    covered = getattr(config.pluginmanager.getplugin("_cov"), "cov_total", None)
    if covered and config.args_source.name == "TESTPATHS" and not config.option.keyword:
        keep("coverage", f"lines and branches that `make coverage` reaches: {covered:.1f} %")
    if FULL and config.getoption("markexpr") == "long and not timed":
        keep("check_long", _counts(terminalreporter))


def _counts(terminalreporter: Any) -> str:
    """Return a line for each file."""
    lines: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            file = report.nodeid.partition("::")[0]
            lines[file][outcome] += 1
            lines[file]["seconds"] += round(getattr(report, "duration", 0))
    words = [", ".join(f"{n} {what}" for what, n in counts.items()) for counts in lines.values()]
    return "\n".join(f"{file}: {said}" for file, said in zip(lines, words, strict=True))


class _Leaks:
    """
    Whatever a module left unclosed is collected while its warning still is an error.

    A plugin, since the doctests are modules too.
    """

    @pytest.fixture(autouse=True, scope="module")
    @classmethod
    def nothing_is_left_unclosed(cls) -> Iterator[None]:
        yield
        gc.collect()
        gc.freeze()  # what is left was looked at, and is once more after the last test


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The work folder of this test alone."""
    monkeypatch.setenv("SINCHTOOLS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def log(tmp_path: Path) -> Iterator[CallLog]:
    """A call log of this test alone."""
    from sinchtools.client.log import CallLog

    with CallLog(tmp_path / "calls.sqlite") as log:
        yield log


@pytest.fixture
def vendor(work: Path, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """A vendor that is not there, with everything switched on and configured."""
    from tests.support.vendor import Vendor

    return Vendor(monkeypatch)


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """A sandbox for all tests of a module; each resets it."""
    from sinchtools.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


def _is_foreign(name: str) -> bool:
    return (name.startswith("SINCH") and name not in KEPT) or name.lower() in {
        "http_proxy",
        "https_proxy",
        "all_proxy",
    }


def _guard(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple):
        _refuse_beyond_loopback(args[1][0])
    elif event == "socket.getaddrinfo":
        _refuse_beyond_loopback(args[0])


def _refuse_beyond_loopback(host: str | bytes | None) -> None:
    host = host.decode() if isinstance(host, bytes) else host
    if host not in (None, "", "localhost") and not _is_loopback(host):
        pytest.fail(
            f"A test tried to reach {host}: only loopback is allowed."
        )  # no Exception, so no `except Exception` swallows it


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
