"""
Run the cells of the six notebooks in any order: nothing is sent twice, and errors are sentences.

Each order draws cells with replacement and, between them, what changes the data: other parameters,
and another kernel that adds to the case.
"""

import copy
import gzip
import os
import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

import sinchtools as st
from tests.support.samples import short_samples
from tests.support.shell import BAD, Notebook

FULL = os.environ.get("SINCHTOOLS_FULL") == "1"
ROOT = Path(__file__).parents[2]
NOTEBOOKS = {
    path.stem: nbformat.read(path, as_version=4)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    if path.stem != "00-start-here"  # one cell, without parameters
}
SEEDS = [
    pytest.param(seed, marks=[pytest.mark.long] * (seed >= 2)) for seed in range(60 if FULL else 2)
]
CHANGED = {  # what a reader may write into the cell of the parameters
    "01-replay-failing-requests": 'case_name = "4711"',
    "02-error-code-distribution": 'case_name = "4711"',
    "03-troubleshooting-tips": 'case_name = "4711"',
    "04-case-report": 'case_name = "4711"',
    "05-large-logs": 'log_pattern = "../data/other/*.jsonl.gz"',
}
CHANGES = ["parameters", "another kernel"]
OTHERS = (  # what another kernel does to the case
    lambda case, text: case.note(text),
    lambda case, text: case.add([replace(BAD, id=text)]),
)
SAID = re.compile(r"^NameError: name |^\w+Error: .*\.$", re.MULTILINE)  # or one sentence


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, and others of their kind."""
    folder = short_samples(tmp_path_factory.mktemp("data") / "samples")
    lines = gzip.decompress((folder / "calls.jsonl.gz").read_bytes()).splitlines(keepends=True)
    (folder.parent / "other").mkdir()
    (folder.parent / "other" / "calls.jsonl.gz").write_bytes(gzip.compress(b"".join(lines[::2])))
    return folder


@pytest.fixture
def workplace(samples: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "notebooks").mkdir()
    (work / "data").symlink_to(samples.parent)
    monkeypatch.chdir(work / "notebooks")
    st.Case("samples", samples)


def begun(notebook: Any, name: Any) -> tuple[Any, dict[Any, Any]]:
    """Run the import and the parameters, and return the other cells: their sources by id."""
    first, parameters, *rest = [
        copy.copy(cell) for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"
    ]
    parameters.source = parameters.source.replace(
        '"../', f'"{Path.cwd().parent}/'
    )  # Spark takes a relative path from where another test started it
    for cell in (first, parameters):
        assert notebook.run(cell.source, cell.id).success
    return parameters, {cell.id: cell.source for cell in rest}


@pytest.mark.parametrize("seed", SEEDS)
def test_in_any_order_a_failing_cell_says_why_and_nothing_is_sent_twice(
    workplace: Any, seed: Any
) -> None:
    dice = random.Random(seed)
    name = list(NOTEBOOKS)[seed % len(NOTEBOOKS)]
    with Notebook() as notebook:
        parameters, sources = begun(notebook, name)
        for cell in dice.choices([*sources, *CHANGES], k=2 * len(sources)):
            if cell == "another kernel":
                dice.choice(OTHERS)(st.Case("samples"), str(dice.random()))
            elif cell == "parameters":
                notebook.run(f"{parameters.source}\n{CHANGED[name]}", parameters.id)
            else:
                notebook.run(sources[cell], cell)
        told = [error for error in notebook.failed.values() if error]
        sent = Counter(
            (x.parent_id, x.method, x.url, str(x.request_body), str(x.request_headers))
            for x in sent_by_cells()
        )
        assert [error for error in told if not SAID.search(error)] == []
        assert max(sent.values(), default=1) == 1


def sent_by_cells() -> list[Any]:
    with st.CallLog() as log:
        return list(log)


def test_a_replay_cell_run_twice_sends_once(workplace: Any) -> None:
    with Notebook() as notebook:
        _, sources = begun(notebook, "01-replay-failing-requests")
        counts = []
        for _ in range(2):
            for cell, source in sources.items():
                for _ in range(2 if "replay" in source else 1):
                    assert notebook.run(source, cell).success, notebook.errors
            counts.append(len(sent_by_cells()))
        assert counts[0] > 30 and counts == counts[:1] * 2
