"""
Say what the rest of the evidence tells about one exchange.

Tokens that work, groups that are listed, delivery reports, and a like request that passed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sinchtools.api import deliveries
from sinchtools.api.description import Place, locate
from sinchtools.api.validation import is_group_id
from sinchtools.core.json import at_pointer, object_of, value_of
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.core.words import duration
from sinchtools.diagnosis.known_ids import KINDS, KnownIds, made_at, shape_of
from sinchtools.diagnosis.number_starts import NumberStarts, starts_in
from sinchtools.diagnosis.repeated_sends import RepeatedSends
from sinchtools.diagnosis.rules import finding_of
from sinchtools.privacy.markers import marker_number

_NEAR = 0.8  # of two group IDs: at most a few characters apart
_MOST_DIFFERENT = 6  # fields that are named
NATIONAL = ("msisdn-national", "msisdn-no-country-code")
# the country that is guessed from the number alone
_ELSEWHERE = re.compile(
    r", (?:most likely of the US or Canada \(\+1\)|such as \+1 and these \d+ digits)"
)
_GROUP, _LOOKED_AT = re.compile(r'"[0-9A-Z]{26}"'), 2_000  # characters of a send
_SEND = "POST /batches"
_KEPT = 200  # requests of one operation that passed, the latest
_WITH_BODY = ("POST", "PUT")
_MOST_QUOTED = 20  # requests without a response that are looked at
_Rows = dict[str, dict[str, Exchange]]


@dataclass(slots=True)
class Known:
    """
    What the rest of the evidence tells.

    Attributes
    ----------
    accepted
        By the number of a token's marker: the accounts that it worked for, each with a row.
    tokens
        By account: the tokens that worked for it, each with a row.
    groups
        By account: the group IDs that answers list, each with a row.
    regions
        By account: the regions in which its requests passed, each with a row.
    ids
        The IDs that responses gave.
    sends
        The sends that were accepted.
    reports
        By batch ID: the exchanges that hold its delivery reports.
    passed
        By operation and account: requests that passed.
    starts
        How the numbers that were accepted begin.
    quoted
        Requests of which no response is known, such as one that a customer pastes.
    explained
        By kind of refusal: what such a request told of it.
    """

    accepted: _Rows = field(default_factory=dict)
    tokens: _Rows = field(default_factory=dict)
    groups: _Rows = field(default_factory=dict)
    regions: _Rows = field(default_factory=dict)
    ids: KnownIds = field(default_factory=KnownIds)
    sends: RepeatedSends = field(default_factory=RepeatedSends)
    reports: dict[str, list[Exchange]] = field(default_factory=dict)
    passed: dict[tuple[str | None, str | None], list[Exchange]] = field(default_factory=dict)
    starts: NumberStarts = field(default_factory=NumberStarts)
    quoted: list[Exchange] = field(default_factory=list)
    explained: dict[Any, tuple[Finding, dict[str, Any]] | None] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        """Take in what one exchange tells."""
        if exchange.delivery:
            for batch_id, _ in deliveries.reports_of(exchange):
                self.reports.setdefault(batch_id or "", []).append(exchange)
        if _is_quoted(exchange) and len(self.quoted) < _MOST_QUOTED:
            self.quoted.append(exchange)
        if exchange.http_outcome != "success" or not exchange.account:
            return
        if number := _token(exchange):
            self.accepted.setdefault(number, {})[exchange.account] = exchange
            self.tokens.setdefault(exchange.account, {})[number] = exchange
        self.ids.add(exchange)
        self.sends.add(exchange)
        if exchange.region:
            self.regions.setdefault(exchange.account, {})[exchange.region] = exchange
        for group_id in _listed(exchange):
            self.groups.setdefault(exchange.account, {}).setdefault(group_id, exchange)
        self.starts.add(exchange)
        of = self.passed.setdefault((exchange.endpoint, exchange.account), [])
        of.append(exchange)
        del of[:-_KEPT]


NOTHING = Known()


def known(exchanges: Iterable[Exchange]) -> Known:
    """Return what these exchanges tell about others."""
    found = Known()
    for exchange in exchanges:
        found.add(exchange)
    return found


def rule_of_region(exchange: Exchange, others: Known) -> tuple[str, dict[str, Any]] | None:
    """Return what the evidence tells of an account that works in another region only."""
    regions = others.regions.get(exchange.account or "", {})
    if not exchange.region or not regions or exchange.region in regions:
        return None
    region, row = next(reversed(regions.items()))
    tokens = _token(exchange), _token(row)
    facts: dict[str, Any] = {"value": exchange.region, "suggestion": region, "report": _row(row)}
    facts |= {"host": locate(row.url or "").host, "works": "works"}
    if all(tokens):
        facts["token"] = " and token" if tokens[0] == tokens[1] else ", with another token,"
        facts["works"] = "work" if tokens[0] == tokens[1] else "works"
    return "observed-other-region", facts


def rule_of_id(
    exchange: Exchange, place: Place, others: Known
) -> tuple[str, dict[str, Any]] | None:
    """Return what the evidence tells of an ID in a path that is not the right one."""
    for name, asked in place.values.items():
        row = others.ids.row_of(name, asked)
        if row is not None and row.account != exchange.account:
            facts = {"name": name, "value": row.account, "report": _row(row)}
            return "observed-404-other-plan", facts
        if row is None and (found := others.ids.like(name, asked)):
            meant, differs, check = found
            facts = {"name": name, "value": asked, "suggestion": meant, "observed": differs}
            shown = others.ids.row_of(name, meant)
            facts |= {"check": check, "report": _row(shown) if shown else ""}
            return "observed-404-like", facts
        for kind, what in KINDS.items():
            if kind != name and (row := others.ids.row_of(kind, asked)):
                facts = {"name": name, "value": what, "report": _row(row)}
                return "observed-404-other-kind", facts
    return None


def rule_of_age(
    exchange: Exchange, place: Place, others: Known
) -> tuple[str, dict[str, Any]] | None:
    """Return that what was asked for is older than the API keeps it, by the time in its ID."""
    for name, asked in place.values.items():
        is_shown = others.ids.row_of(name, asked) is not None
        made = made_at(asked) if name in _NOT_KEPT and not is_shown else None
        age = exchange.at - made if made and exchange.at else timedelta(0)
        if made and age > _KEPT_FOR and not _found_at_another_time(exchange, others):
            facts = {"name": name, "value": f"{made:%d %b %Y}", "age": duration(age)}
            return "observed-404-old", facts
    return None


def id_facts(exchange: Exchange, place: Place, others: Known) -> dict[str, str]:
    """Return what is known of the last ID in a path, where nothing speaks against it."""
    name, asked = next(reversed(place.values.items()), ("", ""))
    if told := _found_at_another_time(exchange, others):
        return {"shape": told}
    row = others.ids.row_of(name, asked)
    if row is None or row.account != exchange.account:
        shape = shape_of(asked) if name.endswith("_id") else ""
        return {"shape": shape, "check": _CHECK_ID, "late": _TOO_LATE}
    age = exchange.at - row.at if exchange.at and row.at and exchange.at >= row.at else None
    ago = f", {duration(age)} earlier" if age is not None else ""
    what = "a send" if row.endpoint == _SEND else "another response"
    shape = f"The {name} and the service plan are right: {what} in this evidence shows them{ago}."
    return {"shape": shape, "late": "" if age is not None and age < _KEPT_FOR else _TOO_LATE}


def _found_at_another_time(exchange: Exchange, others: Known) -> str:
    """Return that the same request got what it asked for, before or after."""
    like = others.passed.get((exchange.endpoint, exchange.account), ())
    row = next((one for one in like if one.url == exchange.url), None)
    if row is None:
        return ""
    if exchange.at is None or row.at is None or exchange.at == row.at:
        return "In this evidence, the same request passed at another time."
    if row.at > exchange.at:
        return f"In this evidence, the same request passed {duration(row.at - exchange.at)} later."
    return f"In this evidence, the same request passed {duration(exchange.at - row.at)} earlier."


_CHECK_ID = "Check the ID and the service plan. "
_TOO_LATE = "It may have been removed by the retention policy. "
_KEPT_FOR, _NOT_KEPT = timedelta(days=14), ("batch_id", "inbound_id")


def rule_of_token(exchange: Exchange, others: Known) -> tuple[str, dict[str, Any]] | None:
    """Return what the evidence tells of a token that was refused: a rule and its facts."""
    number, account = _token(exchange), exchange.account
    if not number or not account:
        return None
    mine = others.accepted.get(number, {})
    if account in mine:
        return "observed-401-worked", {"report": _row(mine[account])}
    if mine:
        other, row = next(iter(mine.items()))
        return "observed-401-other-plan", {"value": other, "report": _row(row)}
    if working := others.tokens.get(account):
        token, row = next(reversed(working.items()))
        return "observed-401-other-token", {"value": f"#{token}", "report": _row(row)}
    return None


def group_facts(exchange: Exchange, group_id: str | None, others: Known) -> dict[str, Any]:
    """Return what the evidence tells of a group that is not known."""
    listed = others.groups.get(exchange.account or "", {})
    elsewhere = [
        (account, groups[group_id])
        for account, groups in others.groups.items()
        if group_id in groups and account != exchange.account
    ]
    if elsewhere:
        account, row = elsewhere[0]
        owned = "observed-unknown_group-other-plan"
        return {"rule": owned, "value": account, "report": _row(row)}
    near = difflib.get_close_matches(group_id or "", [*listed], n=1, cutoff=_NEAR)
    if not near or near[0] == group_id:
        return {}
    return {
        "listed": f"This service plan has the group {near[0]}.",
        "meant": f"Did you mean {near[0]}? ",
        "replacement": near[0],
        "report": _row(listed[near[0]]),
    }


def with_country(exchange: Exchange, finding: Finding, others: Known) -> Finding:
    """Return a finding on a national number with the number meant, where the account tells it."""
    if finding.rule not in NATIONAL or finding.replacement is not None:
        return finding
    own = dict.fromkeys(starts_in(exchange), exchange)
    starts = own or others.starts.of_account(exchange.account)
    codes = {_country_code(start): row for start, row in starts.items()}
    if len(codes) != 1 or "" in codes:
        return finding
    code, row = next(iter(codes.items()))
    number = value_at(exchange, finding.pointer)
    if not isinstance(number, str) or not (meant := international(number, code)):
        return finding
    like = "international number in this request" if own else "accepted number of this account"
    proof = "" if own else f"One of them: {_row(row)}"
    says, then = (_ELSEWHERE.sub("", text) for text in (finding.says, finding.then))
    return replace(
        finding,
        replacement=meant,
        says=says,
        then=f"{then} Every {like} starts with +{code}.",
        engineer=" ".join(filter(None, (finding.engineer, proof))) or None,
    )


def international(number: str, code: str) -> str | None:
    """
    Return a national number with a country code, if it is a possible number then.

    Examples
    --------
    >>> international("07700 900163", "44"), international("0770", "44")
    ('+447700900163', None)
    >>> international("06 698 12345", "39"), international("07700 900163", "1")
    ('+390669812345', None)
    """
    import phonenumbers

    region = phonenumbers.region_code_for_country_code(int(code))
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(parsed)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE:  # nor for local calls only
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _country_code(start: str) -> str:
    """Return the country code that a number begins with; no code begins with another."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE as CODES

    starts = (start[:n] for n in (1, 2, 3))
    return next((one for one in starts if one.isdigit() and int(one) in CODES), "")


