"""
Valid requests of every endpoint, each with one labeled defect put into it.

The diagnosis must find the defect.

`python benchmarks/run.py corpus` prints the figures. A defect is judged from the request alone, and
again with the answer that the API gives to it. Its label comes from how it was made, not from what
is found.
"""

from __future__ import annotations

import base64
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from sinchtools.api.description import ENDPOINTS, complete
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.diagnosis.rules import rules
from sinchtools.privacy.redaction import Redactor

SEEDS, VALID = 1, 100  # in the short run
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
ANY, ANY_BODY = "any", "any with a body"
HEADERS = {
    "Authorization": "Bearer 9f8e7d6c5b4a39281706f5e4d3c2b1a0",
    "Content-Type": "application/json",
}
ID = "01HV5Z8Q3T6W9Y2B4D7F0H1J3K"
WORDS = [
    "your",
    "order",
    "has",
    "shipped",
    "and",
    "will",
    "arrive",
    "on",
    "monday",
    "thank",
    "you",
    "for",
    "waiting",
    "hello",
    "from",
    "the",
    "shop",
    "code",
    "is",
    "ready",
]


# --- valid requests -------------------------------------------------------------------------------


def number(rng: random.Random) -> str:
    return (
        rng.choice(["+1555", "1555"]) + f"123{rng.randrange(10_000):04}"
        if rng.random() < 0.7
        else f"+4670174060{rng.randrange(5, 10)}"
    )


def numbers(rng: random.Random) -> list[str]:
    return list(dict.fromkeys(number(rng) for _ in range(rng.randint(2, 6))))


def time(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def batch(rng: random.Random) -> dict[str, Any]:
    body = {
        "from": rng.choice(["15559870002", "SHOPNEWS", "12345"]),
        "to": numbers(rng),
        "body": " ".join(rng.choices(WORDS, k=rng.randint(3, 15))),
    }
    extra = {
        "delivery_report": rng.choice(["none", "full", "summary"]),
        "callback_url": "https://hooks.example.com/reports",
        "client_reference": "order-77",
        "send_at": time(2),
        "expire_at": time(30),
        "flash_message": True,
        "feedback_enabled": False,
        "max_number_of_message_parts": 9,
        "type": "mt_text",
    }
    return body | {name: extra[name] for name in rng.sample(sorted(extra), rng.randint(0, 4))}


BODIES: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "batch": batch,
    "batch_update": lambda rng: {"to_add": numbers(rng), "body": "Changed text"},
    "feedback": lambda rng: {"recipients": numbers(rng)},
    "group": lambda rng: {"name": "Customers", "members": numbers(rng)},
    "group_replace": lambda rng: {"name": "Customers", "members": numbers(rng)},
    "group_update": lambda rng: {"add": numbers(rng), "name": "Friends"},
}
QUERIES = {
    "page": "2",
    "page_size": "50",
    "start_date": "2027-02-28T00:00:00Z",
    "type": "full",
    "status": "Delivered,Failed",
    "code": "0,401",
}


def valid(seed: int, operation: str | None = None) -> Exchange:
    """Return a request that the API accepts, of the given operation or of the seed's."""
    rng = random.Random(seed)
    endpoint = (
        next((e for e in ENDPOINTS if e.operation == operation), None)
        or ENDPOINTS[seed % len(ENDPOINTS)]
    )
    path = re.sub(
        r"\{(\w+)\}",
        lambda match: "15551230001" if match[1] == "recipient_msisdn" else ID,
        endpoint.path,
    )
    query = "&".join(
        f"{name}={value}"
        for name, value in QUERIES.items()
        if name in endpoint.query and rng.random() < 0.5
    )
    body = json.dumps(BODIES[endpoint.body](rng), ensure_ascii=False) if endpoint.body else None
    headers = HEADERS if body else {"Authorization": HEADERS["Authorization"]}
    url = f"https://{rng.choice(['us', 'eu', 'au'])}.sms.api.sinch.com/xms/v1/{PLAN}{path}"
    return Exchange(
        id=f"{endpoint.operation}-{seed}",
        method=endpoint.method,
        url=url + (f"?{query}" if query else ""),
        request_headers=headers,
        request_body=body,
    )


# --- defects: each maker returns the request and, for JSON, the position of the character to change
# -


# of an exchange as `valid` makes them: its URL and its body are text, which Exchange does not say
Make = Callable[[Any, random.Random], tuple[Exchange, int | None]]
Move = Callable[[Any], Exchange]


@dataclass(frozen=True)
class Kind:
    rule: str
    make: Make
    operation: str = "batches.send"
    status: int = 400
    code: str | None = None
    field: str | None = None
    name: str = ""


