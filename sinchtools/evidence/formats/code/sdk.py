"""Calls of the vendor's SDKs: what they send is said as the REST request that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sinchtools.evidence.formats.code.libraries import Library, plain
from sinchtools.evidence.formats.code.values import Body, Draft, Hole, View, as_text
from sinchtools.evidence.pieces import words
from sinchtools.evidence.row_tables import by_word

NOTE = (
    "the call of the vendor's SDK is shown as the request that it makes; its host follows from the "
    "region, which is us when the code names none"
)
CLIENT = Library(re.compile(r"(?:^|\.)(?:SinchClient|ApiConnection|XmsClient|SmsClient)\b"), True)
_CLIENT_NAMES = re.compile(
    r"(?:^|\.)(?:SinchClient(?:\.new|\.builder)?|ApiConnection\.builder|[xX]ms\.Client(?:\.new)?"
    r"|SmsService\.new|XmsClient\.new)$"
)
_MESSAGE = re.compile(
    r"(?:^|\.)(?:\w*Batch\w*(?:Create|Request|Params|Sms)|TextRequest|batchTextSms|BinaryRequest"
    r"|MediaRequest|SendSMSRequest|ClxMessage|\w*SmsCreate)(?:\.(?:builder|new|newBuilder))?$"
)
_OPERATION = re.compile(r"[bB]atches(?:\(\))?\.(\w+)$")
# operation to method and what follows /batches
_OPERATIONS = {
    name: (method, tail)
    for (method, tail), names in {
        ("POST", ""): "send sendsms sendasync sendmms create",
        ("POST", "/dry_run"): "dryrun senddryrun dryrunasync",
        ("GET", ""): "list listasync",
        ("GET", "/{}"): "get getasync",
        ("DELETE", "/{}"): "cancel cancelasync",
        ("POST", "/{}"): "update updateasync updatesms",
        ("PUT", "/{}"): "replace replaceasync replacesms",
        ("POST", "/{}/delivery_feedback"): "senddeliveryfeedback",
    }.items()
    for name in words(names)
}
_CREATES = words("createbatch createtextbatch createtextmessage createbatchdryrun sendtextmessage")
_FIELDS = by_word("""
from: from sender originator
to: to recipients recipient addrecipient addto
body: body text message content
""")
_REGIONS = {"europe": "eu", "unitedstates": "us", "australia": "au", "brazil": "br", "canada": "ca"}


class Message(dict[str, Any]):
    """A message that the SDK's setters are called on."""


def is_client(path: str) -> bool:
    """Tell whether a call makes a client of the SDK."""
    return _CLIENT_NAMES.search(path) is not None


def is_message(path: str) -> bool:
    """Tell whether a call begins a message of the SDK."""
    return _MESSAGE.search(path) is not None


def operation_of(path: str, name: str) -> tuple[str, str] | None:
    """Return method and path of the operation that a call is, or None."""
    if match := _OPERATION.search(path):
        return _OPERATIONS.get(plain(match[1]))
    return ("POST", "") if plain(name) in _CREATES else None


def configure(draft: Draft, values: list[Any], named: Mapping[str, Any]) -> None:
    """Give a client of the SDK what it is made with."""
    for one in values:
        if isinstance(one, Draft):
            draft.parts |= one.parts
    tables = [one for one in values if isinstance(one, dict)]
    texts = [one for one in values if isinstance(one, str | Hole)]
    known = {plain(str(key)): one for table in (*tables, named) for key, one in table.items()}
    if len(texts) == 2:
        known |= {"serviceplanid": texts[0], "token": texts[1]}
    elif len(texts) == 3:
        known |= dict(zip(("projectid", "keyid", "keysecret"), texts, strict=True))
    draft.parts |= known


def set_message(message: Message, name: str, values: list[Any], named: Mapping[str, Any]) -> None:
    """Set a field of a message by the name of its setter."""
    for value in (*values, *named.values()):
        if isinstance(value, Mapping):
            message.update(fields_of(value))
    name = re.sub(r"^(?:set|with|add)_?(?=[A-Za-z])", "", name)
    texts = [one for one in values if not isinstance(one, Mapping)]
    if texts and name not in ("build", "builder", "new"):
        field, value = _field(name), texts if len(texts) > 1 else texts[0]
        before = message.get(field)
        message[field] = (
            [*before, value] if isinstance(before, list) and not isinstance(value, list) else value
        )
        message |= fields_of({field: message[field]})


def request(
    draft: Draft, client: Any, name: str, tail: str, values: list[Any], named: Mapping[str, Any]
) -> None:
    """Fill a draft with the request that an operation makes."""
    parts = client.draft.parts if isinstance(client, Draft | View) else {}
    texts = [one for one in values if isinstance(one, str | Hole)]
    body = _body(name, values, named)
    if "{}" in tail:
        tail = tail.format(as_text(texts[0] if texts else body.pop("batch_id", Hole("batch_id"))))
    draft.url = f"{_base(parts)}/batches{tail}"
    draft.parts["sdk"] = True
    token = parts.get("apitoken") or parts.get("smsapitoken") or parts.get("token")
    draft.headers["Authorization"] = f"Bearer {as_text(token or Hole('access_token'))}"
    if draft.method in ("POST", "PUT") and body:
        draft.body, draft.form, draft.media = body, "json", "application/json"
    elif body:
        draft.params.update(body)


def _base(parts: Mapping[str, Any]) -> str:
    region = as_text(parts.get("smsregion") or parts.get("region") or "us").strip("{}").lower()
    region = _REGIONS.get(plain(region), region)
    plan = parts.get("serviceplanid")
    project = parts.get("projectid")
    if plan is None and project is not None:
        return f"https://zt.{region}.sms.api.sinch.com/xms/v1/{as_text(project)}"
    return f"https://{region}.sms.api.sinch.com/xms/v1/{as_text(plan or Hole('service_plan_id'))}"


def _body(name: str, values: list[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    texts = [one for one in values if isinstance(one, str | Hole | list)]
    if plain(name) == "createtextmessage" and len(texts) == 3:
        return fields_of(dict(zip(("from", "to", "body"), texts, strict=True)))
    for value in (*values, named):
        if isinstance(value, Body):
            value = value.text
        if isinstance(value, Mapping):
            inner = next((one for one in value.values() if isinstance(one, Mapping)), None)
            is_wrapped = inner is not None and any("equest" in str(key) for key in value)
            body |= fields_of(inner if is_wrapped and inner is not None else value)
    return body


def fields_of(table: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a table with the API's own names of fields; recipients are a list."""
    fields = {_field(str(key)): value for key, value in table.items()}
    if "to" in fields and not isinstance(fields["to"], list):
        fields["to"] = [fields["to"]]
    return fields


def _field(name: str) -> str:
    known = _FIELDS.get(plain(name))
    return known or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
