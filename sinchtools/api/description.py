"""
What the SMS API accepts: endpoints, fields and limits as data.

One description for client, sandbox and diagnosis.

Tags: D stated by the vendor today, S from the vendor's SDKs, O older vendor material, R our reading
where the record is silent.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sinchtools.core.gsm import digits
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange
from sinchtools.core.settings import REGIONS
from sinchtools.privacy.markers import MARKER

PREFIX = "/xms/v1"
CONTROL = "/__sandbox__/"  # the sandbox's own switches, below no account
REPORT_TYPES = ("none", "summary", "full", "per_recipient", "per_recipient_final")
STATUSES = (
    "Queued",
    "Dispatched",
    "Aborted",
    "Cancelled",
    "Failed",
    "Delivered",
    "Expired",
    "Rejected",
    "Deleted",
    "Unknown",
)
BATCH_TYPES = ("mt_text", "mt_binary", "mt_media")
MAX_VALIDITY_DAYS = 3
BINARY_BYTES = 140
RETENTION_DAYS = 14
LIST_WINDOW_HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    One field of a body, or one query parameter.

    Attributes
    ----------
    kind
        What a value must look like: a key of `JSON_TYPES`.
    required
        Refused without it.
    low, high
        Least and most: characters of a text, entries of a list, value of an integer.
    choices
        The only values, where the vendor lists them.
    default
        What counts when it is left out.
    tag
        How sure the row is (see the module's first lines).
    """

    kind: str
    required: bool = False
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()
    default: Any = None
    tag: str = "D"


JSON_TYPES: dict[
    str, tuple[type, str]
] = {  # kind: (Python type of the parsed JSON, the words for it)
    "text": (str, "a string"),
    "choice": (str, "a string"),
    "instant": (str, "a string"),
    "url": (str, "a string"),
    "sender": (str, "a string"),
    "base64": (str, "a string"),
    "hex": (str, "a string"),
    "id": (str, "a string"),
    "word": (str, "a string"),
    "number": (str, "a string"),
    "flag": (bool, "true or false"),
    "integer": (int, "an integer"),
    "recipients": (list, "an array of strings"),
    "numbers": (list, "an array of strings"),
    "ids": (list, "an array of strings"),
    "texts": (list, "an array of strings"),
    "parameters": (dict, "an object"),
    "media": (dict, "an object"),
    "auto_update": (dict, "an object"),
    "keyword": (dict, "an object"),
}

# --- body fields (SMS API reference: batches, groups, delivery feedback) --------------------------

_COMMON = {
    "to": Field(kind="recipients", required=True, low=1, high=1000),
    "from": Field(kind="sender"),
    "type": Field(kind="choice", choices=BATCH_TYPES, default="mt_text"),
    "delivery_report": Field(kind="choice", choices=REPORT_TYPES, default="none"),
    "send_at": Field(kind="instant"),
    "expire_at": Field(kind="instant"),
    "callback_url": Field(kind="url", high=2048),
    "client_reference": Field(kind="text", high=2048),
    "feedback_enabled": Field(kind="flag", default=False),
}
_ADDRESSING = {
    "from_ton": Field(kind="integer", low=0, high=6),
    "from_npi": Field(kind="integer", low=0, high=18),
}
_LEGACY = {
    "tags": Field(kind="texts", tag="O"),
    "campaign_id": Field(kind="text", tag="O"),
    "dlt_principal_entity_id": Field(kind="text", tag="O"),
    "dlt_template_id": Field(kind="text", tag="O"),
}
_DISPLAY = {
    "flash_message": Field(kind="flag", default=False),
    "truncate_concat": Field(kind="flag"),
    "max_number_of_message_parts": Field(kind="integer", low=1),
}
_TEXT = {
    **_COMMON,
    "body": Field(kind="text", required=True, high=2000),
    "parameters": Field(kind="parameters"),
    **_DISPLAY,
    **_ADDRESSING,
    **_LEGACY,
}
_BINARY = {
    **_COMMON,
    "body": Field(kind="base64", required=True),
    "udh": Field(kind="hex", required=True),
    **_DISPLAY,
    **_ADDRESSING,
    **_LEGACY,
}
_MEDIA = {
    **_COMMON,
    "body": Field(kind="media", required=True),
    "parameters": Field(kind="parameters"),
    "strict_validation": Field(kind="flag", default=False),
    **_LEGACY,
}
_CHANGE = {
    "to_add": Field(kind="recipients", low=1, high=100),
    "to_remove": Field(kind="recipients", low=1, high=100),
}
_GROUP = {
    "name": Field(kind="text", low=1, high=20),
    "members": Field(kind="numbers", high=10_000),
    "child_groups": Field(kind="ids", high=10),
    "auto_update": Field(kind="auto_update"),
    "tags": Field(kind="texts", tag="O"),
}


