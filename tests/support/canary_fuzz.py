"""
A canary fuzzer.

`python -m tests.support.canary_fuzz 20000` plants a token, a number and a text in as many requests.

Each request sends its text to its number with its token, and quotes all three once more in places
and spellings that chance chooses. What is read then goes into every kind of file that is handed
over. Counted are the files that hold a canary and the files that the gate refused.
"""

from __future__ import annotations

import csv
import io
import json
import random
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from sinchtools import charts
from sinchtools.cases.case import Case
from sinchtools.cases.exporting import aliased, export
from sinchtools.cases.reports import report
from sinchtools.core import columns
from sinchtools.core.errors import LeakError
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.evidence import Evidence, read
from sinchtools.notebook.savehook import clean
from sinchtools.playbooks.playbook import tips
from tests.privacy.test_canaries import forms, unpacked

BATCH = 100  # requests in one file of evidence
RUN = 8  # bytes; every form of a canary is longer
NAMES = [
    "Anna",
    "Bertil",
    "Chiara",
    "Dmitri",
    "Edda",
    "Farid",
    "Greta",
    "Hugo",
    "Ines",
    "Jorge",
    "Kaoru",
    "Lena",
]
WORDS = [
    "parcel",
    "invoice",
    "taxi",
    "ticket",
    "garden",
    "window",
    "lemon",
    "winter",
    "copper",
    "violin",
    "harbour",
    "meadow",
]
COUNTRIES = ("4670", "44770090", "1555010", "4917", "3361", "4520", "6591", "91987")


@dataclass
class Canary:
    """What one request plants: a token, a phone number, a message text."""

    token: str
    number: str
    text: str

    @property
    def texts(self) -> tuple[str, ...]:
        """What no file may hold."""
        return self.token, self.number, self.text


@dataclass
class Figures:
    """What a run has seen."""

    inputs: int = 0
    files: int = 0
    leaks: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = Counter(leak.split(":")[0] for leak in self.leaks)
        return (
            f"{self.inputs:,} requests, {self.files:,} files: {len(self.leaks)} canaries found"
            f" {dict(kinds)}, {len(self.refused)} files refused"
        )


def canary(chance: random.Random) -> Canary:
    """Return three values that stand nowhere else."""
    head = chance.choice(COUNTRIES)
    number = head + "".join(chance.choices("0123456789", k=12 - len(head)))
    token = chance.choice("abcdef") + "".join(  # digits alone are told from no number
        chance.choices("0123456789abcdef", k=chance.choice((15, 31, 39)))
    )
    name, *words = chance.choice(NAMES), *chance.sample(WORDS, 3)
    return Canary(
        token, number, f"Dear {name}, your {' '.join(words)} is {chance.randrange(10**4)}"
    )


def numbers(number: str) -> list[str]:
    """Return the spellings of a number."""
    fullwidth = "".join(chr(0xFF10 + int(digit)) for digit in number)
    arabic = "".join(chr(0x0660 + int(digit)) for digit in number)
    return [
        number,
        f"+{number}",
        f"00{number}",
        f"+{number[:2]} {number[2:5]} {number[5:]}",
        f"+{number[:2]}-{number[2:5]}-{number[5:]}",
        f"order_{number}",
        f"u{number}",
        f"{number}_2026",
        fullwidth,
        arabic,
        number[:4] + "\u200d" + number[4:],
        number[:4] + "\u00ad" + number[4:],
        f"tel:+{number}",
        quote(f"+{number}"),
    ]


def texts(text: str) -> list[str]:
    """Return the spellings of a text, whole or in part."""
    return [
        text,
        text.upper(),
        f"**{text}**",
        text.replace(" ", "  "),
        f"log in: https://x.example/?token=abc123def456ghi7 {text}",
        f"{text} your password: Xk29ab77",
        " ".join(text.split()[:5]) + "...",
        f"body starts with '{text[:30]}'",
        quote(text),
    ]


def quotes_of(token: str) -> list[str]:
    """Return the sentences that quote a token."""
    return [
        f"Credential {token} is unknown",
        f"Token '{token}' is invalid",
        f"the token is {token}",
        f"The token ({token}) was refused",
        f"tried with {token}, same result",
        f"https://{token}@host.example/",
        f"client_assertion={token}",
        f"define('API_TOKEN', '{token}')",
    ]