JSON, FORMAT, CONSTRAINT = (
    "syntax_invalid_json",
    "syntax_invalid_parameter_format",
    "syntax_constraint_violation",
)


def change(**fields: Any) -> Make:
    """
    Set fields of the body.

    A value that is callable gets the old one, None of Ellipsis' kind takes the field away.
    """

    def make(x: Any, rng: Any) -> tuple[Any, None]:
        body = json.loads(x.request_body)
        for name, value in fields.items():
            name = name.rstrip("_")
            if value is ...:
                body.pop(name, None)
            else:
                body[name] = value(body.get(name)) if callable(value) else value
        return replace(x, request_body=json.dumps(body)), None

    return make


def entry(mend: Callable[[str], object], field: str = "to") -> Make:
    return change(**{field: lambda old: [mend(old[0]), *old[1:]]})


def laid_out(x: Any, pattern: str, rng: random.Random) -> tuple[str, re.Match[str]]:
    """Return the body in one of the usual layouts, and a place in it that the pattern fits."""
    layouts: list[dict[str, Any]] = [
        {"indent": 2},
        {"indent": "\t"},
        {"separators": (",", ":")},
        {"sort_keys": True},
    ]
    for layout in (*rng.sample(layouts, 2), {}):
        body = json.dumps(json.loads(x.request_body), **layout)
        if found := list(re.finditer(pattern, body)):
            return body, rng.choice(found)
    raise IndexError(pattern)


def cut(pattern: str, at: int = 0, instead: str = "", caret: int = 0) -> Make:
    """Replace one character of the JSON, chosen by a pattern; the caret belongs there."""

    def make(x: Any, rng: Any) -> tuple[Any, Any]:
        body, found = laid_out(x, pattern, rng)
        place = found.start() + at
        return replace(
            x, request_body=body[:place] + instead + body[place + (len(instead) == 0) :]
        ), place + caret

    return make


def swap(pattern: str, instead: str, caret: int = 0) -> Make:
    def make(x: Any, rng: Any) -> tuple[Any, Any]:
        body, match = laid_out(x, pattern, rng)
        return replace(
            x, request_body=body[: match.start()] + instead + body[match.end() :]
        ), match.start() + caret

    return make


def whole(mend: Callable[[str], str | bytes], caret: int | None = 0) -> Make:
    def make(x: Any, rng: Any) -> tuple[Any, Any]:
        return replace(x, request_body=mend(x.request_body)), caret

    return make


def headers(**changes: Any) -> Make:
    def make(x: Any, rng: Any) -> tuple[Any, None]:
        values = {
            **x.request_headers,
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        return replace(
            x, request_headers={name: value for name, value in values.items() if value is not None}
        ), None

    return make


def url(old: str, new: str) -> Make:
    return lambda x, rng: (replace(x, url=re.sub(old, new, x.url, count=1)), None)


def query(text: str) -> Make:
    return lambda x, rng: (replace(x, url=f"{x.url.partition('?')[0]}?{text}"), None)


def method(name: str) -> Make:
    return lambda x, rng: (replace(x, method=name), None)


def truncated(x: Any, rng: Any) -> tuple[Any, int]:
    place = x.request_body.index('"body"') + 12
    return replace(x, request_body=x.request_body[:place]), len(x.request_body[:place].rstrip())


def second_document(x: Any, rng: Any) -> tuple[Any, Any]:
    return replace(x, request_body=f"{x.request_body} {{}}"), len(x.request_body) + 1


def jwt(hours: float, issuer: str = "https://api.sinch.com/") -> str:
    """Return an access token (unsigned: a fake) that expires so many hours from now."""
    parts = (
        {"alg": "RS256"},
        {"iss": issuer, "exp": int((NOW + timedelta(hours=hours)).timestamp())},
        {"fake": "signature"},
    )
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )


def project(region: str = "us") -> Move:
    """Move the request to the host of projects, whose credential is an access token."""
    return lambda x: replace(
        x,
        url=re.sub(r"//.*?/xms/v1/\w+", f"//zt.{region}.sms.api.sinch.com/xms/v1/{PROJECT}", x.url),
    )


def bearer(token: str, place: Move = lambda x: x) -> Make:
    return lambda x, rng: (
        replace(
            place(x), request_headers={**x.request_headers, "Authorization": f"Bearer {token}"}
        ),
        None,
    )


def capital(x: Any, rng: Any) -> tuple[Any, None]:
    return replace(
        x, url=re.sub(rf"({PLAN}/)(\w)", lambda match: match[1] + match[2].upper(), x.url)
    ), None


