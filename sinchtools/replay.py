"""
Replay without harm: a plan with the reasons against it, a confirmed run, and a verdict on each exchange.

The original is never changed; what is sent is a child row. The sandbox is the default; nothing else runs without its switch.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sinchtools import settings
from sinchtools.api import digits, locate, parts_of
from sinchtools.calllog import CallLog
from sinchtools.catalogue import card, retry_advice
from sinchtools.checks import instant_of, is_group_id
from sinchtools.client import Client, Token, connect
from sinchtools.diagnosis import Diagnosis, diagnose
from sinchtools.errors import NotAllowedError, WrongUseError
from sinchtools.records import Exchange, Finding, header
from sinchtools.redact import MARKER, marker_facts
from sinchtools.tables import frame

if TYPE_CHECKING:
    import pandas as pd

    from sinchtools.sandbox import Account, Sandbox

VERDICTS = ("FIXED", "SAME", "CHANGED", "WORSE", "INCONCLUSIVE")
NOT_SENT = {
    "host",
    "content-length",
    "connection",
    "accept-encoding",
    "transfer-encoding",
    "cookie",
    "te",
    "expect",
    "upgrade",
    "proxy-authorization",
}
_SET_UP_BY_STATE = {(403, "unknown_group"), (403, "missing_callback_url")}
_EDITABLE = ("method", "url", "headers", "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """
    One exchange of a plan.

    Attributes
    ----------
    original
        The evidence, as it was read.
    request
        What would be sent: the original, or its edited copy.
    fault
        Status and code of the named fault that stands in for a cause outside the request, or None.
    against
        Reasons against sending it at all; it is held back while there is one.
    assumed
        What the sandbox is set up with because the original answer implies it.
    """

    original: Exchange
    request: Exchange
    fault: tuple[int, str | None] | None = None
    against: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether somebody changed the request."""
        parts = ("method", "url", "request_headers", "request_body")
        return any(getattr(self.original, name) != getattr(self.request, name) for name in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one exchange: its child row (None when nothing was sent), the verdict, and the reasons for it."""

    original: Exchange
    child: Exchange | None
    verdict: str
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the object of ``sinchtools replay --json``."""
        child = self.child
        return {
            "id": child and child.id, "parent_id": self.original.id, "status": child and child.status, "code": child and child.code,
            "verdict": self.verdict, "reasons": list(self.reasons),
        }  # fmt: skip


class Replayed(Sequence[Result]):
    """The results of a run, one per exchange, in the order of the plan."""

    def __init__(self, results: Iterable[Result], target: str) -> None:
        self.results, self.target = tuple(results), target

    def __getitem__(self, index: Any) -> Any:
        return self.results[index]

    def __len__(self) -> int:
        return len(self.results)

    @property
    def frame(self) -> pd.DataFrame:
        """The child rows, with the columns of every exchange frame."""
        return frame(result.child for result in self.results if result.child is not None)

    @property
    def verdicts(self) -> pd.DataFrame:
        """One row per exchange: id of the child, parent_id, was, now, verdict, reasons."""
        import pandas as pd

        rows = [
            {
                "id": r.child and r.child.id, "parent_id": r.original.id, "endpoint": r.original.endpoint, "was": _answer(r.original),
                "now": _answer(r.child) if r.child else "not sent", "verdict": r.verdict, "reasons": "; ".join(r.reasons),
            }
            for r in self.results
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["id", "parent_id", "endpoint", "was", "now", "verdict", "reasons"], dtype="string")

    def as_json(self) -> dict[str, Any]:
        """Return the object of ``sinchtools replay --json``."""
        return {"results": [result.as_json() for result in self.results]}

    def __repr__(self) -> str:
        lines = [
            f"{r.verdict:<12} {_answer(r.original)} -> {_answer(r.child) if r.child else 'not sent'}  {'; '.join(r.reasons)}"
            for r in self.results[:20]
        ]
        more = [f"... and {len(self) - 20} more"] * (len(self) > 20)
        return "\n".join(
            [f"Replayed {len(self)} of {len(self)} to {self.target.upper()}{' (simulated)' if self.target == 'sandbox' else ''}", *lines, *more]
        )

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th scope=col style='text-align:left;padding-right:1.2em'>{name}</th>" for name in ("Verdict", "Request", "Was", "Now", "Why")
        )
        cells = [
            (r.verdict, r.original.endpoint or "", _answer(r.original), _answer(r.child) if r.child else "not sent", "; ".join(r.reasons))
            for r in self.results[:20]
        ]
        rows = "".join(
            "<tr>" + "".join(f"<td style='text-align:left;padding-right:1.2em;vertical-align:top'>{escape(c)}</td>" for c in row) + "</tr>"
            for row in cells
        )
        more = f"<p>Shown are 20 of {len(self):,}.</p>" if len(self) > 20 else ""
        simulated = " (simulated)" if self.target == "sandbox" else ""
        return card(f"Replayed to {self.target.upper()}{simulated}", f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}")