def value_at(exchange: Exchange, pointer: str | None) -> object:
    """Return the value of a request's body at a pointer, or None."""
    return at_pointer(value_of(exchange.request_body), pointer)


def quoted_for(exchange: Exchange, others: Known) -> Iterator[tuple[Exchange, dict[str, Any]]]:
    """
    Yield the requests without a response that may be what was refused, as if they had been.

    Only for a refusal of which the evidence does not show the part of the request that is judged.
    """
    shown = header(exchange.request_headers, "Authorization") or exchange.request_body
    if exchange.status == 401:
        shown = header(exchange.request_headers, "Authorization")
    elif exchange.status == 400:
        shown = exchange.request_body
    if shown or not others.quoted:
        return
    response = {name: getattr(exchange, name) for name in _OF_RESPONSE}
    for other in others.quoted:
        same = (
            name is None or theirs is None or name == theirs
            for name, theirs in (
                (exchange.endpoint, other.endpoint),
                (exchange.account, other.account),
            )
        )
        if other.id != exchange.id and all(same):
            yield replace(other, **response), {"report": _row(other)}


_OF_RESPONSE = ("status", "code", "text", "response_headers", "response_body")


def _is_quoted(exchange: Exchange) -> bool:
    if exchange.status is not None or exchange.code or exchange.failure or exchange.delivery:
        return False
    is_written = exchange.request_body or header(exchange.request_headers, "Authorization")
    return bool(exchange.url and is_written)


