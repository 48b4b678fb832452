"""
A canary in any field of the evidence is in no file that is handed over.

The canaries are a number, a message text and a token, in any encoding, packed or not.
"""

import base64
import contextlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from sinchtools import charts
from sinchtools.cases.case import Case
from sinchtools.cases.exporting import aliased, export
from sinchtools.cases.reports import PARTS, report
from sinchtools.core import columns
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.evidence import read
from sinchtools.evidence.exports import to_jsonl
from sinchtools.notebook.savehook import clean
from sinchtools.playbooks.playbook import tips
from sinchtools.privacy.alias_forms import ALIASED
from sinchtools.replays.planning import replay
from sinchtools.terminal.cli import main
from tests.cases.test_report import BAD, KEY, NUMBER, TEXT, TOKEN

SPOKEN = f"{TEXT} +{NUMBER}"
CANARIES = (NUMBER, NUMBER[2:], "Anna", "parcel waits", TOKEN)
PLANTED: dict[str, dict[str, Any]] = {
    "id": {"id": NUMBER, "parent_id": NUMBER, "call_id": NUMBER},
    "id-spoken": {"id": SPOKEN, "parent_id": SPOKEN, "call_id": SPOKEN},
    "source": {"source": f"{SPOKEN} token={TOKEN}.har"},
    "method": {"method": f"POST {NUMBER}"},
    "url-path": {
        "url": f"https://us.sms.api.sinch.com/xms/v1/plan1/batches/01J/delivery_report/"
        f"%2B{NUMBER}?access_token={TOKEN}"
    },
    "url-path-bare": {"url": f"https://us.sms.api.sinch.com/xms/v1/{NUMBER}/batches/{NUMBER}"},
    "url-query": {
        "url": f"https://sms.example/send?to={NUMBER}&text={quote(TEXT)}&api_key={TOKEN}"
    },
    "url-query-name": {"url": f"https://sms.example/send?{NUMBER}=x&message={quote_plus(SPOKEN)}"},
    "url-user": {"url": f"https://{NUMBER}:{TOKEN}@sms.example/send"},
    "url-fragment": {"url": f"https://sms.example/send#{NUMBER}"},
    "account": {"account": NUMBER},
    "variables": {"variables_not_shown": f"{{{{{SPOKEN}}}}}"},
    "region": {"region": NUMBER},
    "endpoint": {"endpoint": f"POST /batches/{NUMBER}"},
    "request-header": {
        "request_headers": {
            "Authorization": f"Bearer {TOKEN}",
            "X-Api-Key": TOKEN,
            "Cookie": f"session={TOKEN}",
            "X-Note": SPOKEN,
        }
    },
    "request-header-name": {"request_headers": {f"X-{NUMBER}": "1", f"X {NUMBER}": "2"}},
    "body-everywhere": {
        "request_body": json.dumps(
            {
                "to": [NUMBER],
                "body": TEXT,
                "client_reference": SPOKEN,
                "api_token": TOKEN,
                "tags": [SPOKEN],
            }
        )
    },
    "body-parameters": {
        "request_body": json.dumps(
            {
                "to": [NUMBER],
                "body": "x ${name}",
                "parameters": {"name": {NUMBER: TEXT, "default": TEXT}},
            }
        )
    },
    "body-parameters-wrong": {
        "request_body": json.dumps(
            {"to": [NUMBER], "body": "${a}", "parameters": {"a": {f"+{NUMBER}": 5}, NUMBER: "x"}}
        )
    },
    "body-parameters-long": {
        "request_body": json.dumps(
            {"to": [NUMBER], "body": "${a}", "parameters": {"a": {f"+{NUMBER}": TEXT * 60}}}
        )
    },
    "body-name": {
        "request_body": json.dumps({NUMBER: 1, f"to {NUMBER}": 2, "to": [NUMBER], "body": TEXT})
    },
    "body-number": {
        "request_body": json.dumps({"to": [int(NUMBER)], "from": int(NUMBER), "body": TEXT})
    },
    "body-nested": {
        "request_body": json.dumps(
            {"x": json.dumps({"to": NUMBER, "body": TEXT}), "to": [NUMBER], "body": TEXT}
        )
    },
    "body-escaped": {
        "request_body": json.dumps({"to": [NUMBER], "body": TEXT})
        .replace("4", "\\u0034")
        .replace("A", "\\u0041")
    },
    "body-broken": {
        "request_body": f'{{"to": ["+{NUMBER}], "body": "{TEXT}", "password": "{TOKEN}"'
    },
    "body-form": {"request_body": f"to=%2B{NUMBER}&body={quote_plus(TEXT)}&token={TOKEN}"},
    "body-text": {"request_body": f"To: {NUMBER}\n{TEXT}"},
    "body-xml": {
        "request_body": f"<sms><to>{NUMBER}</to><body>{TEXT}</body><token>{TOKEN}</token></sms>"
    },
    "body-utf-16": {
        "request_body": json.dumps({"to": [NUMBER], "body": TEXT, "token": TOKEN}).encode("utf-16")
    },
    "body-latin-1": {
        "request_body": f'{{"to": ["{NUMBER}"], "body": "{TEXT} \xe9\xff", "token": '
        f'"{TOKEN}"}}'.encode("latin-1")
    },
    "body-binary": {
        "request_body": json.dumps(
            {
                "type": "mt_binary",
                "to": [NUMBER],
                "body": base64.b64encode(TEXT.encode()).decode(),
                "udh": "06",
            }
        )
    },
    "status-text": {"text": f"{SPOKEN} Bearer {TOKEN}"},
    "code": {"code": f"sent to {NUMBER}"},
    "response-body": {
        "response_body": json.dumps(
            {"code": "x", "text": f"{SPOKEN} Bearer {TOKEN}", "to": [NUMBER]}
        )
    },
    "response-body-batch": {
        "response_body": json.dumps({"id": "01J", "to": [NUMBER], "from": NUMBER, "body": TEXT})
    },
    "response-body-bytes": {"response_body": f"{SPOKEN} token={TOKEN} \xff".encode("latin-1")},
    "response-header": {
        "response_headers": {
            "Set-Cookie": f"a={TOKEN}",
            "Location": f"/x?from={NUMBER}",
            "X-Said": SPOKEN,
        }
    },
    "delivery": {"delivery": f"{NUMBER} {SPOKEN} token={TOKEN} Failed", "status": None},
    "failure": {"failure": f"{SPOKEN} token={TOKEN}", "status": None},
}