def plan_as_token(x: Any, rng: Any) -> tuple[Any, None]:
    """Send the ID of the plan as the token; a plan of its own, since it becomes a secret."""
    plan = PLAN[::-1]
    bearer = {**x.request_headers, "Authorization": f"Bearer {plan}"}
    return replace(x, url=x.url.replace(PLAN, plan), request_headers=bearer), None


def full_width(number: str) -> str:
    """Return a number in the digits of another script."""
    return "+" + "".join(chr(0xFF10 + int(digit)) for digit in number.lstrip("+"))


PLAN, PROJECT = "9b1c2d3e4f5061728394a5b6c7d8e9f0", "4f1d2c3b-5a69-4788-8796-a5b4c3d2e1f0"
TOKEN = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
KINDS = [
    # JSON
    Kind("json-trailing-comma", swap(r"\}$", ",}"), ANY_BODY),
    Kind("json-trailing-comma", swap(r'"\]', '",]', 1), field="to"),
    Kind("json-missing-comma", cut(r', "'), ANY_BODY),
    Kind("json-extra-comma", swap(r', "', ',, "', 1), ANY_BODY),
    Kind("json-missing-colon", cut(r": "), ANY_BODY),
    Kind("json-equals-sign", swap(r": ", "= "), ANY_BODY),
    Kind("json-semicolon", swap(r'", "(?=\w+":)', '"; "', 1), ANY_BODY),
    Kind("json-missing-quote", cut(r'(?<=\w)": '), ANY_BODY),
    Kind("json-missing-quote", cut(r'(?<=\w)", "')),
    Kind("json-missing-quote", cut(r'(?<=, )"\w+":'), ANY_BODY),
    Kind("json-missing-quote", cut(r'(?<=\[)"'), field="to"),
    Kind("json-missing-brace", cut(r"\}$"), ANY_BODY),
    Kind("json-missing-bracket", cut(r"\]"), field="to"),
    Kind("json-missing-bracket", cut(r"\["), field="to"),
    Kind("json-wrong-bracket", swap(r"\]", "}"), field="to"),
    Kind("json-extra-bracket", swap(r"\}$", "}}", 1), ANY_BODY),
    Kind("json-single-quotes", whole(lambda t: t.replace('"', "'"), 1), ANY_BODY),
    Kind("json-single-quotes", whole(lambda t: str(json.loads(t)), 1), ANY_BODY),
    Kind("json-smart-quotes", whole(lambda t: re.sub(r'"([^"]*)"', r"“\1”", t), 1), ANY_BODY),
    Kind("json-raw-newline", swap(r'(?<="body": ")\w', "\n"), field="body"),
    Kind("json-raw-tab", swap(r'(?<="body": ")\w', "\t"), field="body"),
    Kind("json-raw-control", swap(r'(?<="body": ")\w', "\x07"), field="body"),
    Kind("json-inner-quote", swap(r'(?<="body": ")\w', ' "hi" ', 1), field="body"),
    Kind("json-bad-escape", swap(r'(?<="body": ")\w', r"\q"), field="body"),
    Kind("json-bom", whole(lambda t: "\ufeff" + t), ANY_BODY),
    Kind("json-odd-space", swap(r"(?<=,) ", "\u00a0"), ANY_BODY),
    Kind("json-comment", swap(r"(?<=,) ", " // why\n ", 1), ANY_BODY),
    Kind("json-comment", swap(r"(?<=,) ", " /* why */ ", 1), ANY_BODY),
    Kind("json-python-literal", swap(r'(?<="from": )"\w+"', "None"), field="from"),
    Kind("json-nan", swap(r'(?<="from": )"\w+"', "NaN"), field="from"),
    Kind("json-undefined", swap(r'(?<="from": )"\w+"', "undefined"), field="from"),
    Kind("json-unquoted-key", swap(r'"body"', "body")),
    Kind("json-bad-number", swap(r'(?<=\[)"[^"]+"', "+15551230001"), field="to"),
    Kind("json-leading-zero", swap(r'(?<=\[)"[^"]+"', "07700900123"), field="to"),
    Kind("json-template", swap(r'(?<="body": )"[^"]*"', "{{message}}"), field="body"),
    Kind("json-outer-quotes", whole(lambda t: f"'{t}'"), ANY_BODY),
    Kind("json-escaped-quotes", whole(lambda t: t.replace('"', '\\"'), 1), ANY_BODY),
    Kind("json-double-encoded", whole(json.dumps), ANY_BODY),
    Kind("json-two-documents", second_document, ANY_BODY),
    Kind("json-truncated", truncated, field="body"),
    Kind("json-form", whole(lambda t: "from=12345&to=%2B15551230001&body=Hi"), ANY_BODY),
    Kind("json-markup", whole(lambda t: "<sms><to>1</to></sms>"), ANY_BODY),
    Kind("json-empty", whole(lambda t: "", None), ANY_BODY),
    Kind("json-not-json", whole(lambda t: "hello there"), ANY_BODY),
    Kind("json-utf16", whole(lambda t: t.encode("utf-16")), ANY_BODY),
    Kind(
        "json-encoding",
        lambda x, rng: (replace(x, request_body='{"body": "Gr\xfc\xdfe"}'.encode("latin-1")), 12),
        field="body",
    ),
    Kind("body-not-an-object", whole(lambda t: f"[{t}]", None)),
    Kind("json-missing-value", swap(r'(?<="from":) "\w+"', ""), field="from"),
    Kind("json-python-tuple", swap(r'(?<="to": )\[([^\]]*)\]', '("+15551230001")'), field="to"),
    Kind("json-unquoted-value", swap(r'(?<="body": )"[^"]*"', "Hello there"), field="body"),
    Kind("json-concatenation", swap(r'(?<="body": )"[^"]*"', '"Hi " + name', 6), field="body"),
    Kind("json-not-serialised", whole(lambda t: "[object Object]"), ANY_BODY),
    Kind("json-percent-encoded", whole(quote), ANY_BODY),
    Kind(
        "json-text-after",
        lambda x, rng: (
            replace(x, request_body=str(x.request_body) + " done"),
            len(str(x.request_body)) + 1,
        ),
        ANY_BODY,
    ),
    Kind(
        "json-multipart",
        whole(lambda t: '--x\r\nContent-Disposition: form-data; name="to"\r\n\r\n1\r\n--x--'),
        ANY_BODY,
    ),
    Kind("json-too-deep", whole(lambda t: '{"to": ' + "[" * 100_000 + "]" * 100_000 + "}", None)),
    # types
    Kind("not-an-array", change(to="+15551230001"), field="to"),
    Kind("not-a-string", change(body=7), field="body"),
    Kind("not-a-string", entry(lambda n: 15551230001), field="to"),
    Kind("wrong-type", change(parameters="x"), field="parameters"),
    Kind(
        "wrong-type", change(max_number_of_message_parts="2"), field="max_number_of_message_parts"
    ),
    # formats
    *[
        Kind(rule, make, code=FORMAT, field=field, operation=operation)
        for rule, make, field, operation in [
            ("msisdn-doubled-plus", entry(lambda n: f"++{n.lstrip('+')}"), "to", "batches.send"),
            ("msisdn-national", entry(lambda n: "07700900123"), "to", "batches.send"),
            ("msisdn-letters", entry(lambda n: f"+{n.lstrip('+')}abc"), "to", "batches.dry_run"),
            ("msisdn-characters", entry(lambda n: f"{n}#"), "to", "batches.send"),
            ("msisdn-too-long", entry(lambda n: "+155512300011234567"), "to", "batches.replace"),
            ("msisdn-too-short", entry(lambda n: "+1555"), "to", "batches.send"),
            (
                "msisdn-doubled-plus",
                entry(lambda n: f"++{n.lstrip('+')}", "members"),
                "members",
                "groups.create",
            ),
            (
                "msisdn-national",
                entry(lambda n: "07700900123", "recipients"),
                "recipients",
                "batches.send_delivery_feedback",
            ),
            (
                "msisdn-letters",
                entry(lambda n: f"+{n.lstrip('+')}x", "add"),
                "add",
                "groups.update",
            ),
            ("msisdn-placeholder", entry(lambda n: "{{phone}}"), "to", "batches.send"),
            ("msisdn-several", entry(lambda n: "+15551230001,+15551230002"), "to", "batches.send"),
            ("msisdn-prefix", entry(lambda n: f"tel:{n}", "members"), "members", "groups.replace"),
            ("msisdn-no-country-code", entry(lambda n: "2125550123"), "to", "batches.send"),
            ("msisdn-no-area-code", entry(lambda n: "5550123"), "to", "batches.send"),
            (
                "msisdn-country",
                entry(lambda n: "+9995551234567", "to_add"),
                "to_add",
                "batches.update",
            ),
            ("sender-characters", change(from_="Sh\u00f6p\u2122"), "from", "batches.send"),
            ("sender-malformed", change(from_="+1555#"), "from", "batches.replace"),
            ("absent-value", change(body=None), "body", "batches.send"),
            ("absent-value", entry(lambda n: ""), "to", "batches.send"),
            (
                "not-a-choice-but-close",
                change(delivery_report="Full"),
                "delivery_report",
                "batches.send",
            ),
            (
                "not-a-choice",
                change(delivery_report="yes please"),
                "delivery_report",
                "batches.send",
            ),
            ("not-a-boolean", change(flash_message="yes"), "flash_message", "batches.send"),
            ("bad-date", change(send_at="tomorrow"), "send_at", "batches.send"),
            ("bad-date", change(expire_at="01/03/2027 10:00"), "expire_at", "batches.send"),
            (
                "url-without-scheme",
                change(callback_url="hooks.example.com/x"),
                "callback_url",
                "batches.send",
            ),
            ("bad-url", change(callback_url="https://"), "callback_url", "batches.send"),
            ("sender-too-long", change(from_="ALONGSENDERNAME"), "from", "batches.send"),
            ("bad-group-id", change(child_groups=["?"]), "child_groups", "groups.create"),
            (
                "bad-base64",
                change(type="mt_binary", udh="0605", body="%%%"),
                "body",
                "batches.send",
            ),
            ("bad-hex", change(type="mt_binary", udh="06G", body="AAAA"), "udh", "batches.send"),
            ("not-an-integer", query("page=two"), "page", "batches.list"),
            ("bad-date", query("start_date=yesterday"), "start_date", "inbounds.list"),
            ("not-a-choice", query("type=report"), "type", "delivery_reports.get"),
        ]
    ],
    # limits
    *[
        Kind(rule, make, code=CONSTRAINT, field=field, operation=operation)
        for rule, make, field, operation in [
            ("missing-field", change(to=...), "to", "batches.send"),
            ("missing-field", change(body=...), "body", "batches.dry_run"),
            ("missing-field-renamed", change(body=..., message="Hi"), "body", "batches.send"),
            (
                "missing-field",
                change(recipients=...),
                "recipients",
                "batches.send_delivery_feedback",
            ),
            ("missing-field-of-replace", change(members=...), "members", "groups.replace"),
            ("empty", change(to=[]), "to", "batches.send"),
            (
                "too-many",
                change(to=[f"+1555{i:07}" for i in range(1230000, 1231001)]),
                "to",
                "batches.send",
            ),
            ("too-long", change(body="x" * 2001), "body", "batches.send"),
            ("too-long", change(client_reference="x" * 2049), "client_reference", "batches.send"),
            ("too-long", change(name="x" * 21), "name", "groups.create"),
            ("empty", change(name=""), "name", "groups.create"),
            (
                "too-small",
                change(max_number_of_message_parts=0),
                "max_number_of_message_parts",
                "batches.send",
            ),
            ("expire-at-past", change(expire_at=time(-1)), "expire_at", "batches.send"),
            (
                "expire-before-send",
                change(send_at=time(20), expire_at=time(10)),
                "expire_at",
                "batches.send",
            ),
            (
                "expire-too-late",
                change(send_at=time(1), expire_at=time(200)),
                "expire_at",
                "batches.send",
            ),
            (
                "parameter-key",
                change(parameters={"a key": {"default": "x"}}),
                "parameters",
                "batches.send",
            ),
            ("duplicate-ids", change(child_groups=[ID, ID]), "child_groups", "groups.create"),
            (
                "not-one-word",
                change(auto_update={"to": "15559870002", "add": {"first_word": "JOIN US"}}),
                "auto_update",
                "groups.update",
            ),
            (
                "too-long",
                change(type="mt_binary", udh="00", body="QUFB" * 60),
                "body",
                "batches.send",
            ),
            ("too-large-page", query("page_size=500"), "page_size", "groups.list"),
            ("too-small", query("page=-1"), "page", "batches.list"),
        ]
    ],
    # around the body
    *[
        Kind(rule, make, status=401, field="Authorization", operation=operation)
        for rule, make, operation in [
            ("auth-missing", headers(Authorization=None, Accept="*/*"), ANY),
            ("auth-no-bearer", headers(Authorization=TOKEN), ANY),
            ("auth-basic", headers(Authorization="Basic OWIxYzJkM2U6OWY4ZTdkNmM="), ANY),
            ("auth-other-scheme", headers(Authorization=f"Token {TOKEN}"), ANY),
            ("auth-bracketed", headers(Authorization=f"Bearer <{TOKEN}>"), ANY),
            ("auth-bracketed", headers(Authorization=f"Bearer {{{TOKEN}}}"), ANY),
            ("auth-quoted", headers(Authorization=f'Bearer "{TOKEN}"'), ANY),
            ("auth-space", headers(Authorization=f"Bearer {TOKEN}\n"), ANY),
            ("auth-inner-space", headers(Authorization=f"Bearer Bearer {TOKEN}"), ANY),
            ("auth-empty", headers(Authorization="Bearer "), ANY),
            ("auth-placeholder", headers(Authorization="Bearer YOUR_API_TOKEN"), ANY),
            ("auth-elsewhere", headers(Authorization=None, X_Api_Key=TOKEN), ANY),
            ("auth-plan-token-on-zt", url(r"//\w+\.", "//zt.us."), ANY),
            ("auth-colon", headers(Authorization=f"Bearer: {TOKEN}"), ANY),
            ("auth-expired", bearer(jwt(-3), project()), ANY),
            ("auth-foreign-jwt", bearer(jwt(1, "https://login.example.com/"), project()), ANY),
            ("auth-oauth-on-plan-host", bearer(jwt(1)), ANY),
            ("auth-oauth-region", bearer(jwt(1), project("au")), ANY),
        ]
    ],
    *[
        Kind(rule, make, status=404, field=field, operation=operation)
        for rule, make, field, operation in [
            ("path-prefix", url(r"/xms/v1/", "/"), "path", ANY),
            ("path-double-slash", url(r"/xms/v1/", "//xms/v1/"), "path", ANY),
            ("path-no-account", url(r"/v1/\w+", "/v1"), "service_plan_id", ANY),
            ("path-word", url(r"/batches", "/batch"), "path", "batches.get"),
            ("path-word", url(r"/inbounds", "/inbound"), "path", "inbounds.list"),
            ("path-word", url(r"/dry_run", "/dry-run"), "path", "batches.dry_run"),
            ("path-case", capital, "path", ANY),
            ("path-unknown", url(rf"{PLAN}/.*", f"{PLAN}/campaigns"), "path", "batches.list"),
            ("host-placeholder", url(r"//\w+\.", "//{region}."), "host", ANY),
            ("path-placeholder", url(ID, "undefined"), "batch_id", "batches.get"),
            ("path-empty-id", url(ID, ""), "batch_id", "delivery_reports.get"),
            (
                "path-legacy",
                url(r"/xms/v1/\w+/batches", "/v1/sms/15551230001"),
                "path",
                "batches.send",
            ),
            ("host-legacy", url(r"//\w+\.", "//"), "host", "batches.send"),
            ("host-unknown-region", url(r"//\w+\.", "//uk."), "host", ANY),
            ("host-near-miss", url(r"sms\.api\.sinch", "sms.sinch"), "host", ANY),
        ]
    ],
    Kind(
        "account-placeholder",
        url(r"/v1/\w+", "/v1/{service_plan_id}"),
        ANY,
        401,
        field="service_plan_id",
    ),
    Kind("account-stray", url(PLAN, f"%20{PLAN}"), ANY, 401, field="service_plan_id"),
    Kind("bad-id", url(ID, "01HV!!!"), "batches.get", code=FORMAT, field="batch_id"),
    Kind("bad-id", url(ID, "01HV~3K"), "groups.list_members", code=FORMAT, field="group_id"),
    Kind(
        "msisdn-national",
        url("15551230001", "0700"),
        "delivery_reports.get_for_number",
        code=FORMAT,
        field="recipient_msisdn",
    ),
    Kind(
        "not-a-choice", query("status=Sent"), "delivery_reports.list", code=FORMAT, field="status"
    ),
    Kind("path-placeholder", url(ID, "null"), "groups.delete", 404, field="group_id"),
    Kind("path-placeholder", url(ID, "undefined"), "batches.cancel", 404, field="batch_id"),
    Kind("method-not-allowed", method("PATCH"), ANY, 405, field="method"),
    Kind("method-not-allowed", method("PATCH"), "batches.update", 405, field="method"),
    Kind("method-read-only", method("DELETE"), "inbounds.get", 405, field="method"),
    Kind("method-not-allowed", method("GET"), "batches.dry_run", 405, field="method"),
    Kind("content-type-missing", headers(Content_Type=None), ANY_BODY, 415, field="Content-Type"),
    Kind(
        "content-type-unsupported",
        headers(Content_Type="text/plain"),
        ANY_BODY,
        415,
        field="Content-Type",
    ),
    Kind(
        "content-type-unsupported",
        headers(Content_Type="application/x-www-form-urlencoded"),
        "groups.create",
        415,
        field="Content-Type",
    ),
    # tried before they were built for: 42 of 64 were right then
    Kind("path-no-id", url(ID, "foo"), "batches.get", 404, field="batch_id"),
    Kind("path-no-id", url(ID, "123"), "groups.update", 404, field="group_id"),
    Kind(
        "path-missing-id", url(f"/{ID}/del", "/del"), "delivery_reports.get", 404, field="batch_id"
    ),
    Kind("path-placeholder", url(ID, "{batch_id}"), "batches.replace", 404, field="batch_id"),
    Kind("path-stops", url(rf"({PLAN})/.*", r"\1"), "batches.send", 404, field="path"),
    Kind("account-project-id", url(PLAN, PROJECT), ANY, 401, field="service_plan_id"),
    *[
        Kind(rule, make, ANY, 401, field="Authorization")
        for rule, make in [
            ("auth-plan-id", plan_as_token),
            ("auth-placeholder", headers(Authorization="Bearer null")),
            ("auth-inner-space", headers(Authorization=f"Bearer {TOKEN[:16]}\n {TOKEN[16:]}")),
            ("auth-cut", bearer(jwt(1).rpartition(".")[0], project())),
            ("auth-elsewhere", headers(Authorization=None, Authorisation=f"Bearer {TOKEN}")),
        ]
    ],
    Kind("host-near-miss", url(r"//(\w+)\.", r"//\1.zt."), ANY, 404, field="host"),
    Kind("host-other", url(r"//[^/]+", "//sms-gw.example.com"), status=404, field="host"),
    Kind(
        "content-type-unsupported",
        headers(Content_Type='"application/json"'),
        ANY_BODY,
        415,
        field="Content-Type",
    ),
    *[
        Kind(rule, make, code=FORMAT, field=field)
        for rule, make, field in [
            ("msisdn-characters", entry(full_width), "to"),
            ("msisdn-letters", entry(lambda n: "Regular Customers"), "to"),
            ("msisdn-national", entry(lambda n: "+07700900123"), "to"),
            ("bad-date", change(send_at="2027-03-02 10:00 AM"), "send_at"),
            ("bad-date", change(expire_at="PT12H"), "expire_at"),
            ("bad-url", change(callback_url="https://{{host}}/reports"), "callback_url"),
            (
                "parameters-inside-out",
                change(body="Hi ${name}", parameters={"+15551230001": {"name": "Ann"}}),
                "parameters",
            ),
        ]
    ],
    *[
        Kind(rule, make, field=field)
        for rule, make, field in [
            ("not-a-string", entry(lambda n: [n]), "to"),
            ("not-an-array", change(to=lambda old: json.dumps(old)), "to"),
            ("not-a-string", change(delivery_report=True), "delivery_report"),
            (
                "not-a-string",
                change(body="Code ${pin}", parameters={"pin": {"default": 4711}}),
                "parameters",
            ),
            ("not-a-string", change(body={"text": "Hi"}), "body"),
        ]
    ],
    *[
        Kind(rule, make, code=CONSTRAINT, field=field)
        for rule, make, field in [
            ("missing-field", change(type="mt_media", body={"message": "Hi"}), "body"),
            ("missing-field-renamed", change(to=..., To=["+15551230001"]), "to"),
            ("missing-field-renamed", change(to=..., tto=["+15551230001"]), "to"),
            ("missing-field-renamed", change(body=..., boddy="Hi"), "body"),
            ("too-large", change(from_ton=9), "from_ton"),
        ]
    ],
    Kind("json-ruby-hash", whole(lambda t: t.replace('": ', '"=>'), None), ANY_BODY),
    Kind("json-html-escaped", whole(lambda t: t.replace('"', "&quot;"), 1), ANY_BODY),
    Kind("json-not-json", whole(lambda t: "to:\n  - +15551230001\nbody: Hi\n"), ANY_BODY),
]