class Plan:
    """
    What would be sent where, and the reasons against it; making one sends nothing.

    Attributes
    ----------
    items
        One per exchange, in the order in which they would be sent.
    target
        ``preview``, ``sandbox``, ``dry-run`` or ``live``.
    """

    def __init__(self, items: Iterable[Item], target: str, log: CallLog | None) -> None:
        self.items, self.target, self._log = tuple(items), target, log

    @property
    def frame(self) -> pd.DataFrame:
        """One row per exchange: id, method, path, changed, fault, assumed, against; credentials are not shown."""
        import pandas as pd

        rows = [
            {
                "id": i.original.id, "method": i.request.method, "path": locate(i.request.url or "").path, "changed": "yes" if i.changed else "no",
                "fault": " ".join(str(part) for part in i.fault if part) if i.fault else None,
                "assumed": "; ".join(i.assumed), "against": "; ".join(i.against),
            }
            for i in self.items
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["id", "method", "path", "changed", "fault", "assumed", "against"], dtype="string")

    @property
    def reasons(self) -> dict[str, tuple[str, ...]]:
        """The reasons against, by the id of the exchange; one without any is not in it."""
        return {item.original.id: item.against for item in self.items if item.against}

    @property
    def effect(self) -> str:
        """What would happen to the outside world; dry-run and live run only when this is typed."""
        if self.target in {"preview", "sandbox"}:
            return "nothing leaves this machine"
        going = [item for item in self.items if not item.against]
        if self.target == "dry-run":
            return f"ask the vendor about {len(going)} requests, send 0 SMS"
        messages, people = _weight(item.request for item in going)
        return f"send {messages} SMS to {people} people" if messages else f"make {len(going)} requests, send 0 SMS"

    def run(self, *, confirm: str | None = None) -> Replayed:
        """
        Send what the plan holds, except what has a reason against it.

        Parameters
        ----------
        confirm
            For dry-run and live: the text of `effect`, typed by a person.

        Raises
        ------
        NotAllowedError
            The target is not switched on, or `confirm` is not the effect.
        """
        if self.target == "preview":
            return Replayed((_held(item, "preview: nothing was sent") for item in self.items), self.target)
        if self.target == "sandbox":
            return Replayed(_in_sandbox(self.items, self._log), self.target)
        _check_allowed(self.target)
        if confirm != self.effect:
            raise NotAllowedError(f"This plan would {self.effect!r}, and that was not confirmed.", hint="Pass exactly these words as confirm=.")
        return Replayed(_at_vendor(self.items, self.target, self._log), self.target)

    def __repr__(self) -> str:
        held = len(self.reasons)
        return f"<Plan for {self.target.upper()}: {len(self.items)} requests, {held} held back; effect: {self.effect}>"