def _update_of(schema: dict[str, Field]) -> dict[str, Field]:
    return {
        **_CHANGE,
        **{name: replace(spec, required=False) for name, spec in schema.items() if name != "to"},
    }


SCHEMAS: dict[str, dict[str, Field]] = {
    "batch:mt_text": _TEXT,
    "batch:mt_binary": _BINARY,
    "batch:mt_media": _MEDIA,
    "batch_update:mt_text": _update_of(_TEXT),
    "batch_update:mt_binary": _update_of(_BINARY),
    "batch_update:mt_media": _update_of(_MEDIA),
    "feedback": {"recipients": Field(kind="numbers", required=True)},
    "group": _GROUP,
    "group_replace": {**_GROUP, "members": Field(kind="numbers", required=True, high=10_000)},
    "group_update": {
        "name": Field(kind="text", low=1, high=20),
        "add": Field(kind="numbers", high=10_000),
        "remove": Field(kind="numbers", high=10_000),
        "add_from_group": Field(kind="id"),
        "remove_from_group": Field(kind="id"),
        "auto_update": Field(kind="auto_update"),
        "child_groups_add": Field(kind="ids", tag="O"),
        "child_groups_remove": Field(kind="ids", tag="O"),
    },
    "media": {
        "url": Field(kind="url", required=True, high=2048),
        "message": Field(kind="text", high=5000, tag="R"),
        "subject": Field(kind="text", high=80, tag="R"),
    },
    "auto_update": {
        "to": Field(kind="number", required=True),
        "add": Field(kind="keyword"),
        "remove": Field(kind="keyword"),
    },
    "keyword": {
        "first_word": Field(kind="word", required=True, high=15, tag="S"),
        "second_word": Field(kind="word", high=15, tag="S"),
    },
}


def schema_of(body: str, value: Mapping[str, Any]) -> Mapping[str, Field]:
    """
    Return the schema of an endpoint's `body`.

    The schema of a batch depends on its type; without a type it is a text.
    """
    names = (f"{body}:{value.get('type')}", f"{body}:mt_text", body)
    return next(SCHEMAS[name] for name in names if name in SCHEMAS)


PARAMETER_KEY = re.compile(r"[A-Za-z0-9_.-]{1,16}")
PARAMETER_VALUE_CHARACTERS = 160
PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")

# --- query parameters -----------------------------------------------------------------------------

_PAGING = {
    "page": Field(kind="integer", low=0, default=0),
    "page_size": Field(kind="integer", low=1, high=100, default=30),
}
_WINDOW = {
    "start_date": Field(kind="instant"),
    "end_date": Field(kind="instant"),
    "client_reference": Field(kind="text"),
}
_REPORT_FILTER = {"status": Field(kind="choices", choices=STATUSES), "code": Field(kind="integers")}