def passed_before(exchange: Exchange, others: Known) -> list[Finding]:
    """Return a note on the like request that passed, and on what differs."""
    like = others.passed.get((exchange.endpoint, exchange.account), ())
    if exchange.status == 404 and any(one.url == exchange.url for one in like):
        return []  # the finding says so
    found = [(differing, x) for x in like if (differing := _differing(exchange, x)) is not None]
    if not found:
        return []
    differing, row = min(reversed(found), key=lambda one: len(one[0]))
    if len(differing) > _MOST_DIFFERENT:
        return []
    facts = {"report": _row(row), "names": ", ".join(differing)}
    rule = "passed-before" if differing else "passed-before-same"
    return [finding_of(exchange, rule, facts=facts)]


def _differing(one: Exchange, other: Exchange) -> list[str] | None:
    """Return the names of what differs between two requests, or None when they are not alike."""
    if one is other or one.url is None or (one.id and one.id == other.id):
        return None
    is_hidden = not one.request_body and (bool(other.request_body) or one.method in _WITH_BODY)
    shown = (one, one) if is_hidden else (one, other)
    bodies = [value_of(x.request_body) if x.request_body else None for x in shown]
    if one.request_body and not all(isinstance(body, Mapping) for body in bodies):
        return None
    names = [name for name in _names(*bodies) if not _same(name, *bodies)]
    if one.request_body and len(names) == len(list(_names(*bodies))) > 1:
        return None
    for name, fact in (("Authorization", _token), ("URL", _url), ("Content-Type", _content_type)):
        values = fact(one), fact(other)
        if values[0] != values[1] and (all(values) or one.request_headers):
            names.append(name)
    return None if is_hidden and not names else names


