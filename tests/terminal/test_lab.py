import shutil

import pytest

from tests.support.lab import find_chromium


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for name in ("SINCHTOOLS_CHROMIUM", "SINCHTOOLS_BROWSER"):
        monkeypatch.delenv(name, raising=False)


def test_the_browser_named_in_the_environment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINCHTOOLS_CHROMIUM", "/opt/chromium")
    assert find_chromium() == "/opt/chromium"


def test_the_first_browser_on_the_path_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        shutil,
        "which",
        {
            "google-chrome": "/usr/bin/google-chrome",
            "chromium-browser": "/usr/bin/chromium-browser",
        }.get,
    )
    assert find_chromium() == "/usr/bin/chromium-browser"


def test_a_missing_browser_skips() -> None:
    with pytest.raises(pytest.skip.Exception, match="SINCHTOOLS_CHROMIUM"):
        find_chromium()


def test_a_missing_browser_fails_where_one_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINCHTOOLS_BROWSER", "required")
    with pytest.raises(pytest.fail.Exception, match="SINCHTOOLS_CHROMIUM"):
        find_chromium()