def plan(
    evidence: Exchange | Iterable[Exchange],
    *,
    target: str = "sandbox",
    edits: Mapping[str, Mapping[str, Any]] | None = None,
    log: CallLog | None = None,
) -> Plan:
    """
    Return what a replay would do, and what speaks against it; sends nothing.

    Parameters
    ----------
    evidence
        One exchange, or many.
    target
        A rung of the ladder: preview, sandbox, dry-run or live.
    edits
        Changes by the id of the exchange: ``{"method": ..., "url": ..., "headers": {...}, "body": ...}``, each optional; a header of
        None is taken out.

    Raises
    ------
    WrongUseError
        The target or a key of an edit does not exist.
    NotAllowedError
        Dry-run or live, and SINCHTOOLS_ALLOW does not switch it on.
    """
    if target not in settings.RUNGS:
        raise WrongUseError(f"{target!r} is no target.", hint=f"Use one of: {', '.join(settings.RUNGS)}.")
    _check_allowed(target)
    exchanges = [evidence] if isinstance(evidence, Exchange) else list(evidence)
    edits = edits or {}
    if unknown := set(edits) - {exchange.id for exchange in exchanges}:
        raise WrongUseError(f"There is no exchange {sorted(unknown)[0]!r} to edit.", hint="Use an id from the evidence's frame.")
    return Plan((_item(exchange, edits.get(exchange.id), target) for exchange in exchanges), target, log)


def replay(
    evidence: Exchange | Iterable[Exchange], *, target: str = "sandbox", edit: Mapping[str, Any] | None = None, log: CallLog | None = None
) -> Replayed:
    """
    Plan and run at once, for preview and sandbox; `edit` changes a single exchange before it is sent.

    Raises
    ------
    NotAllowedError
        The target is dry-run or live: these run only through ``plan(...).run(confirm=...)``.

    Examples
    --------
    >>> import tempfile
    >>> bad = Exchange(id="a", method="POST", url="https://us.sms.api.sinch.com/xms/v1/p1/batches", request_body="{", status=400,
    ...                code="syntax_invalid_json", request_headers={"Authorization": "Bearer [secret opaque 32 #1]",
    ...                                                              "Content-Type": "application/json"})
    >>> replay(bad, log=CallLog(tempfile.mkdtemp() + "/calls.sqlite"))[0].verdict
    'SAME'
    """
    if target not in {"preview", "sandbox"}:
        raise NotAllowedError(f"{target} is not run at once.", hint="Make a plan with st.plan(...), look at it, then plan.run(confirm=plan.effect).")
    edits = None
    if edit is not None:
        exchanges = [evidence] if isinstance(evidence, Exchange) else list(evidence)
        if len(exchanges) != 1:
            raise WrongUseError(f"An edit is for one exchange, and there are {len(exchanges)}.", hint="Use st.plan(..., edits={id: {...}}).")
        evidence, edits = exchanges, {exchanges[0].id: edit}
    return plan(evidence, target=target, edits=edits, log=log).run()


def edited(exchange: Exchange, edit: Mapping[str, Any] | None) -> Exchange:
    """Return a copy of the request with the changes made; the original stays as it is."""
    if not edit:
        return exchange
    if unknown := set(edit) - set(_EDITABLE):
        raise WrongUseError(f"{sorted(unknown)[0]!r} is no part of a request.", hint=f"An edit has the keys {', '.join(_EDITABLE)}.")
    headers = dict(exchange.request_headers)
    for name, value in (edit.get("headers") or {}).items():
        headers = {key: old for key, old in headers.items() if key.lower() != name.lower()} | ({name: value} if value is not None else {})
    body = edit.get("body", exchange.request_body)
    return replace(
        exchange,
        method=edit.get("method", exchange.method),
        url=edit.get("url", exchange.url),
        request_headers=headers,
        request_body=body if body is None or isinstance(body, (str, bytes)) else json.dumps(body, ensure_ascii=False),
        endpoint=_endpoint(edit.get("method", exchange.method), edit.get("url", exchange.url)),
    )


