"""
Run the twenty operations of the API on the state of one account.

Each takes a checked call and returns a response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sinchtools.api.description import BY_TEMPLATE, RETENTION_DAYS, SCHEMAS, Endpoint
from sinchtools.api.validation import body_violations, instant_of, is_group_id, msisdn_defect
from sinchtools.core.gsm import digits
from sinchtools.sandbox import delivery
from sinchtools.sandbox.state import Account, Batch, Group, recipients_of, stamp
from sinchtools.sandbox.texts import MISSING_CALLBACK, text_of

CONSTRAINT = "syntax_constraint_violation"


class Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    """The call is refused with this status, and a code where the API has one."""

    def __init__(self, status: int, code: str | None = None, text: str = "") -> None:
        super().__init__(status, code)
        self.status, self.code, self.text = status, code, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call whose path, query and body have passed the checks of form."""

    account: Account
    endpoint: Endpoint
    values: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]

    @property
    def now(self) -> datetime:
        """The sandbox's time."""
        return self.account.clock.now()

    def given(self, schema: str) -> dict[str, Any]:
        """Return the known fields of the body that are not null."""
        return {
            name: value
            for name, value in self.body.items()
            if value is not None and name in SCHEMAS[schema]
        }


# --- batches --------------------------------------------------------------------------------------


def send(call: Call) -> dict[str, Any]:
    """Accept a batch."""
    batch = _new_batch(call)
    _business(call.account, batch, batch.to)
    call.account.batches[batch.id] = batch
    call.account.schedule(batch)
    return batch_object(batch)


def list_batches(call: Call) -> dict[str, Any]:
    """List batches of the window, newest first."""
    senders, tags = {digits(one) for one in _words(call, "from")}, set(_words(call, "tags"))
    reference = call.query.get("client_reference")
    found = [
        batch
        for batch in _window(call, call.account.batches.values(), lambda batch: batch.created_at)
        if (not senders or digits(str(batch.fields.get("from", ""))) in senders)
        and (not reference or batch.fields.get("client_reference") == reference)
        and tags.issubset(batch.fields.get("tags") or ())
    ]
    return _page(call, "batches", found, batch_object)


def dry_run(call: Call) -> dict[str, Any]:
    """
    Tell what a batch would weigh.

    Nothing is kept and nobody's group or callback URL is asked for.
    """
    batch = _new_batch(call)
    numbers = call.account.expanded(batch.to)
    plain = "${" not in str(batch.fields["body"])
    weights = (
        [delivery.weigh(batch, numbers[0])] * len(numbers)
        if plain and numbers
        else [delivery.weigh(batch, number) for number in numbers]
    )
    answer: dict[str, Any] = {
        "number_of_recipients": len(numbers),
        "number_of_messages": sum(parts for _, _, parts in weights),
    }
    if batch.type == "mt_text" and call.query.get("per_recipient", "").lower() == "true":
        most = int(call.query.get("number_of_recipients") or 100)
        shown = list(zip(numbers, weights, strict=True))[:most]
        answer["per_recipient"] = [
            {"recipient": number, "body": text, "number_of_parts": parts, "encoding": encoding}
            for number, (text, encoding, parts) in shown
        ]
    return answer


def get_batch(call: Call) -> dict[str, Any]:
    """Show a batch."""
    return batch_object(_batch(call))


def update_batch(call: Call) -> dict[str, Any]:
    """Change the given fields; null resets one."""
    batch = _batch(call)
    schema = f"batch_update:{batch.type}"
    changes = {
        name: value
        for name, value in call.body.items()
        if name in SCHEMAS[schema] and name not in {"to_add", "to_remove", "type"}
    }
    fields = {
        name: value for name, value in {**batch.fields, **changes}.items() if value is not None
    }
    added, removed = (recipients_of(call.body.get(name) or ()) for name in ("to_add", "to_remove"))
    to = tuple(entry for entry in dict.fromkeys((*batch.to, *added)) if entry not in removed)
    if call.body.get("type") not in (None, batch.type):
        raise Refused(400, CONSTRAINT, f"type: the batch is of type {batch.type}")
    if changes.get("body", "") is None:
        raise Refused(400, CONSTRAINT, "body: must be given")
    if batch.recipients is None:
        _check_whole(call, {**fields, "to": list(to)})
    changed = Batch(batch.id, to, fields, batch.created_at, call.now)
    _business(call.account, changed, added)
    return _changed(call, batch, changed)