def request(chance: random.Random, planted: Canary) -> dict[str, object]:
    """Return the parts of a request that sends the text, and quotes what it can elsewhere."""
    said = chance.choice(
        [
            chance.choice(numbers(planted.number)),
            chance.choice(texts(planted.text)),
            chance.choice(quotes_of(planted.token)),
            "nothing more",
        ]
    )
    place = chance.choice(["reference", "parameter", "tag", "callback", "header", "error", "query"])
    body: dict[str, object] = {
        "to": [chance.choice(("", "+")) + planted.number],
        "from": "15559870002",
        "body": planted.text,
    }
    if place == "reference":
        body["client_reference"] = said
    elif place == "parameter":
        body |= {"body": planted.text + " ${n}", "parameters": {"n": {planted.number: said}}}
    elif place == "tag":
        body["tags"] = [said]
    elif place == "callback":
        body["callback_url"] = f"https://callback.example/{quote(said)}"
    query = f"?note={quote(said)}" if place == "query" else ""
    return {
        "url": f"https://us.sms.api.sinch.com/xms/v1/plan{chance.randrange(9)}/batches{query}",
        "headers": {"Authorization": f"Bearer {planted.token}", "Content-Type": "application/json"}
        | ({"X-Note": said.encode("ascii", "ignore").decode()} if place == "header" else {}),
        "body": json.dumps(body, ensure_ascii=chance.random() < 0.5),
        "response": json.dumps(
            {"code": "syntax_invalid_parameter_format", "text": said if place == "error" else "no"}
        ),
    }


# --- the formats: several requests in one file ---------------------------------------------------


def as_jsonl(requests: list[dict[str, object]]) -> str:
    """Return our own lines."""
    rows = (
        {
            "id": f"row-{n}",
            "method": "POST",
            "url": each["url"],
            "request_headers": each["headers"],
            "request_body": each["body"],
            "status": 400,
            "response_body": each["response"],
        }
        for n, each in enumerate(requests)
    )
    return "\n".join(json.dumps(row) for row in rows)


def as_curl(requests: list[dict[str, object]]) -> str:
    """Return commands."""
    return "\n\n".join(_curl(each) for each in requests)


def _curl(each: dict[str, object]) -> str:
    headers = each["headers"]
    assert isinstance(headers, dict)
    words = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    return " ".join(
        ["curl", shlex.quote(str(each["url"])), *words, "-d", shlex.quote(str(each["body"]))]
    )


def as_har(requests: list[dict[str, object]]) -> str:
    """Return a browser's archive."""
    return json.dumps({"log": {"version": "1.2", "entries": [_entry(each) for each in requests]}})


def _entry(each: dict[str, object]) -> dict[str, object]:
    headers = each["headers"]
    assert isinstance(headers, dict)
    pairs = [{"name": name, "value": value} for name, value in headers.items()]
    post = {"mimeType": "application/json", "text": each["body"]}
    content = {"mimeType": "application/json", "text": each["response"]}
    return {
        "startedDateTime": "2026-11-20T10:00:00Z",
        "time": 40,
        "request": {"method": "POST", "url": each["url"], "headers": pairs, "postData": post},
        "response": {"status": 400, "headers": [], "content": content},
    }


def as_http(requests: list[dict[str, object]]) -> str:
    """Return raw messages."""
    return "\n\n".join(_message(each) for each in requests)