def verdict_of(
    original: Exchange, child: Exchange, *, changed: bool, fault: bool = False, was: Finding | None = None, now: Finding | None = None
) -> tuple[str, str]:
    """
    Return the verdict on a replay, and the reason for it.

    Parameters
    ----------
    changed
        Whether somebody changed the request.
    fault
        Whether the answer came from a named fault of the sandbox.
    was, now
        The first finding on the original and on the replay: two answers of one code may have different reasons.
    """
    for holds, verdict, reason in _rules_of_verdict(original, child, changed, fault, was, now):
        if holds:
            return verdict, reason
    return "CHANGED", "another answer for another reason"


def _rules_of_verdict(
    original: Exchange, child: Exchange, changed: bool, fault: bool, was: Finding | None, now: Finding | None
) -> Iterable[tuple[bool, str, str]]:
    same_answer = (original.status, original.code) == (child.status, child.code)
    passed, passes = original.outcome == "success", child.outcome == "success"
    same_reason = (was and (was.rule, was.field)) == (now and (now.rule, now.field))
    outside = original.status is not None and (original.status == 429 or original.status >= 500)
    return (
        (child.status is None, "INCONCLUSIVE", f"no answer ({child.failure})"),
        (fault, "INCONCLUSIVE", "by fault: the cause is not in the request, so the sandbox can only show it"),
        (original.status is None, "INCONCLUSIVE", "the original answer is not known"),
        (not changed and same_answer, "SAME", "unchanged, and answered as before"),
        (not changed, "INCONCLUSIVE", "not reproduced: the unchanged request is answered differently here"),
        (original.account != child.account, "INCONCLUSIVE", "another account than the original's"),
        (original.endpoint not in (None, child.endpoint), "INCONCLUSIVE", "another endpoint than the original's"),
        (passed and passes, "SAME", "passed before, passes now"),
        (passed, "WORSE", "passed before, fails now"),
        (passes and outside, "INCONCLUSIVE", f"a {original.status} is not caused by the request, so the change cannot have mended it"),
        (passes, "FIXED", "the change removes the reason of the original failure"),
        (original.outcome == "user_error" and child.outcome == "sinch_error", "WORSE", "a server error now"),
        (same_answer and same_reason, "SAME", "the change does not help: the same reason"),
    )


# --- planning --------------------------------------------------------------------------------------------------------


def _item(exchange: Exchange, edit: Mapping[str, Any] | None, target: str) -> Item:
    request = edited(exchange, edit)
    against = _against(exchange, request, target)
    if target not in {"preview", "sandbox"} or against:
        return Item(original=exchange, request=request, against=against)
    found = diagnose(exchange, now=exchange.at)
    return Item(original=exchange, request=request, against=against, fault=_fault(exchange, found), assumed=_assumed(exchange, request))


def _against(original: Exchange, request: Exchange, target: str) -> tuple[str, ...]:
    if request.method is None or request.url is None:
        return ("the evidence holds no request",)
    if not locate(request.url).is_sms_api:
        return ("not a request to the SMS API: never replayed",)
    return tuple(_against_vendor(original, request, target)) if target in {"dry-run", "live"} else ()


def _against_vendor(original: Exchange, request: Exchange, target: str) -> Iterable[str]:
    place, reads = locate(request.url or ""), (request.method or "").upper() == "GET"
    if place.account != settings.credentials().account:
        yield "another account than the configured credentials'"
    if MARKER.search(str(request.request_body or "")) or MARKER.search(request.url or ""):
        yield "a redacted part is missing"
    if target == "dry-run" and not reads and request.endpoint not in {"POST /batches", "POST /batches/dry_run"}:
        yield "the vendor has no dry run of this operation"
    if target == "live" and not reads:
        html = str(original.response_body or "").lstrip()[:1] == "<"
        advice, reason = retry_advice(original.status, original.code, original.method or "", failure=original.failure, html=html)
        if advice == "ask-first":
            yield f"may already have been sent: {reason}"
        if original.outcome == "success":
            yield "was accepted already: a replay sends it twice"
        send_at = instant_of(str(_json_of(request).get("send_at")))
        if send_at and send_at < datetime.now(UTC):
            yield "send_at is past: it would be sent at once"