def rows_with(planted: Any) -> list[Any]:
    """
    Return the rows as they are after reading: secrets stop there.

    Each row sends the text to the number, so both are known.
    """
    sent = replace(BAD, id="row-2", status=201, code=None, text=None, response_body="{}")
    return list(read(to_jsonl([replace(BAD, **planted), sent]).encode()))


ROWS = {name: rows_with(planted) for name, planted in PLANTED.items()}


def test_every_field_that_can_hold_words_is_planted() -> None:
    planted = {name for fields in PLANTED.values() for name in fields}
    assert {field.name for field in fields(Exchange)} - planted == {
        "attempt",
        "at",
        "origin",
        "target",
        "elapsed_ms",
    } | {"status"} - planted


@pytest.mark.parametrize("ending", [".jsonl", ".har", ".sh"])
@pytest.mark.parametrize("name", PLANTED)
def test_no_canary_is_in_an_export(tmp_path: Path, name: str, ending: str) -> None:
    assert canaries_in(export(ROWS[name], tmp_path / f"case-7{ending}", key=KEY)) == []


@pytest.mark.parametrize("name", PLANTED)
def test_no_canary_is_in_a_report_page(tmp_path: Path, name: str) -> None:
    parts = [part for part in PARTS if part != "when"]
    assert canaries_in(report(ROWS[name], tmp_path / "case-7.html", key=KEY, parts=parts)) == []


@pytest.mark.parametrize("ending", [".html", ".zip"])
def test_no_canary_is_in_the_report_of_a_case_that_holds_them_everywhere(
    work: Path, ending: str
) -> None:
    case = Case(f"{NUMBER} for {TEXT}")
    case.add(
        replace(row, id=f"{n}-{row.id}") for n, rows in enumerate(ROWS.values()) for row in rows
    )
    for words in (
        SPOKEN,
        f"token: {TOKEN}",
        f"Hi  Anna,\nyour parcel waits at the kiosk {NUMBER[:4]} {NUMBER[4:]}",
    ):
        case.note(words)
    first = case.evidence[0]
    walk = tips(first)
    walk.answer("skipped", f"{SPOKEN} token: {TOKEN}")
    case.add_walk(walk)
    body = json.dumps(
        {"to": [f"+{NUMBER}", "+447700900123"], "from": "15559870002", "body": f"{TEXT}, says Bert"}
    )
    case.add_replay(
        replay(
            first,
            edit={"body": body, "headers": {"X-Said": SPOKEN, "X-Api-Key": TOKEN}},
            log=case.log,
        )
    )
    assert canaries_in(report(case, work / f"out{ending}"), "447700900123", "Bert") == []


@pytest.mark.parametrize("draw", [kind.draw for kind in charts.KINDS], ids=lambda d: d.__name__)
def test_no_canary_is_in_a_chart_of_aliased_rows(tmp_path: Path, draw: Any) -> None:
    rows = aliased(
        [replace(row, id=f"{n}-{row.id}") for n, rows in enumerate(ROWS.values()) for row in rows],
        KEY,
    )
    for path in charts.save(draw(columns.frame(rows)), tmp_path / "chart"):
        assert canaries_in(path) == [], path.name


