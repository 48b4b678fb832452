"""
What a session of `sinchtools lab` leaves on this machine.

A case while it is there, a notebook as its user wrote it, no token.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from sinchtools.notebook.kernels import quiet
from tests.support.lab import CURRENT, Lab, run_all, wait_idle

URL = "https://us.sms.api.sinch.com/xms/v1/8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4/batches"
HEX = "5c1e9a7b3d2f4e6880a1b2c3d4e5f6"  # and two digits: a token of each paste
TYPED, CLICKED = (
    ("46701740605", "Dear Anna, your parcel waits"),
    ("46701740606", "Dear Bert, please call us"),
)


def token(number: Any) -> str:
    return f"{HEX}{number:02}"


def curl(number: Any, person: Any = TYPED) -> str:
    body = json.dumps({"to": [f"+{person[0]}"], "from": "15559870002", "body": person[1]})
    return f"curl {URL} -H 'Authorization: Bearer {token(number)}' -d '{body}'"


CELLS = [  # every way to bring a paste into a cell, each with a token of its own
    "import sinchtools as st",
    f'x = st.read("""{curl(1)}""")\ncase = st.Case("4711", x)\ncase',
    f'st.read(b"""{curl(2)}""")',
    f'print("""{curl(3)}""")',
    f"# {curl(4)}",
    f'!echo "{curl(5, ("", ""))}"',
    f"%%bash\ncat <<'END'\n{curl(6)}\nEND",
    f'%time y = st.read(r"""{curl(7)}""")',
    f'%%capture z\nprint("""{curl(8)}""")',
    f'headers = {{"Authorization": "Bearer {token(9)}"}}',
    f'assert """{curl(10)}""" == "x"  # an error with its traceback',
    f'st.read("""{curl(11)}"""',  # no Python
    f"%env SINCH_API_TOKEN={token(12)}",
    "case.evidence.frame()",
    "st.diagnose(case.evidence)",
    "%history",
    "st.panels.EvidencePanel(case)",
]
TOKENS = [token(number) for number in (*range(1, 20),)]


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder whose path is short enough for a socket of Chromium's."""
    with tempfile.TemporaryDirectory(prefix="st-") as folder:
        yield Path(folder)


@pytest.mark.browser
def test_a_session_leaves_only_the_case_and_the_notebook_and_with_the_case_goes_what_it_held(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, home, temporary = (place / name for name in ("root", "home", "tmp"))
    for folder in (root, home, temporary):
        folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    write_notebook(root / "x.ipynb")
    with Lab(root, home) as lab:
        page = lab.open("x.ipynb")
        work_in(page)
        in_a_console(page)
        in_a_terminal(page)
        page.close()
        assert lab.console_errors == []
    held = found(place, [*TYPED, *CLICKED])
    case = home / "work/case-4711"
    assert any(path.is_relative_to(case) for path, _ in held)
    assert found(place, TOKENS) == set()
    shutil.rmtree(case)
    left = {(path.name, canary) for path, canary in found(place, [*TYPED, *CLICKED])}
    assert left <= {(name, word) for name in ("x.ipynb", "x-checkpoint.ipynb") for word in TYPED}
    assert list(place.rglob("history.sqlite*")) == []


def write_notebook(path: Any) -> None:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [new_code_cell(cell, metadata={"tags": ["raises-exception"]}) for cell in CELLS]
    nbformat.write(new_notebook(cells=[*cells, new_markdown_cell(curl(13))], metadata=kernel), path)


def work_in(page: Any) -> None:
    run_all(page)
    assert page.locator(".jp-DebuggerBugButton").count() == 0  # it writes each cell to a file
    panel = page.locator(f"{CURRENT} .st-panel")
    panel.wait_for()
    wait_idle(page)
    box = panel.locator("textarea").first
    box.fill(curl(14, CLICKED))
    box.blur()
    panel.get_by_role("button", name="Read", exact=True).click()
    panel.get_by_text(re.compile("1 secrets? removed")).first.wait_for()
    wait_idle(page)
    for _ in range(2):  # the second has a checkpoint beside it
        page.locator(f"{CURRENT} .cm-content").first.click()
        page.keyboard.press("Control+Home")
        page.keyboard.type("# saved\n")
        with page.expect_response(
            lambda one: one.request.method == "PUT" and "/api/contents/" in one.url
        ):
            page.keyboard.press("Control+s")
        page.wait_for_function("() => !document.querySelector('.lm-TabBar-tab.jp-mod-dirty')")


def in_a_console(page: Any) -> None:
    new(page, "console")
    page.get_by_role("button", name="Select").click()
    page.locator(".jp-CodeConsole", has_text="IPython").wait_for()  # what is typed before is lost
    place = page.locator(".jp-CodeConsole-input .cm-content").first
    place.click()
    page.keyboard.insert_text(f'print("""{curl(15)}""", 6 * 7)')
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-CodeConsole .jp-OutputArea-output", has_text="42").first.wait_for()


def in_a_terminal(page: Any) -> None:
    new(page, "terminal")
    page.locator(".jp-Terminal .xterm-screen").first.click()
    page.keyboard.insert_text(f": {curl(16)}; echo $((6 * 7))42")
    page.keyboard.press("Enter")
    page.wait_for_timeout(1_000)
    page.keyboard.insert_text("exit")
    page.keyboard.press("Enter")
    page.locator(".jp-Terminal").first.wait_for(state="detached")


def new(page: Any, what: Any) -> None:
    page.locator("li.lm-MenuBar-item", has_text=re.compile("^File$")).click()
    page.locator("li.lm-Menu-item", has_text=re.compile("^New$")).hover()
    page.locator(f"li.lm-Menu-item[data-command^='{what}:create']").first.click()


@pytest.mark.long
def test_a_quiet_kernel_writes_nothing_of_any_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "IPYTHONDIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTER_CONFIG_DIR",
        "HOME",
        "TMPDIR",
    ):
        monkeypatch.setenv(name, str(tmp_path / name))
        (tmp_path / name).mkdir()
    manager, client = start_new_kernel(extra_arguments=quiet(["ipykernel"])[1:])
    canaries, pick = [*TYPED, token(0)], Random(0)
    try:
        for _ in range(300):
            client.execute_interactive(cell_of(pick), timeout=60, output_hook=lambda message: None)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    assert found(tmp_path, canaries) == set()
    assert any(path.is_file() for path in tmp_path.rglob("*"))  # it was a home