def _fault(exchange: Exchange, found: Diagnosis) -> tuple[int, str | None] | None:
    if exchange.status is None or exchange.outcome not in {"user_error", "sinch_error"} or (exchange.status, exchange.code) in _SET_UP_BY_STATE:
        return None
    in_request = any(
        f.severity == "error"
        and (f.status, f.code) == (exchange.status, exchange.code)
        and f.location != "host"
        and not f.rule.startswith("observed")
        for f in found.findings
    )
    return None if in_request else (exchange.status, exchange.code)


def _assumed(original: Exchange, request: Exchange) -> tuple[str, ...]:
    found = []
    if groups := _group_ids(request):
        missing = original.code == "unknown_group"
        found.append(f"{'unknown' if missing else 'existing'} group: {', '.join(groups[:3])}")
    if _json_of(request).get("delivery_report") not in (None, "none"):
        found.append("no callback URL on the plan" if original.code == "missing_callback_url" else "a callback URL on the plan")
    if original.at is not None:
        found.append("the clock of the original")
    return tuple(found)


def _group_ids(request: Exchange) -> list[str]:
    body = _json_of(request)
    listed = [entry for name in ("to", "to_add", "child_groups") if isinstance(body.get(name), list) for entry in body[name]]
    named = [body.get(name) for name in ("add_from_group", "remove_from_group")]
    return list(dict.fromkeys(entry for entry in (*listed, *named) if isinstance(entry, str) and is_group_id(entry)))


# --- the sandbox -----------------------------------------------------------------------------------------------------


def _in_sandbox(items: Iterable[Item], log: CallLog | None) -> list[Result]:
    from sinchtools.sandbox import Sandbox

    log = log if log is not None else CallLog()
    with Sandbox() as sandbox:
        client = Client(
            base_url=sandbox.url, account=sandbox.service_plan_id, token=Token(sandbox.api_token), log=log, target="sandbox", sandbox=sandbox
        )
        return [_held(item, *item.against) if item.against else _simulated(item, client, sandbox) for item in items]


def _simulated(item: Item, client: Client, sandbox: Sandbox) -> Result:
    original, notes = item.original, []
    sandbox.clock.set(original.at or datetime.now(UTC))
    if original.status is None and item.changed:
        baseline = _sent(original, item, client, sandbox)
        original = replace(original, status=baseline.status, code=baseline.code, text=baseline.text, response_body=baseline.response_body)
        notes.append(f"the original answer is not known; unchanged, the sandbox answers {_answer(baseline)}")
    child = _sent(item.request, item, client, sandbox)
    was, now = (next(iter(diagnose(x, now=item.original.at).findings), None) for x in (original, child))
    verdict, reason = verdict_of(original, child, changed=item.changed, fault=item.fault is not None, was=was, now=now)
    assumed = (f"assumed: {', '.join(item.assumed)}",) * bool(item.assumed)
    return Result(original=item.original, child=child, verdict=verdict, reasons=(*notes, reason, *assumed))


def _sent(request: Exchange, item: Item, client: Client, sandbox: Sandbox) -> Exchange:
    place = locate(request.url or "")
    account = sandbox.account(place.account or sandbox.service_plan_id, kind="project" if place.kind == "project" else "plan")
    _set_up(account, item)
    if item.fault:
        sandbox.faults.clear()
        sandbox.faults.add(status=item.fault[0], **({"code": item.fault[1]} if item.fault[1] else {}), times=1)
    parts = urlsplit(request.url or "")
    headers: dict[str, str | None] = {k: v for k, v in request.request_headers.items() if k.lower() not in NOT_SENT and not k.startswith(":")}
    headers = {k: v for k, v in headers.items() if k.lower() != "authorization"} | {"Authorization": _authorization(request, account)}
    path = parts.path.replace(" ", "%20") + (f"?{parts.query}" if parts.query else "")
    return client.request(request.method or "GET", f"{sandbox.url}{path}", data=request.request_body, headers=headers, parent_id=item.original.id)


