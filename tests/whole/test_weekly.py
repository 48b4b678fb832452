"""The lines of docs/weekly.md make the charts of a week."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sinchtools as st
from sinchtools.privacy.alias_forms import ALIASED
from tests.support.samples import short_samples

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "weekly.md").read_text(encoding="utf-8")
LINES = [
    line
    for block in re.findall(r"```shell\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="the lines are for a POSIX shell")
def test_the_lines_of_the_page_make_charts_and_a_notebook_that_names_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    short_samples(tmp_path / "logs")
    log = next((tmp_path / "logs").glob("*.jsonl*"))
    people = people_of(log)
    for name in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("SINCHTOOLS_HOME", str(tmp_path / "work"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    here = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join((here, os.environ["PATH"])))
    for line in LINES:
        subprocess.run(line, shell=True, check=True, cwd=tmp_path)
    charts = {path.suffix for path in (tmp_path / "week-48").iterdir()}
    assert charts == {".png", ".svg", ".csv"}
    text = (tmp_path / "week-48.ipynb").read_text()
    cells = json.loads(text)["cells"]
    kept = [output for cell in cells for output in cell.get("outputs", ())]
    assert len(kept) >= 3 and all(ALIASED.items() <= one["metadata"].items() for one in kept)
    shown = text + (tmp_path / "week-48.html").read_text()
    shown += "".join(path.read_text() for path in (tmp_path / "week-48").glob("*.csv"))
    assert people and not [number for number in people if number in shown]
    assert not [*tmp_path.rglob("history.sqlite")]


def people_of(log: Any) -> set[Any]:
    bodies = [str(x.request_body or "") for x in st.read(log)]
    return {number for body in bodies for number in re.findall(r"\+(\d{9,15})", body)}