def _message(each: dict[str, object]) -> str:
    headers = each["headers"]
    assert isinstance(headers, dict)
    path = str(each["url"]).removeprefix("https://us.sms.api.sinch.com")
    lines = [f"POST {path} HTTP/1.1", "Host: us.sms.api.sinch.com"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    answer = [
        "HTTP/1.1 400 Bad Request",
        "Content-Type: application/json",
        "",
        str(each["response"]),
    ]
    return "\n".join([*lines, "", str(each["body"]), "", *answer])


def as_csv(requests: list[dict[str, object]]) -> str:
    """Return a table."""
    out = io.StringIO()
    names = ["method", "url", "request_headers", "request_body", "status", "response_body"]
    table = csv.writer(out)
    table.writerow(names)
    for each in requests:
        headers = json.dumps(each["headers"])
        table.writerow(["POST", each["url"], headers, each["body"], 400, each["response"]])
    return out.getvalue()


def as_postman(requests: list[dict[str, object]]) -> str:
    """Return a collection."""
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    return json.dumps(
        {"info": {"name": "x", "schema": schema}, "item": [_item(each) for each in requests]}
    )


def _item(each: dict[str, object]) -> dict[str, object]:
    headers = each["headers"]
    assert isinstance(headers, dict)
    sent = {
        "method": "POST",
        "url": each["url"],
        "header": [{"key": name, "value": value} for name, value in headers.items()],
        "body": {"mode": "raw", "raw": each["body"]},
    }
    answer = {"name": "x", "originalRequest": sent, "code": 400, "body": each["response"]}
    return {"name": "send", "request": sent, "response": [answer]}


FORMATS = (as_jsonl, as_curl, as_har, as_http, as_csv, as_postman)


# --- one batch -----------------------------------------------------------------------------------


def check(seed: int, folder: Path, size: int, figures: Figures, *, drawn: bool) -> None:
    """Read one file of evidence, hand it over in every way, and look for its canaries."""
    chance = random.Random(seed)
    planted = [canary(chance) for _ in range(size)]
    write = FORMATS[seed % len(FORMATS)]
    evidence = read(write([request(chance, each) for each in planted]).encode())
    assert len(evidence) >= size, (write.__name__, len(evidence))
    figures.inputs += size
    where = f"seed {seed} {write.__name__}"
    rows = json.dumps(evidence.as_json(), ensure_ascii=False)
    figures.leaks += [f"token: {where} a row" for each in planted if each.token in rows]
    for name, path in _files(evidence, chance.choice(planted), folder, figures, drawn=drawn):
        figures.leaks += [
            f"{kind}: {where} {name} {value}" for kind, value in _found(path, planted)
        ]


def _files(
    evidence: Evidence, one: Canary, folder: Path, figures: Figures, *, drawn: bool
) -> Iterator[tuple[str, Path]]:
    case = Case(folder / "case")
    case.add(evidence)
    case.note(f"Customer tried with {one.token} for {one.number}: {one.text}")
    walk = tips(case.evidence[0])
    walk.answer("skipped", f"{one.number} got {one.text} with {one.token}")
    case.add_walk(walk)
    writers: dict[str, Callable[[], Path | list[Path]]] = {
        "report.html": lambda: report(case, folder / "report.html"),
        "bundle.zip": lambda: report(case, folder / "bundle.zip"),
        "rows.jsonl": lambda: export(case.evidence, folder / "rows.jsonl", key=case.key),
        "rows.har": lambda: export(case.evidence, folder / "rows.har", key=case.key),
        "rows.sh": lambda: export(case.evidence, folder / "rows.sh", key=case.key),
        "notebook.ipynb": lambda: _notebook(case, folder / "notebook.ipynb"),
    }
    if drawn:
        writers["chart"] = lambda: _chart(case, folder / "chart")
    for name, writer in writers.items():
        figures.files += 1
        try:
            written = writer()
        except LeakError as error:
            figures.refused.append(f"{name}: {str(error)[:200]}")
            continue
        for path in written if isinstance(written, list) else [written]:
            yield name, path


def _chart(case: Case, path: Path) -> list[Path]:
    return charts.save(charts.error_codes(columns.frame(aliased(case.evidence, case.key))), path)


def _notebook(case: Case, path: Path) -> Path:
    views = [*diagnose(list(case.evidence)[:3]), columns.frame(case.evidence), case.evidence[0]]
    shown = [
        {"output_type": "display_data", "metadata": {}, "data": {"text/plain": repr(view)}}
        for view in views
    ]
    cells = [{"cell_type": "code", "source": "x", "outputs": shown}]
    model = {"type": "notebook", "content": {"metadata": {}, "cells": cells}}
    clean(model)
    path.write_text(json.dumps(model["content"]))
    return path


def _found(path: Path, planted: list[Canary]) -> Iterator[tuple[str, str]]:
    seen = [(data, _runs(data)) for data in unpacked(path.read_bytes())]
    for each in planted:
        for kind, value in zip(("token", "number", "text"), each.texts, strict=True):
            if any(
                form[:RUN] in runs and form in data
                for _, form in forms(value)
                for data, runs in seen
            ):
                yield kind, value


def _runs(data: bytes) -> set[bytes]:
    """Return every run of a few bytes: most forms are not there, and this tells it at once."""
    return {data[at : at + RUN] for at in range(len(data) - RUN + 1)}


def run(count: int, first: int = 0, size: int = BATCH) -> Figures:
    """Return what `count` requests gave, in files of `size`."""
    figures = Figures()
    for seed in range(first, first + -(-count // size)):
        with tempfile.TemporaryDirectory() as folder:
            check(seed, Path(folder), size, figures, drawn=seed % 5 == 0)
        if figures.inputs % 1000 == 0:
            print(f"... {figures}", file=sys.stderr, flush=True)
    return figures


if __name__ == "__main__":
    result = run(*map(int, sys.argv[1:]))
    print(result)
    for line in (result.leaks + result.refused)[:40]:
        print(" ", line)
    sys.exit(int(bool(result.leaks) or len(result.refused) > result.files / 1000))