@dataclass(frozen=True)
class Sample:
    kind: Kind
    exchange: Exchange
    position: int | None

    @property
    def code(self) -> str | None:
        return self.kind.code or (JSON if self.kind.status == 400 else None)


def samples(seeds: int = SEEDS) -> Iterator[Sample]:
    """Yield each kind of defect `seeds` times, after reading it as evidence."""
    for number_of_kind, kind in enumerate(KINDS):
        for seed in range(seeds):
            yield sample_of(kind, 1000 * number_of_kind + seed, seed)


def sample_of(kind: Kind, chance: int, seed: int) -> Sample:
    """
    Return one sample, as it comes out of the door that evidence enters by.

    A defect of any endpoint goes from one to the next with the seeds.
    """
    for operation in operations(kind, chance):
        try:
            exchange, position = kind.make(valid(seed, operation), random.Random(chance))
        except (IndexError, ValueError):  # this body has no place for the defect
            continue
        return Sample(kind, complete(Redactor().exchange(exchange)), position)
    raise AssertionError(f"no endpoint has a place for {kind}")


def operations(kind: Kind, chance: int) -> list[str]:
    """Return the operations that may carry a defect, in the order in which they are tried."""
    fitting = [
        e.operation
        for e in ENDPOINTS
        if e.operation == kind.operation
        or kind.operation == ANY
        or (kind.operation == ANY_BODY and e.body)
    ]
    first = (7 * (chance // 1000) + chance % 1000) % len(fitting)
    return fitting[first:] + fitting[:first]


def answered(sample: Sample) -> Exchange:
    """Return the request with the answer that it gets."""
    return replace(sample.exchange, status=sample.kind.status, code=sample.code)


def misses(sample: Sample, exchange: Exchange) -> list[str]:
    """Return what the first finding gets wrong: rule, answer, field, caret."""
    found = diagnose(exchange, now=NOW)
    top = found.top
    if top is None:
        return ["rule", "answer"]
    wrong = ["rule"] * (top.rule != sample.kind.rule)
    is_sure = exchange.status or rules()[sample.kind.rule].severity == "error"
    is_sure = is_sure and (exchange.status or rules()[sample.kind.rule].refusal != "assumed")
    wrong += (
        ["answer"]
        * bool(is_sure)
        * ((found.expected_status, found.expected_code) != (sample.kind.status, sample.code))
    )
    wrong += ["field"] * (sample.kind.field is not None and top.field != sample.kind.field)
    wrong += ["caret"] * (sample.position is not None and place(top) != line_and_column(sample))
    return wrong


def place(finding: Any) -> tuple[int | None, int | None]:
    return finding.line, finding.column


def line_and_column(sample: Sample) -> tuple[int, int]:
    body = sample.exchange.request_body or ""
    before = (
        body[: sample.position]
        if isinstance(body, str)
        else body[: sample.position].decode("latin-1")
    )
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def false_alarms(count: int = VALID) -> list[str]:
    """Return the errors that are found in valid requests."""
    found = diagnose([complete(Redactor().exchange(valid(seed))) for seed in range(count)], now=NOW)
    return [
        f"{one.exchange.id}: {finding.rule}"
        for one in found
        for finding in one.findings
        if finding.severity == "error"
    ]


def measured(
    shown: Callable[[Sample], Exchange], seeds: int
) -> tuple[dict[str, float], Counter[str]]:
    """Return the percentage that is right, by what may be wrong, and the misses by kind."""
    wrong: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    total = carets = 0
    for sample in samples(seeds):
        total, carets = total + 1, carets + (sample.position is not None)
        wrong.update(bad := misses(sample, shown(sample)))
        if bad:
            missed[f"{sample.kind.rule} ({sample.exchange.id}): {', '.join(bad)}"] += 1
    counts = {"rule": total, "answer": total, "field": total, "caret": carets}
    return {name: 100 * (1 - wrong[name] / count) for name, count in counts.items()}, missed


def covered(seeds: int) -> set[str]:
    """Return the operations whose requests carry a defect."""
    return {sample.exchange.id.rpartition("-")[0] for sample in samples(seeds)}


VIEWS: dict[str, Callable[[Sample], Exchange]] = {
    "request alone": lambda sample: sample.exchange,
    "request and answer": answered,
}


def main(seeds: int = 25, valid_requests: int = 1000) -> int:
    """Print the figures at full size; the exit code says whether a bound is missed."""
    rules_used = {kind.rule for kind in KINDS}
    print(
        f"{len(KINDS)} kinds of labelled defects ({len(rules_used)} rules) "
        f"on {len(covered(seeds))} of {len(ENDPOINTS)} endpoints, {seeds} seeds each"
    )
    low = False
    for title, shown in VIEWS.items():
        right, missed = measured(shown, seeds)
        low = low or right["rule"] < 97 or right["caret"] < 100
        print(
            f"{title}, n={len(KINDS) * seeds:,}: "
            + ", ".join(f"{name} {share:.1f} %" for name, share in right.items())
            + " right"
        )
        print("".join(f"  {name}\n" for name in missed), end="")
    alarms = false_alarms(valid_requests)
    print(f"valid requests: {len(alarms)} false alarms in {valid_requests:,}")
    return int(low or bool(alarms))


if __name__ == "__main__":
    sys.exit(main())