def replace_batch(call: Call) -> dict[str, Any]:
    """Replace a batch as a whole; it keeps its ID and when it was created."""
    batch = _batch(call)
    new = _new_batch(call)
    _business(call.account, new, new.to)
    return _changed(call, batch, new)


def cancel_batch(call: Call) -> dict[str, Any]:
    """Cancel a batch; messages that have left are not called back."""
    batch = _batch(call)
    ends = delivery.finished_at(batch)
    if call.account.legacy_codes and ends and ends <= call.now:
        raise Refused(409, "conflict_send_at", "The batch has been sent.")
    if batch.canceled_at is None:
        batch.canceled_at = batch.modified_at = call.now
        call.account.dispatched(call.account, batch)
    return batch_object(batch)


def give_feedback(call: Call) -> None:
    """Take the delivery feedback for a batch that asked for it."""
    batch = _batch(call)
    if not batch.fields.get("feedback_enabled"):
        raise Refused(404)
    if not call.body["recipients"] and any(map(is_group_id, batch.to)):
        raise Refused(400, CONSTRAINT, "recipients: at least 1 entry for a batch to a group")
    numbers = [digits(one) for one in call.body["recipients"]] or list(batch.recipients or batch.to)
    call.account.feedback.setdefault(batch.id, []).extend(numbers)


# --- delivery reports -----------------------------------------------------------------------------


def get_report(call: Call) -> dict[str, Any]:
    """Report on a batch."""
    batch = _batch(call)
    if (wanted := call.query.get("client_reference")) and batch.fields.get(
        "client_reference"
    ) != wanted:
        raise Refused(404)
    return delivery.batch_report(
        batch,
        call.now,
        full=call.query.get("type", "").lower() == "full",
        keep=_report_filter(call),
    )


def get_report_for_number(call: Call) -> dict[str, Any]:
    """Report on one message of a batch."""
    batch, recipient = _batch(call), digits(call.values["recipient_msisdn"])
    change = delivery.state(batch, recipient, call.now)
    if change is None:
        raise Refused(404)
    return delivery.recipient_report(batch, recipient, change)


def list_reports(call: Call) -> dict[str, Any]:
    """List the reports of finished messages, newest first."""
    keep, reference, now = _report_filter(call), call.query.get("client_reference"), call.now
    batches = [
        batch
        for batch in call.account.batches.values()
        if not reference or batch.fields.get("client_reference") == reference
    ]
    start = call.account.since(_instant(call, "start_date"))
    states = [
        (change.at, batch, recipient, change)
        for batch in batches
        if batch.expires_at >= start
        for recipient, change in delivery.states(batch, now)
        if change.final and change.at <= now and keep(change)
    ]
    found = sorted(_window(call, states, lambda one: one[0]), key=lambda one: one[0], reverse=True)
    return _page(
        call,
        "delivery_reports",
        found,
        lambda one: delivery.recipient_report(one[1], one[2], one[3]),
    )


# --- inbounds -------------------------------------------------------------------------------------


def list_inbounds(call: Call) -> dict[str, Any]:
    """List inbound messages of the window, newest first."""
    to, reference = {digits(one) for one in _words(call, "to")}, call.query.get("client_reference")
    within = _window(
        call, call.account.inbounds.values(), lambda inbound: instant_of(inbound["received_at"])
    )
    found = [
        one
        for one in within
        if (not to or one["to"] in to)
        and (not reference or one.get("client_reference") == reference)
    ]
    return _page(call, "inbounds", found, dict)


def get_inbound(call: Call) -> dict[str, Any]:
    """Show an inbound message."""
    inbound = call.account.inbounds.get(call.values["inbound_id"])
    if inbound is None or _is_forgotten(call, instant_of(inbound["received_at"])):
        raise Refused(404)
    return inbound


# --- groups ---------------------------------------------------------------------------------------


def list_groups(call: Call) -> dict[str, Any]:
    """List groups, newest first."""
    tags = set(_words(call, "tags"))
    return _page(
        call,
        "groups",
        [group for group in reversed(call.account.groups.values()) if tags.issubset(group.tags)],
        group_object,
    )


def create_group(call: Call) -> dict[str, Any]:
    """Make a group."""
    given = call.given("group")
    _groups_known(call.account, given.get("child_groups", ()))
    _name_free(call, given.get("name"), None)
    return group_object(call.account.add_group(**given))


def get_group(call: Call) -> dict[str, Any]:
    """Show a group."""
    return group_object(_group(call))