def _url(exchange: Exchange) -> str | None:
    return exchange.url


def _names(one: Any, other: Any) -> Iterator[str]:
    yield from dict.fromkeys([*(one or {}), *(other or {})])


def _same(name: str, one: Any, other: Any) -> bool:
    return name in (one or {}) and name in (other or {}) and one[name] == other[name]


def _content_type(exchange: Exchange) -> str | None:
    return header(exchange.request_headers, "Content-Type")


def _token(exchange: Exchange) -> str | None:
    return marker_number(header(exchange.request_headers, "Authorization") or "")


def _listed(exchange: Exchange) -> Iterator[str]:
    """Yield the groups that an accepted request shows: those of a list, and those sent to."""
    body = exchange.request_body if exchange.endpoint == _SEND else None
    if isinstance(body, str) and _GROUP.search(body, 0, _LOOKED_AT):
        sent_to = object_of(body).get("to")
        entries = sent_to if isinstance(sent_to, list) else []
        yield from (one for one in entries if isinstance(one, str) and is_group_id(one))
    if "/groups" not in (exchange.endpoint or "") or "members" in (exchange.endpoint or ""):
        return
    answer = value_of(exchange.response_body) if exchange.response_body else None
    if not isinstance(answer, Mapping):
        return
    groups = answer.get("groups")
    for group in groups if isinstance(groups, list) else [answer]:
        if isinstance(group, Mapping) and isinstance(group.get("id"), str):
            yield group["id"]


def _row(exchange: Exchange) -> str:
    at = f", {exchange.at:%Y-%m-%d %H:%M} UTC" if exchange.at else ""
    return f"{exchange.source or exchange.id or 'another row'}{at}"
