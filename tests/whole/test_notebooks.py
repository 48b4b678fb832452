"""
The notebooks run from top to bottom on a new kernel, on the samples.

They contact no other host.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import sinchtools as st
from sinchtools.notebook.kernels import quiet
from tests.support.samples import short_samples

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WITH_A_CASE = [path.name for path in NOTEBOOKS if "st.Case(" in path.read_text(encoding="utf-8")]
GUARD = """
import sys
def guard(event, args):
    if event != "socket.connect" or not isinstance(args[1], tuple):
        return
    if args[1][0] not in ("127.0.0.1", "::1", "localhost"):
        open({path!r}, "a").write(f"{{args[1]}}\\n")
sys.addaudithook(guard)
"""


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """Return a copy of notebooks and samples, and kernels that record addresses beyond loopback."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    short_samples(tmp_path / "data" / "samples")
    (tmp_path / "sitecustomize.py").write_text(GUARD.format(path=str(tmp_path / "elsewhere.txt")))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), str(ROOT))))
    monkeypatch.setenv("SINCHTOOLS_HOME", str(tmp_path / "sinchtools-work"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return tmp_path


def run(workplace, name):
    notebook = nbformat.read(workplace / "notebooks" / name, as_version=4)
    client_of(workplace, notebook).execute()
    return notebook


def client_of(workplace, notebook):
    place = {"metadata": {"path": str(workplace / "notebooks")}}
    return NotebookClient(
        notebook, timeout=300, resources=place, extra_arguments=quiet(["ipykernel"])[1:]
    )


def outputs(notebook):
    return [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]


def ran_to_its_end(workplace, name):
    found = outputs(run(workplace, name))
    assert not [
        output
        for output in found
        if output.output_type == "error" or output.get("name") == "stderr"
    ], name
    assert any(
        "application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in found
    ), f"no panel in {name}"
    assert not (workplace / "elsewhere.txt").exists(), (workplace / "elsewhere.txt").read_text()
    return found


def counted(case):
    return len(case.evidence), len(case.log), len(case.replays), len(case.walks), len(case.notes)


def test_the_notebooks_run_to_their_end_reach_nobody_and_go_on_with_one_case(workplace):
    shown = {path.name: ran_to_its_end(workplace, path.name) for path in NOTEBOOKS}
    case = st.Case("samples")
    assert min(counted(case)) >= 1
    assert {row["verdict"] for row in case.replays} >= {"SAME", "FIXED"}
    assert {path.name for path in case.charts.iterdir()} >= {
        f"error-codes.{ending}" for ending in ("png", "svg", "pdf", "csv")
    }
    page = (case.folder / "report.html").read_text(encoding="utf-8")
    assert all(
        words in page
        for words in ("there is a URL on the plan", "changed nothing that they know of", "FIXED")
    )
    last = [output.get("data", {}).get("text/html", "") for output in shown[WITH_A_CASE[-1]]]
    assert any(f"FIXED {n:,}" in text for n in range(1, len(case.replays)) for text in last)


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end_as_the_first_of_a_case(workplace, path):
    ran_to_its_end(workplace, path.name)


@pytest.mark.long
def test_a_notebook_that_runs_twice_changes_nothing_in_the_case(workplace):
    for name in WITH_A_CASE:
        run(workplace, name)
    before = counted(st.Case("samples"))
    for name in WITH_A_CASE:
        run(workplace, name)
    assert counted(st.Case("samples")) == before


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_the_common_shape(path):
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert cells[0].source.startswith("# ")
    assert "**Use this when**" in cells[0].source
    assert code[0].source == "import sinchtools as st"
    assert code[1].metadata.get("tags") == ["parameters"]
    assert cells[-1].source.startswith("## What this means")
    for cell in code:
        assert len(cell.source.splitlines()) <= 5, cell.source
        assert "def " not in cell.source, "logic belongs in the package"


@pytest.mark.parametrize(
    "name", ["01-replay-failing-requests.ipynb", "03-troubleshooting-tips.ipynb"]
)
def test_an_answer_that_the_evidence_does_not_hold_is_told_without_a_traceback(workplace, name):
    notebook = nbformat.read(workplace / "notebooks" / name, as_version=4)
    parameters = next(
        cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])
    )
    parameters.source += "\nstatus, code = 418, None"
    with pytest.raises(
        CellExecutionError, match="There is no exchange 0: the evidence holds 0"
    ) as caught:
        client_of(workplace, notebook).execute()
    assert "Traceback" not in caught.value.traceback
