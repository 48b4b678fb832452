"""One JupyterLab and one Chromium for the tests of this folder that click."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sinchtools.cases import Case
from tests.support.lab import Lab
from tests.support.samples import short_samples

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LABS: list[Lab] = []


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """With the notebooks, and the samples as a case; whoever takes it starts it."""
    root, home = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("home")
    shutil.copytree(NOTEBOOKS, root / "notebooks")
    Case(home / "work" / "case-samples", short_samples(root / "data" / "samples"))
    LABS.append(Lab(root, home))
    return LABS[-1]


@pytest.fixture
def lab(jupyterlab: Lab) -> Iterator[Lab]:
    """Begin in light; nothing beyond 127.0.0.1 is asked for, and nothing in the evidence runs."""
    jupyterlab.start()
    jupyterlab.use_light_theme()
    with jupyterlab.pages_closed():
        yield jupyterlab
    assert jupyterlab.heard() == []


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Stop it before a test that does not take it: its event loop runs in this thread."""
    if "jupyterlab" not in getattr(nextitem, "fixturenames", ()):
        for lab in LABS:
            lab.stop()