def cell_of(pick: Any) -> str:
    """
    Return a cell as somebody writes one.

    A paste between other things, whole or cut, Python or not.
    """
    pasted = curl(0)[: pick.choice((1, 40, 120, 400))]
    before = pick.choice(
        (
            "x = ",
            "print(",
            "# ",
            "!echo ",
            "%time ",
            "%%bash\n",
            "raise ValueError(",
            "%history\n",
            "if True:\n    ",
            "",
        )
    )
    quote = pick.choice(('"""', "'", '"', '"""\n', ""))
    after = pick.choice((")", "", "\n1 / 0", "\n%history -n", "\n\n"))
    return f"{before}{quote}{pasted} {TYPED[0]} {TYPED[1]} {token(0)}{quote}{after}"


# --- looking through a folder ---------------------------------------------------------------------


def found(folder: Any, canaries: Any) -> set[tuple[Any, Any]]:
    """
    Return which file of a folder holds which canary.

    As it is, packed, in a database, or in another form.
    """
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {
        (path, canary)
        for path in files
        for canary in canaries
        if any(one in path_holds(path) for one in forms(canary))
    }


def forms(canary: Any) -> list[bytes]:
    texts = {canary, json.dumps(canary)[1:-1], canary.replace(" ", "%20"), canary.replace(" ", "+")}
    return [text.encode(kind) for text in texts for kind in ("utf-8", "utf-16-le", "utf-16-be")]


def path_holds(path: Path) -> bytes:
    content = path.read_bytes()
    return b"\n".join([content, *unpacked(content), *rows(path, content)])


def unpacked(content: Any) -> Iterator[Any]:
    """Yield what is packed in gzip, in zlib or in a zip."""
    for start in (
        match.start()
        for match in re.finditer(rb"\x1f\x8b\x08|x[\x01\x5e\x9c\xda]|PK\x03\x04", content)
    ):
        packed = content[start:]
        if packed.startswith(b"PK"):
            packed = packed[
                30
                + int.from_bytes(packed[26:28], "little")
                + int.from_bytes(packed[28:30], "little") :
            ]
        kind = (
            31
            if content[start : start + 2] == b"\x1f\x8b"
            else -15
            if content[start : start + 2] == b"PK"
            else 15
        )
        try:
            yield zlib.decompressobj(kind).decompress(packed, 10_000_000)
        except zlib.error:
            continue


def rows(path: Any, content: Any) -> Iterator[bytes]:
    """Yield the values of a database, which may stand on several of its pages."""
    if content.startswith(b"SQLite format 3"):
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        for line in database.iterdump():
            yield line.encode("utf-8", "replace")
        database.close()


@pytest.mark.parametrize(
    "kind",
    [
        "as it is",
        "utf-16",
        "gzip",
        "zlib",
        "zip",
        "sqlite",
        "sqlite, large",
        "json",
        "query",
        "form",
    ],
)
def test_the_look_finds_a_canary_in_any_form(tmp_path: Path, kind: str) -> None:
    canary, path = "Dear Anna, täglich", tmp_path / "file"
    plant(path, canary, kind)
    assert found(tmp_path, [canary]) == {(path, canary)}
    assert found(tmp_path, ["Dear Bert"]) == set()


def plant(path: Path, canary: Any, kind: Any) -> None:
    if kind.startswith("sqlite"):
        database = sqlite3.connect(path)
        database.execute("create table history (source text)")
        database.execute(
            "insert into history values (?)",
            [f"{'x' * (4_050 if 'large' in kind else 1)}{canary}{'y' * 9_000}"],
        )
        database.commit()
        database.close()
    elif kind == "zip":
        shutil.make_archive(str(path), "zip", folder_with(path.parent / "packed", canary))
        path.with_suffix(".zip").rename(path)
        shutil.rmtree(path.parent / "packed")
    else:
        path.write_bytes(written(canary)[kind])


def written(canary: Any) -> dict[str, Any]:
    text = f"before {canary} after".encode()
    return {
        "as it is": text,
        "utf-16": f"x{canary}".encode("utf-16"),
        "gzip": b"x" + gzip.compress(text),
        "zlib": zlib.compress(text),
        "json": json.dumps([canary]).encode(),
        "query": canary.replace(" ", "%20").encode(),
        "form": canary.replace(" ", "+").encode(),
    }


def folder_with(folder: Any, canary: Any) -> Any:
    folder.mkdir()
    (folder / "inner.txt").write_text(canary * 9)
    return folder