# --- endpoints ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """
    One operation of the API.

    Attributes
    ----------
    operation
        The vendor's name, after the resource: ``batches.send``.
    method, path
        The path stands below ``/xms/v1/{service_plan_id}``.
    success
        Status of a good answer.
    body
        Name of the body's schema in `SCHEMAS` (a batch's also needs its type), or None.
    query
        The query parameters by name.
    """

    operation: str
    method: str
    path: str
    success: int = 200
    body: str | None = None
    query: dict[str, Field] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """Method and path, as in the column ``endpoint``."""
        return f"{self.method} {self.path}"


ENDPOINTS = (
    Endpoint(operation="batches.send", method="POST", path="/batches", success=201, body="batch"),
    Endpoint(
        operation="batches.list",
        method="GET",
        path="/batches",
        query={
            **_PAGING,
            "from": Field(kind="list"),
            **_WINDOW,
            "tags": Field(kind="list", tag="O"),
        },
    ),
    Endpoint(
        operation="batches.dry_run",
        method="POST",
        path="/batches/dry_run",
        body="batch",
        query={
            "per_recipient": Field(kind="flag", default=False),
            "number_of_recipients": Field(kind="integer", low=0, high=1000, default=100),
        },
    ),
    Endpoint(operation="batches.get", method="GET", path="/batches/{batch_id}"),
    Endpoint(
        operation="batches.update", method="POST", path="/batches/{batch_id}", body="batch_update"
    ),
    Endpoint(operation="batches.replace", method="PUT", path="/batches/{batch_id}", body="batch"),
    Endpoint(operation="batches.cancel", method="DELETE", path="/batches/{batch_id}"),
    Endpoint(
        operation="batches.send_delivery_feedback",
        method="POST",
        path="/batches/{batch_id}/delivery_feedback",
        success=202,
        body="feedback",
    ),
    Endpoint(
        operation="delivery_reports.get",
        method="GET",
        path="/batches/{batch_id}/delivery_report",
        query={
            "type": Field(kind="choice", choices=("summary", "full"), default="summary"),
            **_REPORT_FILTER,
            "client_reference": Field(kind="text", tag="S"),
        },
    ),
    Endpoint(
        operation="delivery_reports.get_for_number",
        method="GET",
        path="/batches/{batch_id}/delivery_report/{recipient_msisdn}",
    ),
    Endpoint(
        operation="delivery_reports.list",
        method="GET",
        path="/delivery_reports",
        query={**_PAGING, **_WINDOW, **_REPORT_FILTER},
    ),
    Endpoint(
        operation="inbounds.list",
        method="GET",
        path="/inbounds",
        query={**_PAGING, "to": Field(kind="list"), **_WINDOW},
    ),
    Endpoint(operation="inbounds.get", method="GET", path="/inbounds/{inbound_id}"),
    Endpoint(
        operation="groups.list",
        method="GET",
        path="/groups",
        query={**_PAGING, "tags": Field(kind="list", tag="O")},
    ),
    Endpoint(operation="groups.create", method="POST", path="/groups", success=201, body="group"),
    Endpoint(operation="groups.get", method="GET", path="/groups/{group_id}"),
    Endpoint(
        operation="groups.update", method="POST", path="/groups/{group_id}", body="group_update"
    ),
    Endpoint(
        operation="groups.replace", method="PUT", path="/groups/{group_id}", body="group_replace"
    ),
    Endpoint(operation="groups.delete", method="DELETE", path="/groups/{group_id}"),
    Endpoint(operation="groups.list_members", method="GET", path="/groups/{group_id}/members"),
)
BY_TEMPLATE = MappingProxyType({endpoint.template: endpoint for endpoint in ENDPOINTS})


@lru_cache(maxsize=4096)
def route(path: str) -> tuple[dict[str, Endpoint], dict[str, str]]:
    """
    Return the endpoints of a path below the account, by method, and the values in it.

    Both empty when no route fits.

    Examples
    --------
    >>> endpoints, values = route("/groups/01FC66621VHDBN119Z8PMV1QPU/members")
    >>> list(endpoints), values
    (['GET'], {'group_id': '01FC66621VHDBN119Z8PMV1QPU'})
    """
    trimmed = path.removesuffix("/") or path
    for template, pattern in _patterns():
        if match := pattern.fullmatch(trimmed):
            found = {
                endpoint.method: endpoint for endpoint in ENDPOINTS if endpoint.path == template
            }
            return found, {name: unquote(value) for name, value in match.groupdict().items()}
    return {}, {}


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    templates = dict.fromkeys(endpoint.path for endpoint in ENDPOINTS)
    literal_first = sorted(templates, key=lambda template: template.count("{"))
    return [
        (template, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)))
        for template in literal_first
    ]


def routes() -> list[tuple[str, list[Endpoint]]]:
    """Return the pattern of each route below the account, in their order, and its endpoints."""
    return [
        (
            re.sub(r"\{\w+\}", "[^/]+", template),
            [endpoint for endpoint in ENDPOINTS if endpoint.path == template],
        )
        for template, _ in _patterns()
    ]


# --- hosts and places -----------------------------------------------------------------------------

_VENDOR_HOST = re.compile(r"(?P<zt>zt\.)?(?P<region>[\w{}$<>-]+)\.sms\.api\.sinch\.com")
OLD_HOSTS = {  # host: what it is; whether it still answers is not on record
    "sms.api.sinch.com": "the API's host without a region",
    "api.clxcommunications.com": "the API's host under an earlier brand, CLX",
    "api.mblox.com": "the API's host under an earlier brand, Mblox",
}
OTHER_APIS = {  # first label of a host of the vendor's: the API that it serves
    "conversation": "Conversation API",
    "rcs": "RCS API",
    "calling": "Voice API",
    "callingapi": "Voice API",
    "verification": "Verification API",
    "numbers": "Numbers API",
}
_TOKEN_HOST = re.compile(r"(?:[a-z]{2}\.)?auth\.sinch\.com")
TOKEN_PATH = "/oauth2/token"
LEGACY_HOSTS = OLD_HOSTS | {"messagingapi.sinch.com": "the retired Classic Sinch API"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where a request went.

    Attributes
    ----------
    host
        Host name in lower case, or None when the URL has none.
    kind
        ``plan`` or ``project`` (the vendor's two host styles), ``legacy``, ``loopback``, ``none``
        (no host known), ``other``.
    region, account
        None when the URL does not tell.
    path
        Whole path; ``below`` is its part below the account, or None without the API's prefix.
    endpoints
        The route's endpoints by method; empty when no route fits.
    values
        The values in the path, by name.
    query
        Name and value pairs, decoded.
    """

    host: str | None
    kind: str
    region: str | None
    account: str | None
    path: str
    below: str | None
    endpoints: dict[str, Endpoint]
    values: dict[str, str]
    query: tuple[tuple[str, str], ...]

    @property
    def is_sms_api(self) -> bool:
        """
        Whether the request was meant for this API.

        It went to one of the API's hosts, or to a path of the API on a loopback or unknown host.
        """
        return self.kind in {"plan", "project", "legacy"} or (
            self.kind in {"loopback", "none"}
            and (self.path.startswith(PREFIX) or bool(self.endpoints))
        )


