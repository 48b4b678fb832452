"""What a request does to people: how many messages it sends, and to whom, in words."""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sinchtools.api.description import substituted
from sinchtools.api.validation import is_group_id
from sinchtools.core.gsm import digits, parts_of
from sinchtools.core.json import object_of
from sinchtools.core.records import Exchange

VENDOR = ("dry-run", "live")
SENDS = {
    "POST /batches",
    "PUT /batches/{batch_id}",
}  # the endpoints whose body names everyone that gets a message
DRY_RUNS = {"POST /batches", "POST /batches/dry_run"}
UPDATE = "POST /batches/{batch_id}"
CHANGES_RECIPIENTS = {UPDATE, "POST /batches/{batch_id}/delivery_feedback"}


# --- what it does to people -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    What a request sends.

    It counts messages to people, and to members of groups of unknown size.
    """

    messages: int = 0
    people: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


def load_of(request: Exchange, members: Mapping[str, tuple[str, ...]]) -> Load:
    """
    Return what a request sends: recipients times message parts.

    Each text has its recipient's own values. Groups count by `members`.
    """
    if request.endpoint not in SENDS:
        return Load()
    body = object_of(request.request_body)
    entries = (
        [entry for entry in body.get("to") or [] if isinstance(entry, str)]
        if isinstance(body.get("to"), list)
        else []
    )
    unknown = frozenset(entry for entry in entries if is_group_id(entry) and entry not in members)
    listed = [
        number
        for entry in entries
        if entry not in unknown
        for number in members.get(entry, (entry,))
    ]
    people = dict.fromkeys(map(digits, listed))
    return Load(
        messages=sum(_parts(body, number) for number in people),
        people=frozenset(people),
        groups=unknown,
    )


def groups_of(request: Exchange) -> list[str]:
    """Return the IDs of the groups that a request names."""
    return groups_in(object_of(request.request_body))


def groups_in(body: Mapping[str, Any]) -> list[str]:
    """Return the IDs of the groups that a body names."""
    listed = [
        entry
        for name in ("to", "to_add", "child_groups")
        if isinstance(body.get(name), list)
        for entry in body[name]
    ]
    named = [body.get(name) for name in ("add_from_group", "remove_from_group")]
    return list(
        dict.fromkeys(
            entry for entry in (*listed, *named) if isinstance(entry, str) and is_group_id(entry)
        )
    )


_OTHER = "make {} other requests"
_DOES = {  # beside sending: what is to be confirmed, in words
    UPDATE: "change {} batches whose recipients are not known",
    "DELETE /batches/{batch_id}": "cancel {} batches",
    "POST /groups": "create {} groups",
    "POST /groups/{group_id}": "change {} groups",
    "PUT /groups/{group_id}": "replace {} groups",
    "DELETE /groups/{group_id}": "delete {} groups",
}


def effect_of(
    requests: Iterable[Exchange],
    target: str,
    *,
    again: int = 0,
    members: Mapping[str, tuple[str, ...]] | None = None,
    test_number: bool = False,
) -> str:
    """
    Return what sending requests does to the outside world, in the words that a person types.

    Parameters
    ----------
    again
        How many of them got a 500 before.
    members
        Numbers of the groups whose members are known.
    test_number
        Whether a test number stands in for everybody.
    """
    if target not in VENDOR:
        return "nothing leaves this machine"
    requests = list(requests)
    if target == "dry-run":
        return _one_is_singular(f"ask the vendor about {len(requests)} requests, send 0 SMS")
    loads = [load_of(request, members or {}) for request in requests]
    people, groups = (
        frozenset[str]().union(*sets)
        for sets in ([x.people for x in loads], [x.groups for x in loads])
    )
    messages = sum(load.messages for load in loads)
    done = Counter(
        _DOES.get(request.endpoint or "", _OTHER)
        for request, load in zip(requests, loads, strict=True)
        if load == Load()
    )
    if messages or groups:
        said = [_sending(messages, len(people), len(groups), test_number)]
    else:
        said = [f"make {len(requests)} requests"]
        del done[_OTHER]  # they are among these
        if UPDATE not in {request.endpoint for request in requests}:
            said.append("send 0 SMS")
    said += [what.format(count) for what, count in done.items()]
    if again:
        said.append(f"{again} of them again after a 500")
    return _one_is_singular(", ".join(said))


def _sending(messages: int, people: int, groups: int, test_number: bool) -> str:
    said = f"send {messages} SMS to {people} people"
    if groups:
        said += f" and to all members of {groups} groups of unknown size"
    if test_number and people:
        said += " (the test number)"
    return said


_ONE = re.compile(r"(?<!\d)1 (other )?(people|requests|groups|batches)\b")
_SINGULAR = {"people": "person", "requests": "request", "groups": "group", "batches": "batch"}


def _one_is_singular(text: str) -> str:
    return _ONE.sub(lambda found: f"1 {found[1] or ''}{_SINGULAR[found[2]]}", text)


def _parts(body: Mapping[str, Any], number: str) -> int:
    text, parameters = body.get("body"), body.get("parameters")
    if (
        (body.get("type") or "mt_text") != "mt_text"
        or not isinstance(text, str)
        or body.get("truncate_concat") is True
    ):
        return 1
    with contextlib.suppress(
        AttributeError, TypeError
    ):  # parameters of a shape that the API refuses
        text = substituted(text, parameters or {}, number) or text
    return parts_of(text)


def body_text(request: Exchange) -> str:
    """Return the body as text, whatever bytes it is in."""
    body = request.request_body
    return (
        body.decode(json.detect_encoding(body), "replace")
        if isinstance(body, bytes)
        else body or ""
    )