def _set_up(account: Account, item: Item) -> None:
    answered = item.original.status
    account.callback_url = None if item.original.code == "missing_callback_url" else "https://callback.invalid/"
    if item.original.code != "unknown_group":
        for group_id in _group_ids(item.request):
            account.add_group(group_id, members=("15551230001",))
    values = locate(item.request.url or "").values
    if answered is None or answered != 404:
        for name, add in (("batch_id", account.add_batch), ("group_id", account.add_group), ("inbound_id", account.add_inbound)):
            if name in values:
                add(values[name])


def _authorization(request: Exchange, account: Account) -> str | None:
    value = header(request.request_headers, "Authorization")
    if value is None:
        return None
    facts = marker_facts(value)
    if facts is None:
        return value
    token = account.token
    if "expires" in facts and (expires := instant_of(facts["expires"])) and expires <= (request.at or datetime.now(UTC)):
        token = account.issue_token(-1)
    token = f'"{token}"' if "quoted" in facts else token[:4] + " " + token[4:] if "inner-space" in facts else token
    if facts["kind"] == "pair":
        token = base64.b64encode(f"{account.id}:{token}".encode()).decode()
    return MARKER.sub(lambda _: token, value)


# --- the vendor ------------------------------------------------------------------------------------------------------


def _check_allowed(target: str) -> None:
    order = settings.RUNGS
    if order.index(target) > order.index(settings.allowed_rung()) and target in {"dry-run", "live"}:
        raise NotAllowedError(
            f"The target {target!r} is not switched on.", hint=f"Set SINCHTOOLS_ALLOW={target} in the environment; the sandbox needs no switch."
        )


def _at_vendor(items: Iterable[Item], target: str, log: CallLog | None) -> list[Result]:
    log = log if log is not None else CallLog()
    sent_before = {exchange.parent_id for exchange in log if exchange.target == target}
    client = connect("live", log=log)
    results = []
    for item in items:
        if item.against or item.original.id in sent_before:
            results.append(_held(item, *(item.against or ("was replayed before: sent once only",))))
            continue
        sent_before.add(item.original.id)
        child = _to_vendor(item.request, item.original.id, target, client)
        verdict, reason = verdict_of(item.original, child, changed=item.changed)
        results.append(Result(original=item.original, child=child, verdict=verdict, reasons=(reason,)))
    return results


def _to_vendor(request: Exchange, parent_id: str, target: str, client: Client) -> Exchange:
    parts = urlsplit(request.url or "")
    path = parts.path + ("/dry_run" if target == "dry-run" and request.endpoint == "POST /batches" else "")
    headers = {k: v for k, v in request.request_headers.items() if k.lower() not in {*NOT_SENT, "authorization"} and not k.startswith(":")}
    return client.request(
        request.method or "GET", path + (f"?{parts.query}" if parts.query else ""), data=request.request_body, headers=headers, parent_id=parent_id
    )


def _weight(requests: Iterable[Exchange]) -> tuple[int, int]:
    messages, people = 0, set()
    for request in requests:
        body = _json_of(request)
        if request.endpoint == "POST /batches":
            numbers = [digits(str(entry)) for entry in body.get("to") or []]
            messages += len(numbers) * parts_of(str(body.get("body") or ""))
            people |= set(numbers)
    return messages, len(people)


# --- small things ----------------------------------------------------------------------------------------------------


def _held(item: Item, *reasons: str) -> Result:
    return Result(original=item.original, child=None, verdict="INCONCLUSIVE", reasons=(*reasons,))


def _json_of(request: Exchange) -> dict[str, Any]:
    try:
        body = json.loads(request.request_body or "")
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _endpoint(method: str | None, url: str | None) -> str | None:
    endpoint = locate(url or "").endpoints.get((method or "").upper())
    return endpoint.template if endpoint else None


def _answer(exchange: Exchange) -> str:
    return " ".join(str(part) for part in (exchange.status, exchange.code) if part is not None) or exchange.failure or "no answer"
