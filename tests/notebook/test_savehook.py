"""
What is saved of a notebook names nobody and holds no secret.

The sources of its cells are never lost.
"""

import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from sinchtools.cases.case import Case
from sinchtools.client.log import CallLog
from sinchtools.core.records import Exchange
from sinchtools.notebook import savehook
from sinchtools.notebook.savehook import clean
from sinchtools.privacy.alias_forms import ALIASED
from sinchtools.privacy.aliases import Aliases

NUMBER, TEXT, TOKEN = (
    "46701740605",
    "Hi Anna, your parcel waits at the kiosk",
    "5c1e9a7b3d2f4e68a1b2",
)
SENT = Exchange(id="a", request_body=json.dumps({"to": [f"+{NUMBER}"], "body": TEXT}), status=403)
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
VIEW = "application/vnd.jupyter.widget-view+json"
NAMELESS = f"{Aliases(b'key').number(NUMBER)} was answered with 403"


def shown(data: Any, metadata: Any = ALIASED, **more: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": dict(metadata), **more}


def saved(*outputs: Any, source: Any = "1 + 1", kind: Any = "code", **metadata: Any) -> Any:
    cell = {
        "cell_type": kind,
        "id": "x",
        "metadata": {},
        "source": source,
        "outputs": deepcopy(list(outputs)),
    }
    model = {
        "type": "notebook",
        "content": {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5},
    }
    clean(model=model, path="x.ipynb", contents_manager=None)
    return model["content"]


@pytest.fixture
def case(work: Path) -> Case:
    case = Case("4711")
    case.add([SENT])
    return case


def test_an_output_without_people_is_saved_as_it_is(case: Case) -> None:
    assert saved(shown({"text/plain": NAMELESS}))["cells"][0]["outputs"] == [
        shown({"text/plain": NAMELESS})
    ]


DROPPED = {
    "not-marked": shown({"text/plain": NAMELESS}, {}),
    "printed": {"output_type": "stream", "name": "stdout", "text": NAMELESS},
    "error": {
        "output_type": "error",
        "ename": "KeyError",
        "evalue": NUMBER,
        "traceback": [f"to={NUMBER}"],
    },
    "result": {
        "output_type": "execute_result",
        "execution_count": 1,
        "data": {"text/plain": repr(SENT)},
        "metadata": {},
    },
    "number-marked": shown({"text/plain": f"to {NUMBER}"}),
    "number-in-html": shown({"text/html": f"<td>{NUMBER[:5]} {NUMBER[5:]}</td>"}),
    "number-in-metadata": shown({"text/plain": "x"}, {**ALIASED, "title": NUMBER}),
    "text-marked": shown({"text/plain": ["said: ", TEXT.replace(" ", "\n")]}),
    "secret-marked": shown({"text/plain": f"Authorization: Bearer {TOKEN}"}),
    "only-a-widget": shown({VIEW: {"model_id": "1"}}),
    "malformed": {"output_type": "display_data", "metadata": ALIASED},
}


@pytest.mark.parametrize("output", DROPPED.values(), ids=DROPPED)
def test_any_other_output_is_dropped(case: Case, output: Any) -> None:
    assert saved(output)["cells"][0]["outputs"] == []


def test_the_people_of_a_replay_are_known_too(case: Case) -> None:
    other = "447700900123"
    with CallLog(case.folder / "calls.sqlite") as log:
        log.intent(Exchange(id="b", call_id="b", request_body=json.dumps({"to": [other]})))
    assert saved(shown({"text/plain": f"to {other}"}))["cells"][0]["outputs"] == []
    assert saved(shown({"text/plain": "to 447700900124"}))["cells"][0]["outputs"] != []


def test_the_view_of_a_widget_goes_and_its_twin_stays(case: Case) -> None:
    output = shown({VIEW: {"model_id": "1"}, "text/html": "<b>FIXED</b>"})
    notebook = saved(
        output,
        widgets={"application/vnd.jupyter.widget-state+json": {"state": {"1": {"value": NUMBER}}}},
        kernelspec=KERNEL,
    )
    assert notebook["cells"][0]["outputs"] == [shown({"text/html": "<b>FIXED</b>"})]
    assert notebook["metadata"] == {"kernelspec": KERNEL}


MARK = f"[secret opaque {len(TOKEN)} #1]"
SOURCES = {
    "string": (f'token = "{TOKEN}"', f'token = "{MARK}"'),
    "header": (
        f"h = {{'Authorization': 'Bearer {TOKEN}'}}",
        f"h = {{'Authorization': 'Bearer {MARK}'}}",
    ),
    "pasted": (
        f'st.read("""curl -H "Authorization: Bearer {TOKEN}" https://x.example""")',
        f'st.read("""curl -H "Authorization: Bearer {MARK}" https://x.example""")',
    ),
    "comment": (f"1 + 1  # token: {TOKEN}", f"1 + 1  # token: {MARK}"),
    "magic": (f"%env SINCH_API_TOKEN={TOKEN}", f"%env SINCH_API_TOKEN={MARK}"),
    "shell": (
        f"!curl 'https://x.example/?access_token={TOKEN}'",
        f"!curl 'https://x.example/?access_token={MARK}'",
    ),
    "cell-magic": (f"%%bash\nexport API_TOKEN={TOKEN}", f"%%bash\nexport API_TOKEN={MARK}"),
    "environment": (
        f'os.environ["SINCH_API_TOKEN"] = "{TOKEN}"',
        f'os.environ["SINCH_API_TOKEN"] = "{MARK}"',
    ),
    "user": (
        f"!curl -u plan:{TOKEN} https://x.example",
        f"!curl -u [secret pair {len(TOKEN) + 5} #1] https://x.example",
    ),
    "pair": (
        f'requests.get(url, auth=("key", "{TOKEN}"))',
        f'requests.get(url, auth=("key", "{MARK}"))',
    ),
    "scheme-apart": (
        f'{{"Authorization": "Bearer " "{TOKEN}"}}',
        f'{{"Authorization": "Bearer " "{MARK}"}}',
    ),
    "scheme-added": (f'h = "Bearer " + "{TOKEN}"', f'h = "Bearer " + "{MARK}"'),
    "no-python": (f"curl '\napi_token={TOKEN}", f"curl '\napi_token={MARK}"),
}


@pytest.mark.parametrize(("source", "kept"), SOURCES.values(), ids=SOURCES)
def test_a_secret_in_a_cell_becomes_a_marker(source: str, kept: str) -> None:
    assert saved(source=source)["cells"][0]["source"] == kept
    assert saved(source=source.splitlines(keepends=True))["cells"][0]["source"] == kept.splitlines(
        keepends=True
    )


@pytest.mark.parametrize(
    "source",
    [
        "client = st.connect(token=settings2.token, secret=os.environ['S3'])",
        "key = case.key\npassword = getpass2()",
        'token = "..."',
        f'st.read(to="{NUMBER}")',
        "# The token: copy it again.",
        "%time plan.run()",
        "",
        "token: copy",
    ],
)
def test_code_without_a_secret_is_saved_as_it_was_written(source: str) -> None:
    assert saved(source=source)["cells"][0]["source"] == source


@pytest.mark.parametrize("text", ["The token: {}", "| name | is |\n|---|---|\n| token | {} |"])
def test_a_secret_in_a_markdown_cell_becomes_a_marker(text: str) -> None:
    assert saved(source=text.format(TOKEN), kind="markdown")["cells"][0]["source"] == text.format(
        MARK
    )


def test_a_secret_in_metadata_and_attachments_becomes_a_marker_and_all_else_stays() -> None:
    papermill = {
        "papermill": {
            "parameters": {
                "token": TOKEN,
                "status": 403,
                "urls": [f"https://x.example/?access_token={TOKEN}"],
            }
        }
    }
    marked = {
        "papermill": {
            "parameters": {
                "token": MARK,
                "status": 403,
                "urls": [f"https://x.example/?access_token={MARK}"],
            }
        }
    }
    picture = {"a.png": {"image/png": "iVBORw0KGgo="}}
    cell = {
        "cell_type": "markdown",
        "source": "",
        "metadata": papermill,
        "attachments": {"a.txt": {"text/plain": f"token: {TOKEN}"}, **picture},
    }
    notebook = {
        "cells": [cell],
        "metadata": {**deepcopy(papermill), "kernelspec": KERNEL, "tags": ["a"]},
    }
    clean({"type": "notebook", "content": notebook})
    assert (cell["metadata"], cell["attachments"]) == (
        marked,
        {"a.txt": {"text/plain": f"token: {MARK}"}, **picture},
    )
    assert notebook["metadata"] == {**marked, "kernelspec": KERNEL, "tags": ["a"]}


@pytest.mark.parametrize(
    "cells",
    [
        None,
        [None],
        ["x"],
        [{}],
        [{"cell_type": "code", "source": None, "outputs": None, "metadata": None}],
    ],
)
def test_what_is_no_cell_is_passed_over_and_the_next_is_cleaned(cells: Any) -> None:
    cell = {"cell_type": "code", "source": f'token = "{TOKEN}"', "outputs": [DROPPED["printed"]]}
    clean({"type": "notebook", "content": {"cells": cells and [*cells, cell], "metadata": None}})
    assert cells is None or (cell["source"], cell["outputs"]) == (f'token = "{MARK}"', [])


@pytest.mark.parametrize("line", [b"4711", b'["x"]', b'{"id": "x", "sta', b"\xff\xfe"])
def test_a_line_of_a_case_that_is_no_row_ends_the_saving_of_no_output(
    case: Case, line: bytes
) -> None:
    with (case.folder / "evidence.jsonl").open("ab") as file:
        file.write(b"\n" + line + b"\n")
    assert saved(shown({"text/plain": NAMELESS}))["cells"][0]["outputs"] != []
    assert saved(shown({"text/plain": f"to {NUMBER}"}))["cells"][0]["outputs"] == []


@pytest.mark.parametrize("name", ["evidence.jsonl", "seen.jsonl", "calls.sqlite"])
@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_a_part_of_a_foreign_case_that_is_no_file_ends_the_saving_of_no_output(
    case: Case, work: Path, name: str, kind: str
) -> None:
    (work / "foreign").mkdir()
    place = work / "foreign" / name
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to("/dev/zero")
    else:
        place.mkdir()
    assert saved(shown({"text/plain": NAMELESS}))["cells"][0]["outputs"] != []


@pytest.mark.parametrize("broken", ["refuse_leaks", "work_folder", "secrets_left"])
def test_a_hook_that_fails_drops_outputs_and_keeps_every_source(
    case: Case, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(savehook, broken, fail)
    (cell,) = saved(DROPPED["printed"], shown({"text/plain": NUMBER}), source="case = 1")["cells"]
    assert cell["source"] == "case = 1" and cell["outputs"] == []


def test_a_case_too_large_to_be_looked_through_lets_no_output_pass(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(savehook, "LARGEST_CASE", 10)
    assert saved(shown({"text/plain": NAMELESS}))["cells"][0]["outputs"] == []


def test_another_file_is_saved_as_it_is() -> None:
    model = {"type": "file", "content": f"token={TOKEN}"}
    clean(model=model)
    assert model == {"type": "file", "content": f"token={TOKEN}"}