def test_no_canary_is_in_the_charts_of_the_command_line(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = work / f"{NUMBER}.jsonl"
    path.write_text(to_jsonl(row for rows in ROWS.values() for row in rows))
    assert main(["chart", str(path), "-o", str(work / "charts"), "--all"]) == 0
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert written and [found for path in written for found in canaries_in(path)] == []


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("metadata", [{}, ALIASED], ids=["as-shown", "marked-by-mistake"])
def test_no_canary_is_in_a_saved_notebook(work: Path, name: str, metadata: Any) -> None:
    Case("4711").add(ROWS[name])
    views = [
        read(to_jsonl(ROWS[name]).encode()),
        *diagnose(ROWS[name]),
        columns.frame(ROWS[name]),
        ROWS[name][0],
    ]
    shown = [
        {"output_type": "display_data", "metadata": metadata, "data": {"text/plain": repr(view)}}
        for view in views
    ]
    shown += [
        {
            "output_type": "display_data",
            "metadata": metadata,
            "data": {"text/html": view._repr_html_()},
        }
        for view in views[:2]
    ]
    shown += [{"output_type": "error", "ename": "E", "evalue": SPOKEN, "traceback": [SPOKEN]}]
    shown += [{"output_type": "stream", "name": "stdout", "text": to_jsonl(ROWS[name])}]
    cells = [{"cell_type": "code", "source": "x", "outputs": shown}]
    model = {
        "type": "notebook",
        "content": {"metadata": {"widgets": {"state": SPOKEN}}, "cells": cells},
    }
    clean(model)
    path = work / "x.ipynb"
    path.write_text(json.dumps(model["content"]))
    assert canaries_in(path) == []


QUOTED_IN = ("id", "text", "url", "request_body", "response_body", "failure", "source")


@pytest.mark.parametrize("ending", [".jsonl", ".har", ".sh", ".html", ".zip"])
@pytest.mark.parametrize(
    "places",
    [QUOTED_IN, *(pytest.param((place,), marks=pytest.mark.long) for place in QUOTED_IN)],
    ids="-".join,
)
def test_evidence_that_quotes_people_of_another_row_is_handed_over_without_them(
    tmp_path: Path, places: Any, ending: str
) -> None:
    said = f"{TEXT}, order_{NUMBER}"
    planted = {
        "url": f"https://sms.example/cb/order_{NUMBER}?x={quote(said)}",
        "request_body": json.dumps(
            {
                "client_reference": f"order_{NUMBER}",
                "tags": [base64.b64encode(said.encode()).decode()],
            }
        ),
    }
    quoted: dict[str, Any] = {place: planted.get(place, said) for place in places}
    rows = [BAD, replace(BAD, **{"id": "row-2", "request_body": None, **quoted})]
    write = report if ending in (".html", ".zip") else export
    assert canaries_in(write(rows, tmp_path / f"case-7{ending}", key=KEY)) == []


# --- looking for them, by means that are not the gate's -------------------------------------------


def canaries_in(path: Any, *more: Any) -> list[tuple[Any, Any]]:
    seen = list(unpacked(path.read_bytes()))
    return [
        (canary, name)
        for canary in (*CANARIES, *more)
        for name, form in forms(canary)
        if any(form in data for data in seen)
    ]


def forms(canary: Any) -> Iterator[Any]:
    """Yield the bytes that a canary is written as."""
    yield "utf-8", canary.encode()
    yield "without spaces", canary.replace(" ", "").encode()
    yield "utf-16-le", canary.encode("utf-16-le")
    yield "utf-16-be", canary.encode("utf-16-be")
    yield "json", "".join(f"\\u{ord(c):04x}" for c in canary).encode()
    yield "html", "".join(f"&#{ord(c)};" for c in canary).encode()
    yield "percent", quote(canary).encode()
    yield "form", quote_plus(canary).encode()
    for start in range(3):
        encoded = base64.b64encode(b"x" * start + canary.encode())
        if len(canary) > 7:
            yield f"base64 at {start}", encoded[(start * 4 + 2) // 3 + bool(start) : -4]


def unpacked(data: Any, depth: Any = 4) -> Iterator[Any]:
    """Yield data, data without what may stand between digits, and all that is packed in it."""
    yield data
    yield re.sub(rb"[\s().\-/]|\)\s*-?\d+\s*\(", b"", data)
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08", data) if depth else ():
        with contextlib.suppress(zlib.error):
            yield from unpacked(zlib.decompressobj(wbits=47).decompress(data[match.start() :]), 0)
    if depth and data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from unpacked(archive.read(name), depth - 1)
    for run in re.findall(rb"base64,([A-Za-z0-9+/=]+)", data) if depth else ():
        yield from unpacked(base64.b64decode(run), depth - 1)


@pytest.mark.parametrize("name", [name for name, _ in forms("parcel waits")])
def test_a_canary_is_found_in_each_form(tmp_path: Path, name: Any) -> None:
    (tmp_path / "x").write_bytes(b"before " + dict(forms("parcel waits"))[name] + b" after")
    assert ("parcel waits", name) in canaries_in(tmp_path / "x")
