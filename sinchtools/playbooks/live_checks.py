"""
Decide steps by a read-only call.

It is made only through a client that was given, which is the consent. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sinchtools.api import catalogue, description
from sinchtools.api.validation import is_group_id
from sinchtools.client.client import Client
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.generic_http import parsed
from sinchtools.playbooks.check_rows import NOT_DECIDABLE, Checked
from sinchtools.playbooks.shows import batch_id_of

_MOST_GROUPS = 5
_ON_ITS_WAY = (400, 401)
_MADE = " A read-only call was made."


def live_check(name: str, exchange: Exchange, client: Client) -> Checked:
    """
    Decide a step by a read through the client.

    The client must be one of the account in question.
    """
    if exchange.account and exchange.account != client.account:
        return Checked(
            NOT_DECIDABLE,
            f"The client is of another account than the exchange's, {exchange.account[:40]}: no "
            f"call was made.",
        )
    state, proof = LIVE[name](exchange, client)
    return Checked(state, proof)


def token_fits_plan(exchange: Exchange, client: Client) -> tuple[str, str]:
    """Ask for one batch: whether the token belongs to the account in the path."""
    answer = client.batches.list(page_size=1)
    if answer.http_outcome == "success":
        says = "The client's token belongs to this account"
        return "ok", f"{says}: GET /batches returned {answer.status}.{_MADE}"
    if answer.status == 401:
        says = "The client's token does not belong to this account"
        return "problem", f"{says}: GET /batches returned 401.{_MADE}"
    return _unclear(answer)


def delivery_report(exchange: Exchange, client: Client) -> tuple[str, str]:
    """Ask what became of the batch."""
    batch_id = batch_id_of(exchange)
    if batch_id is None:
        says = "Neither the response nor the path shows a batch ID. No call was made."
        return NOT_DECIDABLE, says
    answer = client.delivery_reports.get(batch_id, type="full")
    if answer.status == 404:
        return "problem", f"There is no delivery report (yet) for the batch {batch_id[:40]}.{_MADE}"
    if answer.http_outcome != "success":
        return _unclear(answer)
    counts = _counts(parsed(answer.response_body))
    if counts is None:
        return _unclear(answer)
    words = "; ".join(
        f"{count} x {code} ({catalogue.explain(delivery=code).title})"
        for code, count in counts.items()
    )
    proof = f"The delivery report says: {words or 'nothing yet'}.{_MADE}"
    if any(code not in (0, *_ON_ITS_WAY) for code in counts):
        return "problem", proof
    return "ok" if set(counts) == {0} else NOT_DECIDABLE, proof


def _counts(report: object) -> dict[int, object] | None:
    """Return how many messages have each delivery code; None where this is not a report."""
    statuses = report.get("statuses") if isinstance(report, dict) else None
    if not isinstance(statuses, list):
        return None
    return {
        one["code"]: one.get("count")
        for one in statuses
        if isinstance(one, dict) and isinstance(one.get("code"), int)
    }


def group_exists(exchange: Exchange, client: Client) -> tuple[str, str]:
    """Ask for each group that the request names."""
    groups = list(dict.fromkeys(_groups(exchange)))[:_MOST_GROUPS]
    if not groups:
        return NOT_DECIDABLE, "The request names no group: no call was made."
    missing = [group for group in groups if client.groups.get(group).status == 404]
    there = f"{len(groups) - len(missing)} of {len(groups)} groups that the request names exist"
    proof = f"{there} for this account.{''.join(f' Not known: {group}.' for group in missing)}"
    return "problem" if missing else "ok", f"{proof}{_MADE}"


def resource_exists(exchange: Exchange, client: Client) -> tuple[str, str]:
    """Ask again for what the path names."""
    values = description.locate(exchange.url or "").values
    reads = (
        ("batch_id", client.batches.get),
        ("group_id", client.groups.get),
        ("inbound_id", client.inbounds.get),
    )
    for name, read in reads:
        if name in values:
            answer = read(values[name])
            known = {200: "ok", 404: "problem"}.get(answer.status or 0)
            words = (
                f"{name} {values[name][:40]} is {'known' if known == 'ok' else 'not known'} "
                f"to this account now ({answer.status}).{_MADE}"
            )
            return (known, words) if known else _unclear(answer)
    return NOT_DECIDABLE, "The path names no batch, group or inbound: no call was made."


LIVE: dict[str, Callable[[Exchange, Client], tuple[str, str]]] = {  # as playbooks.toml names them
    "token-fits-plan": token_fits_plan,
    "delivery-report": delivery_report,
    "group-exists": group_exists,
    "resource-exists": resource_exists,
}


def _unclear(answer: Exchange) -> tuple[str, str]:
    returned = answer.status or answer.failure or "nothing"
    return NOT_DECIDABLE, f"The read returned {returned}, which does not settle it.{_MADE}"


def _groups(exchange: Exchange) -> Iterator[str]:
    body = parsed(exchange.request_body)
    for name, value in body.items() if isinstance(body, dict) else ():
        is_one = name in ("add_from_group", "remove_from_group")
        entries = value if isinstance(value, list) else [value] if is_one else []
        yield from (entry for entry in entries if isinstance(entry, str) and is_group_id(entry))