def update_group(call: Call) -> dict[str, Any]:
    """Change a group: first what is added, then what is removed."""
    group, account, given = _group(call), call.account, call.given("group_update")
    named = [given[name] for name in ("add_from_group", "remove_from_group") if name in given]
    _groups_known(account, [*named, *given.get("child_groups_add", ())])
    _name_free(call, given.get("name"), group)
    if "name" in call.body:
        group.name = call.body["name"]
    if "auto_update" in call.body:
        group.auto_update = call.body["auto_update"]
    added, removed = (
        [*map(digits, given.get(name, ())), *_members(account, given.get(f"{name}_from_group"))]
        for name in ("add", "remove")
    )
    gone = {*removed, *given.get("child_groups_remove", ())}
    group.members = {number: None for number in (*group.members, *added) if number not in gone}
    children = dict.fromkeys((*group.child_groups, *given.get("child_groups_add", ())))
    group.child_groups = [child for child in children if child not in gone]
    group.modified_at = call.now
    return group_object(group)


def replace_group(call: Call) -> dict[str, Any]:
    """Replace a group as a whole; it keeps its ID and when it was created."""
    group, given = _group(call), call.given("group_replace")
    _groups_known(call.account, given.get("child_groups", ()))
    _name_free(call, given.get("name"), group)
    group.name, group.auto_update = given.get("name"), given.get("auto_update")
    group.members, group.child_groups = (
        dict.fromkeys(map(digits, given["members"])),
        list(given.get("child_groups", ())),
    )
    group.tags, group.modified_at = list(given.get("tags", ())), call.now
    return group_object(group)


def delete_group(call: Call) -> None:
    """Delete a group; batches that wait for it find it empty."""
    del call.account.groups[_group(call).id]


def list_members(call: Call) -> list[str]:
    """Return the numbers in a group."""
    return list(_group(call).members)


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "batches.send": send, "batches.list": list_batches, "batches.dry_run": dry_run,
    "batches.get": get_batch, "batches.update": update_batch, "batches.replace": replace_batch,
    "batches.cancel": cancel_batch, "batches.send_delivery_feedback": give_feedback,
    "delivery_reports.get": get_report, "delivery_reports.get_for_number": get_report_for_number,
    "delivery_reports.list": list_reports, "inbounds.list": list_inbounds,
    "inbounds.get": get_inbound, "groups.list": list_groups, "groups.create": create_group,
    "groups.get": get_group, "groups.update": update_group, "groups.replace": replace_group,
    "groups.delete": delete_group, "groups.list_members": list_members,
}  # fmt: skip


# --- objects as the API shows them ----------------------------------------------------------------

_BEFORE = ("parameters", "body", "udh")
_AFTER = (
    "callback_url", "client_reference", "feedback_enabled", "flash_message", "truncate_concat",
    "max_number_of_message_parts", "from_ton", "from_npi", "strict_validation", "tags",
    "campaign_id", "dlt_principal_entity_id", "dlt_template_id",
)  # fmt: skip


def batch_object(batch: Batch) -> dict[str, Any]:
    """Return a batch in the key order seen live; what was not set is left out."""
    fields = batch.fields
    shown: dict[str, Any] = {"id": batch.id, "to": list(batch.to)}
    if "from" in fields:
        shown["from"] = fields["from"].removeprefix("+")
    shown["canceled"] = batch.canceled_at is not None
    shown |= {name: fields[name] for name in _BEFORE if name in fields}
    shown |= {
        "type": batch.type,
        "created_at": stamp(batch.created_at),
        "modified_at": stamp(batch.modified_at),
    }
    shown["delivery_report"] = fields.get("delivery_report", "none")
    if send_at := instant_of(fields.get("send_at", "")):
        shown["send_at"] = stamp(send_at)
    shown["expire_at"] = stamp(batch.expires_at)
    defaults = {"flash_message": False} if batch.type == "mt_text" else {}
    return shown | {
        name: value
        for name in _AFTER
        if (value := fields.get(name, defaults.get(name))) is not None
    }


def group_object(group: Group) -> dict[str, Any]:
    """Return a group as the API shows it."""
    shown: dict[str, Any] = {"id": group.id} | ({"name": group.name} if group.name else {})
    shown |= {
        "size": len(group.members),
        "created_at": stamp(group.created_at),
        "modified_at": stamp(group.modified_at),
        "child_groups": group.child_groups,
    }
    if group.auto_update:
        keywords = {
            name: group.auto_update[name]
            for name in ("add", "remove")
            if group.auto_update.get(name)
        }
        shown["auto_update"] = {"to": digits(str(group.auto_update["to"])), **keywords}
    return shown


