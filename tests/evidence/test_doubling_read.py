"""Twice the text takes twice the work: no text, list or container makes a reading quadratic."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest

from sinchtools.evidence import FORMATS, read
from tests.conftest import FULL
from tests.diagnosis.test_doubling import doubles
from tests.support.evidence import zipped

SIZE = 40_000 if FULL else 10_000
URL = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
ROW = {"id": "1", "method": "POST", "url": URL, "status": 400, "request_body": "{}"}
ENTRY = {
    "request": {"method": "POST", "url": URL, "headers": []},
    "response": {"status": 400, "headers": []},
}


def har(entries: Any) -> str:
    return json.dumps({"log": {"version": "1.2", "creator": {}, "entries": entries}})


def postman(items: Any, variables: Iterable[Any] = ()) -> str:
    return json.dumps({"info": {"name": "x"}, "item": items, "variable": list(variables)})


def request(**given: Any) -> dict[str, Any]:
    return {"request": {"method": "POST", "url": URL, **given}}


def log_line(request: str = "GET / HTTP/1.1", rest: str = "") -> str:
    return f'1.1.1.1 - - [01/Jan/2024:00:00:00 +0000] "{request}" 200 1{rest}'


def sdk(body: str = "{}", headers: str = "{}") -> str:
    return (
        f"DEBUG:Sinch:HTTP request POST call with headers: {headers} and body: {body} to "
        f"URL: {URL}\n"
        f"DEBUG:Sinch:HTTP response 400 with headers: {headers} and body: {body} from URL: {URL}\n"
    )


TEXTS: dict[str, Callable[[str], Any]] = {  # where a text of any length may stand
    "paste": lambda t: t,
    "url of a row": lambda t: json.dumps(ROW | {"url": t}),
    "body of a row": lambda t: json.dumps(ROW | {"request_body": t}),
    "field of a logger": lambda t: json.dumps(
        {"status": 200, "req": {"method": "GET", "url": "/" + t}, t: t, "duration": t}
    ),
    "header of a row": lambda t: json.dumps(ROW | {"request_headers": {"X": t, t: "1"}}),
    "time": lambda t: json.dumps(ROW | {"at": t}),
    "line of a log": lambda t: json.dumps(ROW) + "\n" + t,
    "url of a HAR": lambda t: har(
        [{"request": {"method": "GET", "url": t}, "response": {"status": 200}}]
    ),
    "before a HAR": lambda t: t + har([ENTRY])[:-9],
    "behind a HAR": lambda t: har([ENTRY])[:-9] + t,
    "call around a HAR": lambda t: f"load({har([ENTRY])}{t})",
    "url of a collection": lambda t: postman([request(url=t)]),
    "variable": lambda t: postman(
        [request(url="{{v}}/{{w}}")], [{"key": "v", "value": t}, {"key": "w", "value": "x"}]
    ),
    "raw body": lambda t: postman([request(body={"mode": "raw", "raw": t})]),
    "path variable": lambda t: postman(
        [{"request": {"url": {"raw": URL + "/:id" + t, "variable": [{"key": "id", "value": t}]}}}]
    ),
    "word of curl": lambda t: f"curl {URL} {t}",
    "single quotes of curl": lambda t: f"curl {URL} -d '{t}",
    "double quotes of curl": lambda t: f'curl {URL} -d "{t}',
    "ansi quotes of curl": lambda t: f"curl {URL} -d $'{t}",
    "before curl": lambda t: f"{t}\ncurl {URL}",
    "before the same line of curl": lambda t: f"{t} curl {URL}",
    "below curl": lambda t: f"curl {URL}\n\n{t}",
    "carets": lambda t: f'curl ^"{URL}^" -d ^"{t}',
    "here document": lambda t: f"curl {URL} -d @- <<EOF\n{t}\n",
    "data of curl": lambda t: f"curl {URL} --data-urlencode '{t}' -F '{t}'",
    "word of PowerShell": lambda t: f"Invoke-RestMethod -Uri {URL} -Body {t}",
    "quotes of PowerShell": lambda t: f'Invoke-RestMethod -Uri {URL} -Body "{t}',
    "variable of PowerShell": lambda t: f"$a = {t}\nInvoke-RestMethod -Uri {URL} -Body $a",
    "table of PowerShell": lambda t: f"Invoke-RestMethod -Uri {URL} -Headers @{{{t}",
    "request of a log": lambda t: log_line(f"GET /{t} HTTP/1.1"),
    "rest of a log": lambda t: log_line(rest=f' "{t}" "{t}"'),
    "before a log": lambda t: t + log_line(),
    "free line": lambda t: f"2024-01-01 00:00:00 {t} GET /x {t} status 403",
    "logfmt": lambda t: f"method=GET path=/{t} status=200 {t}",
    "cell": lambda t: f"method,url,status\nGET,{t},200\nGET,/x,{t}\n",
    "head of a table": lambda t: f"method,url,status,{t}\nGET,/x,200,1\n",
    "fields of W3C": lambda t: f"#Fields: cs-method cs-uri-stem sc-status {t}\nGET /x 200\n",
    "body of the SDK": lambda t: sdk(body=t),
    "headers of the SDK": lambda t: sdk(headers="{" + t + "}"),
    "exception": lambda t: f"{t}SMSException: Error 403 {t}",
}
ATOMS = (
    "a",
    "_",
    "A1",
    "1",
    ",",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\\\n",
    "'",
    '"',
    "`",
    "“",
    "’",
    "{",
    "}",
    "[",
    "]",
    '{"a":',
    "[1,",
    "{},",
    "{}\n",
    "[],",
    '"a":1,',
    "$",
    "$(",
    "${a}",
    "$a",
    "{{a}}",
    "{{",
    "<",
    "<<EOF\n",
    "$(cat <<A\n",
    ">",
    "> ",
    "> curl",
    "|",
    "&",
    "&a=",
    "?&a=1",
    "=",
    "a=",
    "a=1 ",
    'a="',
    ";",
    "(",
    ")",
    "@{",
    "@(",
    "@a ",
    "^",
    '^"',
    '^\\^"',
    "-",
    "--",
    "-d ",
    "-H ",
    "\\",
    '\\"',
    "\\x41",
    ":",
    "a:",
    "://",
    "http://x ",
    "#",
    "# \n",
    "curl ",
    "curl x.y\n",
    'curl "\n',
    "curl '",
    "; curl -X",
    "iwr h\n",
    "$a=1\n",
    "$a += 'b'\n",
    "1,",
    "'a'+",
    "\ufeff",
    "\0",
    "\xa0",
    "–",
    "GET /x ",
    "HTTP/1.1 200\n",
    "403 ",
    "status ",
    "[01/Jan/2024:00:00:00 +0000] ",
    "2024-01-01 ",
    "HTTP request GET call with headers: {",
    "} and body: ",
    "SmsException",
    "Error: ",
    "é",
    "\ud83d",
    "Bearer ",
    "password=",
    "load(",
    '{"log":{',
    '"entries":[',
    "a,b\n",
    "a|b\n",
    "#Fields: a\n",
    "None, ",
)

LISTS = {  # what there may be any number of
    "rows": lambda n: "\n".join(json.dumps(ROW | {"id": str(i)}) for i in range(n // 50)),
    "rows of one id": lambda n: "\n".join([json.dumps(ROW)] * (n // 50)),
    "rows without an id": lambda n: "\n".join([json.dumps(ROW | {"id": None})] * (n // 50)),
    "list of rows": lambda n: json.dumps([ROW] * (n // 50)),
    "fields": lambda n: json.dumps(ROW | {f"f{i}": i for i in range(n)}),
    "fields of a logger": lambda n: json.dumps(
        {"status": 200, "req": {"method": "GET", "url": "/x", **{f"f{i}": i for i in range(n)}}}
    ),
    "headers": lambda n: json.dumps(
        ROW | {"request_headers": {f"X-{i}": "1" for i in range(n // 4)}}
    ),
    "equal headers": lambda n: json.dumps(ROW | {"request_headers": [["X", "1234567890"]] * n}),
    "secret headers": lambda n: json.dumps(
        ROW | {"request_headers": {f"X-Token-{i}": f"5c1e9a7b3d2f4e68{i}" for i in range(n // 50)}}
    ),
    "entries": lambda n: har([ENTRY] * (n // 50)),
    "entries of half a HAR": lambda n: har([ENTRY] * (n // 50))[:-20],
    "headers of a HAR": lambda n: har(
        [
            {
                "request": {
                    "method": "GET",
                    "url": URL,
                    "headers": [{"name": "X", "value": "1234567890"}] * n,
                }
            }
        ]
    ),
    "cookies": lambda n: har(
        [
            {
                "request": {
                    "method": "GET",
                    "url": URL,
                    "headers": [{"name": "Cookie", "value": "a=b1; " * (n // 10)}],
                }
            }
        ]
    ),
    "items": lambda n: postman([request()] * (n // 50)),
    "variables": lambda n: postman(
        [request(url="{{v1}}")], [{"key": f"v{i}", "value": f"{{{{v{i + 1}}}}}"} for i in range(n)]
    ),
    "variables in a url": lambda n: postman(
        [request(url="{{v}}" * n)],
        [{"key": "v", "value": "{{w}}{{w}}"}, {"key": "w", "value": "x"}],
    ),
    "path variables": lambda n: postman(
        [
            {
                "request": {
                    "url": {
                        "raw": URL,
                        "variable": [{"key": f"k{i}", "value": "1"} for i in range(n // 10)],
                    }
                }
            }
        ]
    ),
    "saved responses": lambda n: postman([request() | {"response": [{"code": 400}] * (n // 50)}]),
    "commands": lambda n: f"curl {URL} -d '{{}}'\n" * (n // 50),
    "commands with answers": lambda n: f"curl {URL}\nHTTP/1.1 403 Forbidden\n\n{{}}\n" * (n // 50),
    "commands after assignments": lambda n: (
        "".join(f"A{i}=b\n" for i in range(n // 10)) + f"curl {URL}\n"
    ),
    "assignments and commands": lambda n: f'T=abc\ncurl {URL} -H "X: $T"\n' * (n // 50),
    "echoes and commands": lambda n: f"echo '{{}}' | curl {URL} -d @-\n" * (n // 50),
    "no commands": lambda n: "curl is good\n" * (n // 5),
    "data": lambda n: f"curl {URL}" + " -d a=1" * n,
    "headers of curl": lambda n: f"curl {URL}" + " -H 'X: 1234567890'" * n,
    "query of curl": lambda n: f"curl {URL}?a=1" + "&a=1" * n,
    "urls of curl": lambda n: "curl" + f" {URL}" * n,
    "commands of cmd": lambda n: f'curl ^"{URL}^" -d ^"a^"\n' * (n // 50),
    "requests of PowerShell": lambda n: f"Invoke-RestMethod -Uri {URL}\n" * (n // 50),
    "list of PowerShell": lambda n: f"$a = {'1,' * n}1\nInvoke-RestMethod -Uri {URL} -Body $a\n",
    "sum of PowerShell": lambda n: (
        "$a = 'b'\n" + "$a += 'b'\n" * (n // 5) + f"Invoke-RestMethod -Uri {URL} -Body $a\n"
    ),
    "table of PowerShell": lambda n: f"Invoke-RestMethod -Uri {URL} -Headers @{{{'a=1;' * n}}}\n",
    "lines of a log": lambda n: (log_line() + "\n") * (n // 20),
    "lines without a request": lambda n: log_line() + "\n" + "nothing at all\n" * n,
    "lines of a table": lambda n: "method,url,status\n" + "GET,/x,403\n" * (n // 20),
    "columns": lambda n: (
        "method,url,status"
        + "".join(f",c{i}" for i in range(n // 10))
        + "\n"
        + "GET,/x,403"
        + ",1" * (n // 10)
        + "\n"
    ),
    "equal columns": lambda n: (
        "method,url,status"
        + ",status" * (n // 10)
        + "\n"
        + "GET,/x,403"
        + ",403" * (n // 10)
        + "\n"
    ),
    "pairs": lambda n: "method=GET path=/x status=200" + " a=1" * n,
    "lines of the SDK": lambda n: sdk() * (n // 50),
    "lines of urllib3": lambda n: (
        'https://us.sms.api.sinch.com:443 "POST /xms/v1/p/batches HTTP/1.1" 400 12\n' * (n // 20)
    ),
    "exceptions": lambda n: "sinch.SMSException: Error 403\n" * (n // 20),
    "messages": lambda n: "POST /x HTTP/1.1\nHost: h\n\n{}\nHTTP/1.1 403 F\n\n{}\n" * (n // 50),
    "headers of a message": lambda n: "POST /x HTTP/1.1\n" + "X: 1234567890\n" * n,
    "callbacks": lambda n: json.dumps([{"type": "mo_text", "body": "x"}] * (n // 50)),
    "empty objects": lambda n: "[" + "{}," * n + "{}]",
    "members": lambda n: zipped({f"{i}.jsonl": json.dumps(ROW) for i in range(n // 50)}),
    "archives in an archive": lambda n: zipped(
        {f"{i}.zip": zipped({"a.jsonl": "{}"}) for i in range(n // 100)}
    ),
    "empty parts of gzip": lambda n: (
        gzip.compress(json.dumps(ROW).encode()) + gzip.compress(b"") * n
    ),
    "parts of gzip": lambda n: gzip.compress(json.dumps(ROW).encode() + b"\n") * (n // 20),
    "padding of gzip": lambda n: gzip.compress(json.dumps(ROW).encode()) + b"\0" * 100 * n,
    "bytes of gzip": lambda n: gzip.compress((json.dumps(ROW) + "\n").encode() * (n // 50)),
    "sources": lambda n: [json.dumps(ROW)] * (n // 50),
}


@pytest.mark.long
@pytest.mark.timed
@pytest.mark.parametrize("name", LISTS)
def test_twice_a_list_takes_less_than_three_times_the_time(name: str) -> None:
    assert doubles(read, LISTS[name], SIZE)


@pytest.mark.long
@pytest.mark.timed
@pytest.mark.parametrize("name", TEXTS)
def test_twice_a_text_takes_less_than_three_times_the_time(name: str) -> None:
    slow = [
        atom
        for atom in ATOMS
        if not doubles(read, lambda size, atom=atom: TEXTS[name](atom * (size // len(atom))), SIZE)
    ]
    assert slow == []


@pytest.mark.long
@pytest.mark.timed
@pytest.mark.parametrize("form", FORMATS)
def test_twice_a_text_of_a_forced_format_takes_less_than_three_times_the_time(form: Any) -> None:
    forced = partial(read, format=form)
    slow = [
        atom
        for atom in ATOMS
        if not doubles(forced, lambda size, atom=atom: atom * (size // len(atom)), SIZE)
    ]
    assert slow == []