def is_token_endpoint(place: Place) -> bool:
    """Tell whether a request went to the OAuth 2.0 token endpoint, the vendor's or a local one."""
    if place.kind == "loopback":
        return place.path == TOKEN_PATH
    return _TOKEN_HOST.fullmatch(place.host or "") is not None


def other_api(host: str | None) -> str | None:
    """
    Return the name of the vendor's other API that a host serves, or None.

    Examples
    --------
    >>> other_api("eu.conversation.api.sinch.com"), other_api("eu.sms.api.sinch.com")
    ('Conversation API', None)
    """
    if not host or not host.endswith(".sinch.com"):
        return None
    return next((OTHER_APIS[label] for label in host.split(".") if label in OTHER_APIS), None)


def split_url(url: str) -> SplitResult:
    """
    Return the parts of a URL, a marker whole in its part; a text that is no URL is all path.

    Examples
    --------
    >>> parts = split_url("https://[secret pair 9 #1]@example.com/a?token=[secret opaque 8 #2]&b=1")
    >>> parts.netloc, parts.query
    ('[secret pair 9 #1]@example.com', 'token=[secret opaque 8 #2]&b=1')
    """
    marks = [match[0] for match in MARKER.finditer(url)]
    numbers = iter(range(len(marks)))
    try:
        parts = urlsplit(MARKER.sub(lambda _: f"\ue000{next(numbers)}\ue001", url))
    except ValueError:
        return SplitResult("", "", url, "", "")
    if not marks:
        return parts
    return SplitResult(*(_MARK.sub(lambda m: _mark(m, marks), part) for part in parts))


_MARK = re.compile("\ue000([0-9]{1,9})\ue001")  # private characters stand for the markers


def _mark(match: re.Match[str], marks: list[str]) -> str:
    number = int(match[1])
    return marks[number] if number < len(marks) else match[0]


