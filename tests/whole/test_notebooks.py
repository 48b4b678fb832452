"""
The notebooks run from top to bottom on a new kernel, on the samples.

They contact no other host.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import sinchtools as st
from sinchtools.notebook.kernels import quiet
from sinchtools.notebook.shell import SWITCHED_ON
from tests.support.samples import short_samples
from tests.support.shell import Notebook
from tests.support.spark import NO_SPARK

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WITH_A_CASE = [path.name for path in NOTEBOOKS if "large" not in path.name]
FIRST = NOTEBOOKS[0].name  # the workbench, and nothing else
SHORT = ("", "curl.md", "log.jsonl")  # no evidence, one call, and many; the others at full size
TICKETS = [path.name for path in sorted((ROOT / "data/samples/tickets").iterdir())]
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
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of notebooks and samples, and kernels that record addresses beyond loopback."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    short_samples(tmp_path / "data" / "samples")
    guard = GUARD.format(path=str(tmp_path / "elsewhere.txt"))
    (tmp_path / "sitecustomize.py").write_text(NO_SPARK + guard)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), str(ROOT))))
    monkeypatch.setenv("SINCHTOOLS_HOME", str(tmp_path / "sinchtools-work"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv(SWITCHED_ON, "1")  # as under a server that cleans what it saves
    return tmp_path


def run(workplace: Any, *names: str) -> dict[str, Any]:
    """Run notebooks on one new kernel, which forgets each when the next begins."""
    notebooks = {
        name: nbformat.read(workplace / "notebooks" / name, as_version=4) for name in names
    }
    client = client_of(workplace, new_notebook())
    with client.setup_kernel():
        for client.nb in notebooks.values():
            client.nb.cells.insert(0, new_code_cell("%reset -f"))
            for index, cell in enumerate(client.nb.cells):
                client.execute_cell(cell, index)
    return notebooks


def client_of(workplace: Any, notebook: Any) -> NotebookClient:
    place = {"metadata": {"path": str(workplace / "notebooks")}}
    return NotebookClient(
        notebook, timeout=300, resources=place, extra_arguments=quiet(["ipykernel"])[1:]
    )


def outputs(notebook: Any) -> list[Any]:
    return [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]


def ran_to_its_end(workplace: Any, name: str, notebook: Any) -> None:
    found = outputs(notebook)
    assert not [
        output
        for output in found
        if output.output_type == "error" or output.get("name") == "stderr"
    ], name
    assert any(
        "application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in found
    ), f"no panel in {name}"
    assert not (workplace / "elsewhere.txt").exists(), (workplace / "elsewhere.txt").read_text()


def test_the_notebooks_run_to_their_end_and_reach_nobody(workplace: Path) -> None:
    st.Case("samples", workplace / "data" / "samples")
    for name, notebook in run(workplace, *(path.name for path in NOTEBOOKS)).items():
        ran_to_its_end(workplace, name, notebook)


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end_without_any_case(workplace: Path, path: Any) -> None:
    guarded = workplace / "sitecustomize.py"
    guarded.write_text(guarded.read_text().removeprefix(NO_SPARK))  # with Spark, where it is
    ran_to_its_end(workplace, path.name, run(workplace, path.name)[path.name])


@pytest.mark.parametrize(
    "evidence",
    [pytest.param(name, marks=[pytest.mark.long] * (name not in SHORT)) for name in ["", *TICKETS]],
)
def test_run_all_works_on_any_case_and_changes_nothing_in_it(
    work: Path, monkeypatch: pytest.MonkeyPatch, evidence: Any
) -> None:
    (work / "notebooks").mkdir()
    monkeypatch.chdir(work / "notebooks")
    case = st.Case("4711")
    if evidence:
        case.add(ROOT / "data" / "samples" / "tickets" / evidence)
    before = contents(case)
    with Notebook() as notebook:
        for name in WITH_A_CASE:
            cells = nbformat.read(ROOT / "notebooks" / name, as_version=4).cells
            for cell in (cell for cell in cells if cell.cell_type == "code"):
                assert notebook.run(cell.source, cell.id).success, (name, notebook.errors)
    assert contents(case) == before


def contents(case: Any) -> tuple[dict[Any, bytes], list[Any]]:
    case.log.close()
    files = [path for path in case.folder.rglob("*") if path.is_file()]
    return {path.name: path.read_bytes() for path in files if not path.name.startswith("calls")}, [
        x.id for x in st.CallLog(case.folder / "calls.sqlite")
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_the_common_shape(path: Any) -> None:
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert cells[0].source.startswith("# ")
    if path.name == FIRST:
        assert (len(cells), code[0].metadata["jupyter"]) == (2, {"source_hidden": True})
        return
    assert "**Use this when**" in cells[0].source
    assert code[0].source == "import sinchtools as st"
    assert code[1].metadata.get("tags") == ["parameters"]
    assert cells[-1].source.startswith("## What this means")
    for cell in code:
        assert len(cell.source.splitlines()) <= 5, cell.source
        assert "def " not in cell.source, "logic belongs in the package"
