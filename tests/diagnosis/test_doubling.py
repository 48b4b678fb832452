"""
Twice the evidence takes twice the work.

No field, list or nesting of an exchange makes a diagnosis quadratic.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sinchtools.analysis.body_fields import delivered, request_fields
from sinchtools.api import catalogue
from sinchtools.api.description import complete
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.playbooks.playbook import CHECKS, tips
from sinchtools.replays.verdicts import request_differences, response_differences
from sinchtools.sandbox import Sandbox
from sinchtools.sandbox.answers import Request
from tests.conftest import FULL
from tests.support.counting_calls import calls_of
from tests.support.present import present

HOST, BELOW = "https://us.sms.api.sinch.com", "/xms/v1/plan1"
HEADERS = {"Authorization": "Bearer [secret opaque 32 #1]", "Content-Type": "application/json"}
GOOD = {"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
SENT = Exchange(
    id="1",
    at=AT,
    method="POST",
    url=f"{HOST}{BELOW}/batches",
    request_headers=HEADERS,
    request_body=json.dumps(GOOD),
    status=400,
    code="syntax_invalid_parameter_format",
    text="to[0]: '+1555' is not valid",
    source="case.har#1",
)


def sent(**change: Any) -> Exchange:
    return replace(SENT, **change)


def posted(value: Any, **change: Any) -> Exchange:
    return sent(
        request_body=value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
        **change,
    )


def refused(value: Any) -> Exchange:
    return sent(
        code=None,
        text=None,
        response_body=value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
    )


def reported(value: Any) -> Exchange:
    url = f"{HOST}{BELOW}/batches/01X/delivery_report"
    return sent(
        method="GET",
        url=url,
        request_body=None,
        status=200,
        code=None,
        text=None,
        response_body=value,
    )


def with_token(number: Any) -> Exchange:
    headers = {**HEADERS, "Authorization": f"Bearer [secret opaque 32 #{number}]"}
    return sent(id=str(number), account=f"a{number}", status=201, request_headers=headers)


def placeholders(count: Any) -> str:
    return "".join(f"${{p{i}}}" for i in range(count))


TEXTS: dict[str, Callable[[str], Any]] = {  # where a text of any length may stand
    "method": lambda t: sent(method=t),
    "url": lambda t: sent(url=t),
    "host": lambda t: sent(url=f"https://{t}{BELOW}/batches"),
    "account": lambda t: sent(url=f"{HOST}/xms/v1/{t}/batches"),
    "path": lambda t: sent(url=f"{HOST}{BELOW}/{t}"),
    "path of a report": lambda t: sent(
        method="GET", url=f"{HOST}{BELOW}/batches/{t}/delivery_report"
    ),
    "query": lambda t: sent(method="GET", url=f"{HOST}{BELOW}/batches?{t}"),
    "value in the query": lambda t: sent(
        method="GET", url=f"{HOST}{BELOW}/batches?page={t}&start_date={t}"
    ),
    "another API": lambda t: sent(url=f"https://example.com/{t}", request_body=t),
    "header name": lambda t: sent(request_headers={**HEADERS, t: "x"}),
    "authorization": lambda t: sent(request_headers={**HEADERS, "Authorization": t}),
    "bearer": lambda t: sent(
        request_headers={**HEADERS, "Authorization": f"Bearer {t}"}, status=401, code=None
    ),
    "content type": lambda t: sent(
        request_headers={**HEADERS, "Content-Type": t}, status=415, code=None
    ),
    "body as text": lambda t: posted(t),
    "body of any API as text": lambda t: posted(t, url="https://example.com/send"),
    "unfinished body": lambda t: posted('{"to": ["' + t),
    "unfinished value": lambda t: posted('{"to": [' + t + "}"),
    "unfinished key": lambda t: posted('{"' + t),
    "broken after": lambda t: posted('{"body": ' + json.dumps(t) + ", x}"),
    "message": lambda t: posted({**GOOD, "body": t}),
    "recipient": lambda t: posted({**GOOD, "to": [t]}),
    "only recipient": lambda t: posted({**GOOD, "to": t}),
    "sender": lambda t: posted({**GOOD, "from": t}),
    "unknown field": lambda t: posted({**GOOD, t: t}),
    "callback": lambda t: posted({**GOOD, "delivery_report": "full", "callback_url": t}),
    "dates": lambda t: posted({**GOOD, "send_at": t, "expire_at": t}),
    "choice": lambda t: posted({**GOOD, "delivery_report": t, "type": t}),
    "parameter": lambda t: posted({**GOOD, "parameters": {t: {t: t}}}),
    "binary": lambda t: posted({**GOOD, "type": "mt_binary", "body": t, "udh": t}),
    "feedback": lambda t: posted(
        {"recipients": [t]}, url=f"{HOST}{BELOW}/batches/01X/delivery_feedback"
    ),
    "group": lambda t: posted(
        {"name": t, "child_groups": [t], "tags": [t]},
        url=f"{HOST}{BELOW}/groups",
        status=403,
        code="unknown_group",
        text=t,
    ),
    "text": lambda t: sent(text=t),
    "text of an unknown code": lambda t: sent(status=403, code="something_new", text=t),
    "text without a status": lambda t: sent(status=None, code=None, text=t, failure="ReadTimeout"),
    "text alone": lambda t: Exchange(status=400, text=t),
    "text of another API": lambda t: sent(
        url="https://example.com/send", request_body=None, code=None, text=t
    ),
    "code": lambda t: sent(code=t),
    "failure": lambda t: sent(status=None, code=None, text=None, failure=t),
    "source": lambda t: sent(source=t, call_id="1"),
    "answer as text": lambda t: refused(t),
    "answer's text": lambda t: refused({"code": "syntax_invalid_parameter_format", "text": t}),
    "answer's code": lambda t: refused({"code": t, "text": "Hi"}),
    "answer of another API": lambda t: replace(
        refused({"error": {"message": t, t: t}}), url="https://example.com/send"
    ),
    "answer's header": lambda t: sent(
        status=401,
        code=None,
        response_headers={"WWW-Authenticate": t, "Retry-After": t, "Content-Type": t},
    ),
    "report": lambda t: reported(json.dumps({"statuses": [{"code": 402, "status": t}], t: t})),
}
ATOMS = (
    "a",
    "_",
    "a_",
    "A",
    "aB",
    "1",
    "1,",
    ",",
    " ",
    "\t",
    "\n",
    "\r\n",
    "'",
    '"',
    "`",
    "“",
    "{",
    "}",
    "[",
    "]",
    '{"a":',
    "[1,",
    '"a",',
    '{"a":1},',
    "$",
    "${",
    "${a}",
    "{{",
    "{{a}}",
    "<",
    "</",
    "<a>",
    "%",
    "%41",
    "%2B",
    "&",
    "=",
    "a=&",
    "a=1&",
    "?",
    "#",
    "/",
    "//",
    "/a",
    "/batches//",
    "\\",
    '\\"',
    "\\u0041",
    ".",
    "a.",
    "+",
    "++",
    "+1",
    "-",
    ":",
    "a:",
    "://",
    "http://",
    "@",
    "a@b.",
    "[secret opaque 32 #1] ",
    "[secret ",
    "[text ",
    "[text k3f9qd2 7 characters GSM-7 1 part]",
    "•",
    "+46 7• k3f9qd2 ",
    "Bearer ",
    "é",
    "е",
    "\u200b",
    "\ufeff",
    "\0",
    "null,",
    "NaN,",
    "'+15551230001', ",
    "+15551230001 ",
    "to[0] ",
    "'to' ",
    "the field to ",
    "eyJhbGciOi.",
    "code 402 ",
    "None, ",
    "/*",
    "*/",
    "1e9",
    "0",
    "0 ",
    "(",
    ") ",
    "\ud83d",
)

NUMBERS = [f"+44770{i:07}" for i in range(200_000)]
LISTS = {  # what there may be any number of
    "query parameters": lambda n: sent(
        method="GET", url=f"{HOST}{BELOW}/batches?" + "&".join(f"p{i}=1" for i in range(n))
    ),
    "known query parameters": lambda n: sent(
        method="GET", url=f"{HOST}{BELOW}/batches?" + "page=x&" * n
    ),
    "parts of the path": lambda n: sent(url=f"{HOST}{BELOW}" + "/batch" * n),
    "headers": lambda n: sent(
        request_headers={**HEADERS, **{f"X-Token-{i}": "1" for i in range(n)}}
    ),
    "headers without a credential": lambda n: sent(
        request_headers={f"X-Token-{i}": "1" for i in range(n)}, status=401, code=None
    ),
    "headers of the answer": lambda n: sent(response_headers={f"X-{i}": "1" for i in range(n)}),
    "recipients": lambda n: posted({**GOOD, "to": NUMBERS[:n]}),
    "bad recipients": lambda n: posted({**GOOD, "to": [f"0{i}" for i in range(n)]}),
    "equal recipients": lambda n: posted({**GOOD, "to": ["+15551230001"] * n}),
    "recipients of any type": lambda n: posted({**GOOD, "to": [None, 1, [], {}] * (n // 4)}),
    "groups": lambda n: posted(
        {**GOOD, "to": [f"01{i:024}"[:25] + "X" for i in range(n)]},
        status=403,
        code="unknown_group",
    ),
    "quoted recipients": lambda n: posted(
        {**GOOD, "to": NUMBERS[:n]}, text=" ".join(map(repr, NUMBERS[:n]))
    ),
    "tags": lambda n: posted({"tags": ["a"] * n}, url=f"{HOST}{BELOW}/groups"),
    "members": lambda n: posted({"members": NUMBERS[:n]}, url=f"{HOST}{BELOW}/groups"),
    "parameters": lambda n: posted(
        {
            **GOOD,
            "body": placeholders(n),
            "parameters": {f"p{i}": {"default": "x"} for i in range(n)},
        }
    ),
    "values of a parameter": lambda n: posted(
        {
            **GOOD,
            "to": NUMBERS[:n],
            "body": "${name}",
            "parameters": {"name": dict.fromkeys(NUMBERS[:n], "x")},
        }
    ),
    "placeholders": lambda n: posted({**GOOD, "body": placeholders(n)}),
    "placeholders and recipients": lambda n: posted(
        {
            **GOOD,
            "to": NUMBERS[:n],
            "body": placeholders(n),
            "parameters": {f"p{i}": {"+15551230001": "x"} for i in range(n)},
        }
    ),
    "unknown fields": lambda n: posted({**GOOD, **{f"field{i}": 1 for i in range(n)}}),
    "fields that look known": lambda n: posted({**GOOD, **{f"bodyy{i}": 1 for i in range(n)}}),
    "fields of a field": lambda n: posted(
        {"auto_update": {"to": "1", **{f"field{i}": 1 for i in range(n)}}},
        url=f"{HOST}{BELOW}/groups",
    ),
    "doubled fields": lambda n: posted(
        '{"to": [], "to": [], ' + ", ".join(f'"f{i}": 1' for i in range(n)) + "}"
    ),
    "fields that all occur twice": lambda n: posted(
        "{" + ", ".join(f'"f{i}": 1, "f{i}": 2' for i in range(n)) + "}"
    ),
    "lines": lambda n: posted("{" + "".join(f'\n"f{i}": 1,' for i in range(n)) + '\n"to": 1}'),
    "errors in a body": lambda n: posted('{"to": [' + "'a' " * n + "]}"),
    "trailing commas": lambda n: posted('{"to": [' + "[1,]," * n + "]}"),
    "long values before the break": lambda n: posted("[" * 90 + '"aaaa", ' * n + "x"),
    "numbers that are too long": lambda n: posted("[" * 90 + "1," * n + "1" * 5000),
    "not a number": lambda n: posted("[" * 90 + "1," * n + "NaN]"),
    "statuses": lambda n: reported(
        json.dumps({"statuses": [{"code": 402 + i, "status": "Aborted"} for i in range(n)]})
    ),
    "reports": lambda n: reported(
        json.dumps({"delivery_reports": [{"code": 402, "status": "Aborted"} for i in range(n)]})
    ),
    "errors of another API": lambda n: replace(
        refused({"errors": [{"message": f"m{i}"} for i in range(n)]}),
        url="https://example.com/send",
    ),
    "names in another API": lambda n: replace(
        refused({f"error{i}": {"message": f"m{i}"} for i in range(n)}),
        url="https://example.com/send",
    ),
    "numbers for another API": lambda n: posted(
        " ".join(f"+999{i:08}" for i in range(n)), url="https://example.com/send"
    ),
    "nested lists": lambda n: posted("[" * n + "]" * n),
    "unfinished nested lists": lambda n: posted("[" * n),
    "nested objects": lambda n: posted('{"a":' * n + "1" + "}" * n),
    "nested objects in the answer": lambda n: refused('{"error":' * n + "1" + "}" * n),
}
ROWS = {  # evidence of many rows
    "attempts of one call": lambda n: [
        sent(id=str(i), call_id="1", attempt=i, status=503) for i in range(n)
    ],
    "equal rows in time": lambda n: [
        sent(id=str(i), at=AT + timedelta(seconds=i), status=429, code=None) for i in range(n)
    ],
    "rows of many calls": lambda n: [sent(id=str(i), call_id=str(i)) for i in range(n)],
    "rows with a token each": lambda n: [with_token(i) for i in range(n)],
    "reports of batches": lambda n: [
        replace(reported('{"batch_id": "01X", "statuses": []}'), id=str(i)) for i in range(n)
    ],
}


def looked_at(exchange: Any) -> Any:
    """All that is said about one exchange."""
    exchange = complete(exchange)
    found = diagnose(exchange, now=AT)
    said = [
        found.as_text(),
        found._repr_html_(),
        found.answer(),
        repr(found),
        json.dumps(found.as_json()),
    ]
    for check in CHECKS.values():
        check(exchange, found.findings)
    walk = tips(exchange, findings=found.findings)
    said += [walk.as_text(), walk._repr_html_(), repr(catalogue.explain(400, exchange.code))]
    list(request_fields(exchange.request_body))
    request_differences(SENT, exchange)
    response_differences(SENT, exchange)
    delivered([exchange.response_body or ""])
    return said


# --- hard sizes: at quadratic cost each of these takes minutes ---

LONG, LIST, ROW = 12_000, 600, 300  # characters, entries, rows
HARD = {  # what a regular expression or a loop may look at again and again
    **{(where, "a"): where for where in TEXTS},
    ("text", "a_"): "words joined by underscores",
    ("text", "to["): "indexes without an end",
    ("text", "'"): "quotes",
    ("text", "the field to "): "field names",
    ("recipient", "1,"): "numbers with separators",
    ("recipient", ","): "separators",
    ("unfinished body", "]"): "closing brackets that a text ends with",
    ("unfinished value", "[1,"): "lists within lists",
    ("body as text", "["): "opening brackets",
    ("body as text", '{"a":'): "objects within objects",
    ("body as text", "a=&"): "a form",
    ("body as text", " "): "white space",
    ("path", "+"): "plus signs before a number",
    ("method", "%2B"): "escaped plus signs",
    ("path", "/batch"): "parts that look like those of the API",
    ("query", "a=&"): "parameters",
    ("bearer", " "): "white space in a header",
    ("source", "#"): "positions in a source",
}
MOST_CALLS = 67  # for each character of a text; of a list, 1,333 for each entry


def made(where: str, atom: str, size: int) -> Any:
    return TEXTS[where](atom * (size // len(atom)) + "!")


@pytest.mark.parametrize(("where", "atom"), HARD)
def test_a_very_long_text_costs_a_bounded_number_of_steps(where: Any, atom: Any) -> None:
    said, calls = calls_of(lambda: looked_at(made(where, atom, LONG)))
    assert all(said)
    assert calls < MOST_CALLS * LONG


@pytest.mark.parametrize("what", LISTS)
def test_a_very_long_list_costs_a_bounded_number_of_steps(what: str) -> None:
    said, calls = calls_of(lambda: looked_at(LISTS[what](LIST)))
    assert all(said)
    assert calls < 20 * MOST_CALLS * LIST


@pytest.mark.parametrize("what", ROWS)
def test_many_rows_cost_a_bounded_number_of_steps_each(what: str) -> None:
    rows = ROWS[what](ROW)
    found, calls = calls_of(lambda: diagnose(rows, now=AT))
    assert len(found) == len(rows)
    assert calls < 2_000 * len(rows)


@pytest.mark.parametrize("what", LISTS)
def test_what_is_said_about_a_very_long_list_is_short(what: str) -> None:
    found = diagnose(complete(LISTS[what](ROW)), now=AT)
    assert len(found.findings) < 250
    for rule in {finding.rule for finding in found.findings}:
        assert sum(finding.rule == rule for finding in found.findings) <= 101


def test_the_last_of_a_hundred_findings_says_how_many_more_there_are() -> None:
    found = diagnose(LISTS["unknown fields"](4_000), now=AT)
    named = [finding for finding in found.findings if finding.rule == "unknown-field"]
    assert len(named) == 100
    assert [finding.pointer for finding in named if "more like this" in finding.says] == [
        "/field99"
    ]
    assert "(3,900 more like this.)" in named[-1].says


@pytest.mark.parametrize(
    ("count", "noted"), [(9_999, False), (10_000, False), (10_001, True), (60_000, True)]
)
def test_entries_that_are_not_checked_one_by_one_are_not_passed_over_in_silence(
    count: int, noted: bool
) -> None:
    found = diagnose(posted({**GOOD, "to": ["+15551230001"] * count}), now=AT)
    assert any(finding.rule == "not-all-checked" for finding in found.findings) is noted


# --- against itself, at full size ---

FLOOR_S = 0.2 if FULL else 0.4  # below, it is fast enough, and the clock too coarse
SIZE = 80_000 if FULL else 20_000


def doubles(work: Callable[[Any], object], make: Callable[..., Any], size: int) -> bool:
    """Whether twice the size takes less than three times the time."""
    if (once := seconds(work, make(2 * size), 1)) < FLOOR_S:
        return True
    return min(once, seconds(work, make(2 * size), 3)) < 3 * max(
        seconds(work, make(size), 3), FLOOR_S / 3
    )


def seconds(work: Callable[[Any], object], what: Any, times: int) -> float:
    best = []
    for _ in range(times):
        began = time.process_time()
        work(what)
        best.append(time.process_time() - began)
    return min(best)


@pytest.mark.long
@pytest.mark.timed
@pytest.mark.parametrize("tail", ["", "!", '"'])
@pytest.mark.parametrize("where", TEXTS)
def test_twice_a_text_takes_less_than_three_times_the_time(where: str, tail: str) -> None:
    slow = [
        atom
        for atom in ATOMS
        if not doubles(
            looked_at, lambda size, atom=atom: TEXTS[where](atom * (size // len(atom)) + tail), SIZE
        )
    ]
    assert slow == []


@pytest.mark.long
@pytest.mark.timed
@pytest.mark.parametrize("what", LISTS)
def test_twice_a_list_takes_less_than_three_times_the_time(what: str) -> None:
    assert doubles(looked_at, LISTS[what], SIZE // 8)


@pytest.mark.long
@pytest.mark.timed
@pytest.mark.parametrize("what", ROWS)
def test_twice_the_rows_take_less_than_three_times_the_time(what: str) -> None:
    assert doubles(lambda rows: diagnose(rows, now=AT), ROWS[what], SIZE // 40)


@pytest.mark.long
@pytest.mark.timed
@pytest.mark.parametrize("what", LISTS)
def test_twice_a_body_takes_the_sandbox_less_than_three_times_the_time(what: str) -> None:
    sandbox = Sandbox()
    account = sandbox.account("plan1")

    def requested(size: Any) -> Request:
        made = LISTS[what](size)
        body = str(made.request_body or "")
        target = present(made.url).removeprefix(HOST)
        return Request(
            method=present(made.method),
            target=target,
            headers={**HEADERS, "Authorization": f"Bearer {account.token}"},
            body=body.encode(),
        )

    assert doubles(sandbox.answer, requested, SIZE // 8)