@lru_cache(maxsize=4096)
def locate(url: str) -> Place:
    """
    Return where a URL points to; any text is taken, nothing is looked up.

    Examples
    --------
    >>> place = locate("https://eu.sms.api.sinch.com/xms/v1/plan1/batches/01ABC?page=2")
    >>> place.kind, place.region, place.account, list(place.endpoints)
    ('plan', 'eu', 'plan1', ['GET', 'POST', 'PUT', 'DELETE'])
    """
    # browsers and urllib3 read \\ as /
    parts = split_url(MARKER.sub("secret", url.strip()).replace("\\", "/"))
    host = parts.hostname
    kind, region = _host(host)
    prefixed = re.match(rf"{PREFIX}/(?P<account>[^/]+)(?P<below>/.*)?", parts.path)
    below = (prefixed["below"] or "/") if prefixed else None
    endpoints, values = route(below) if below else ({}, {})
    return Place(
        host=host,
        kind=kind,
        region=region,
        account=unquote(prefixed["account"]) if prefixed else None,
        path=parts.path,
        below=below,
        endpoints=endpoints,
        values=values,
        query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
    )


def _host(host: str | None) -> tuple[str, str | None]:
    if not host:
        return "none", None
    if host in LEGACY_HOSTS:
        return "legacy", None
    if match := _VENDOR_HOST.fullmatch(host):
        region = match["region"]
        return "project" if match["zt"] else "plan", region if region in REGIONS else None
    return "loopback" if is_loopback(host) else "other", None


def is_loopback(host: str | None) -> bool:
    """
    Tell whether a host name is this machine's own.

    That is ``localhost`` or a loopback address, not a name that only begins like one.
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def complete(exchange: Exchange) -> Exchange:
    """
    Return the exchange with endpoint, region, account, code and text filled in.

    They are filled in where they are missing and the rest tells them.
    """
    found: dict[str, Any] = {}
    if exchange.url:
        place = locate(exchange.url)
        if place.is_sms_api:
            endpoint = place.endpoints.get((exchange.method or "").upper())
            found |= {
                "endpoint": endpoint and endpoint.template,
                "region": place.region,
                "account": place.account,
            }
    if not found.get("endpoint") and is_callback(exchange.request_body):
        found["endpoint"] = "callback"
    is_partly = exchange.code is None or exchange.text is None
    if is_partly and (exchange.status is None or exchange.status >= 400):
        of_token = bool(exchange.url) and is_token_endpoint(locate(exchange.url or ""))
        found["code"], text = error_of(exchange.response_body, oauth=of_token)
        found["text"] = exchange.text or text
    found = {
        name: value
        for name, value in found.items()
        if value is not None and getattr(exchange, name) is None
    }
    return replace(exchange, **found) if found else exchange


_TEXT_NAMES = ("text", "description", "message")
_CALLBACK = re.compile(
    r"\"type\"\s{0,20}:\s{0,20}"
    r"\"(?:(?:recipient_)?delivery_report_[ms]ms|mo_(?:text|binary|media))\""
)  # source: SMS API reference, delivery report callbacks and inbound objects


def is_callback(body: str | bytes | None) -> bool:
    """Tell whether a body is a delivery report or an inbound message that the API sends."""
    return isinstance(body, str) and body[:1] == "{" and bool(_CALLBACK.search(body, 0, 100_000))


def error_of(body: str | bytes | None, *, oauth: bool = False) -> tuple[str | None, str | None]:
    """
    Return the ``code`` and the ``text`` (else ``description`` or ``message``) of an error body.

    Each is None when the body has none. The token endpoint (`oauth`) has other names for them.
    """
    value = (
        value_of(body)
        if body and len(body) <= 100_000 and body.lstrip()[:1] in ("{", b"{")
        else None
    )
    if value is None:
        return None, None
    names = ("error_description", "detail", "title") if oauth else _TEXT_NAMES
    words = (value.get(name) for name in names)
    code = value.get("error" if oauth else "code")
    return code if isinstance(code, str) and code else None, next(
        (word for word in words if isinstance(word, str)), None
    )


# --- what a message weighs (character support page; 3GPP TS 23.038) -------------------------------


def substituted(body: str, parameters: dict[str, dict[str, str]], recipient: str) -> str | None:
    """
    Return the body with each ``${key}`` replaced for one recipient.

    Return None when a key has neither a value nor a default.
    """
    number = digits(recipient)
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        values = parameters.get(match[1])
        found = (
            None
            if values is None
            else next(
                (v for k, v in values.items() if k != "default" and digits(k) == number),
                values.get("default"),
            )
        )
        missing = missing or found is None
        return found or ""

    text = PLACEHOLDER.sub(value, body)
    return None if missing else text
