"""A notebook that was saved without a save hook is cleaned by a command."""

import json
import os
import stat
from pathlib import Path

import pytest

from sinchtools.privacy.alias_forms import ALIASED
from sinchtools.terminal.cli import main

NUMBER, TOKEN = "15551230001", "c4n4ryS3cr3t5c1e9a7b"
CHART = {"output_type": "display_data", "data": {"text/plain": "2 of 5"}, "metadata": ALIASED}
TABLE = {"output_type": "execute_result", "data": {"text/plain": NUMBER}, "metadata": {}}
VIEW = {"application/vnd.jupyter.widget-state+json": {"state": {"1": {"value": NUMBER}}}}


@pytest.fixture
def saved(work: Path) -> Path:
    """A notebook as VS Code and papermill leave it."""
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": [f"h = {{'Authorization': 'Bearer {TOKEN}'}}\n", "h"],
        "outputs": [CHART, TABLE],
        "execution_count": 1,
    }
    content = {"cells": [cell], "metadata": {"widgets": VIEW}, "nbformat": 4, "nbformat_minor": 5}
    path = work / "week.ipynb"
    path.write_text(json.dumps(content))
    return path


def test_the_command_takes_out_secrets_and_what_names_people_and_keeps_the_charts(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clean", str(saved)]) == 0
    text = saved.read_text()
    assert TOKEN not in text and NUMBER not in text
    (cell,) = json.loads(text)["cells"]
    assert (cell["outputs"], cell["source"][1]) == ([CHART], "h")
    assert capsys.readouterr().out.strip() == str(saved)
    assert os.name == "nt" or stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert main(["clean", str(saved)]) == 0 and saved.read_text() == text


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"cells": 5}', "\udcff"])
def test_what_is_not_a_notebook_is_refused_and_stays(
    work: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = work / "other.ipynb"
    if content is not None:
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert main(["clean", str(path)]) == 2
    assert content is None or path.read_bytes() == content.encode("utf-8", "surrogateescape")
    assert "other.ipynb" in capsys.readouterr().err