# --- pieces ---------------------------------------------------------------------------------------


def _new_batch(call: Call) -> Batch:
    kind = call.body.get("type") or "mt_text"
    given = call.given(f"batch:{kind}")
    to = recipients_of(given.pop("to"))
    return Batch(call.account.new_id(), to, given, call.now, call.now)


def _business(account: Account, batch: Batch, to: Iterable[str]) -> None:
    if account.blocked:
        raise Refused(403, "blocked_account", "The account is blocked.")
    _groups_known(account, filter(is_group_id, to))
    if batch.fields.get("delivery_report", "none") != "none" and not (
        batch.fields.get("callback_url") or account.callback_url
    ):
        raise Refused(403, "missing_callback_url", MISSING_CALLBACK)
    if account.illegal_countries:
        for number in to:
            if msisdn_defect(f"+{number}")[2].get("country") in account.illegal_countries:
                raise Refused(
                    403,
                    "illegal_number_type",
                    f"The type of number {number!r} is not allowed in this region.",
                )


def _groups_known(account: Account, group_ids: Iterable[str]) -> None:
    for group_id in group_ids:
        if group_id not in account.groups:
            raise Refused(403, "unknown_group", f"Group {group_id!r} is unknown or was deleted.")


def _name_free(call: Call, name: str | None, group: Group | None) -> None:
    if (
        call.account.legacy_codes
        and name
        and any(one.name == name and one is not group for one in call.account.groups.values())
    ):
        raise Refused(403, "conflict_group_name", f"A group named {name!r} exists.")


def _check_whole(call: Call, body: dict[str, Any]) -> None:
    wrong = body_violations(BY_TEMPLATE["POST /batches"], body, now=call.now)[:1]
    if wrong and wrong[0].severity == "error":
        raise Refused(wrong[0].status or 400, wrong[0].code, text_of(wrong[0], body))


def _changed(call: Call, batch: Batch, new: Batch) -> dict[str, Any]:
    if batch.recipients is not None and call.account.legacy_codes:
        raise Refused(403, "batch_already_dispatched", "The batch has been sent.")
    batch.to, batch.fields, batch.values, batch.modified_at = new.to, new.fields, None, call.now
    if batch.recipients is None:
        call.account.schedule(batch)
    return batch_object(batch)


def _batch(call: Call) -> Batch:
    batch = call.account.batches.get(call.values["batch_id"])
    if batch is None or _is_forgotten(call, batch.due_at):
        raise Refused(404)
    return batch


def _group(call: Call) -> Group:
    group = call.account.groups.get(call.values["group_id"])
    if group is None:
        raise Refused(404)
    return group


def _members(account: Account, group_id: str | None) -> Iterable[str]:
    return account.groups[group_id].members if group_id else ()


def _is_forgotten(call: Call, born: datetime | None) -> bool:
    return born is not None and born < call.now - timedelta(days=RETENTION_DAYS)


def _words(call: Call, name: str) -> list[str]:
    return [word.strip() for word in call.query.get(name, "").split(",") if word.strip()]


def _instant(call: Call, name: str) -> datetime | None:
    return instant_of(call.query.get(name, "").replace(" ", "+"))


def _window(call: Call, items: Iterable[Any], born: Callable[[Any], datetime | None]) -> list[Any]:
    start, end = call.account.since(_instant(call, "start_date")), _instant(call, "end_date")
    found = [
        item for item in items if (at := born(item)) and at >= start and (end is None or at < end)
    ]
    return found[::-1]


def _report_filter(call: Call) -> Callable[[delivery.Change], bool]:
    statuses, codes = (
        {word.capitalize() for word in _words(call, "status")},
        {int(word) for word in _words(call, "code")},
    )
    return lambda change: (
        (not statuses or change.status in statuses) and (not codes or change.code in codes)
    )


def _page(call: Call, name: str, found: list[Any], show: Callable[[Any], Any]) -> dict[str, Any]:
    page, size = int(call.query.get("page") or 0), int(call.query.get("page_size") or 30)
    shown = [show(item) for item in found[page * size : (page + 1) * size]]
    return {"count": len(found), "page": page, "page_size": len(shown), name: shown}
