"""
Checks that the findings of the diagnosis decide: rows of data/catalogue/playbooks.toml.

A check cannot contradict the diagnosis: it is a problem only where a finding says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import msgspec

from sinchtools.api import description
from sinchtools.api.validation import is_group_id
from sinchtools.core.json import object_of, path_of, value_of
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.core.tables import Row, Text, place_of, read_table
from sinchtools.privacy.markers import marker_facts

NOT_DECIDABLE, ASKED = "not decidable", "asked"
NUMBER_FIELDS = ("to", "to_add", "to_remove", "members", "add", "remove", "recipients")


@dataclass(frozen=True, slots=True)
class Checked:
    """
    What a check found: ``ok``, ``problem``, ``not decidable`` or ``asked`` (of a person).

    The proof contains no secrets. A problem that is not a cause says how to go on.
    """

    state: str
    proof: str
    is_cause: bool = True

    @property
    def kind(self) -> str:
        """The state; ``caution`` for a problem that is not a cause."""
        return "caution" if self.state == "problem" and not self.is_cause else self.state


Check = Callable[[Exchange, Sequence[Finding]], Checked]


class CheckRow(Row, frozen=True):
    """
    One check that findings decide.

    Attributes
    ----------
    rules
        A regular expression: an error or a warning of such a rule is the problem. A warning that is
        assumed leaves the check open.
    needs
        What the evidence must show before it is said to be fine (`NEEDS`).
    ok, open
        What is said if it is fine, or if the evidence shows too little.
    fields, codes, locations
        Errors of any rule that blame these are the problem where the evidence shows too little.
    """

    name: str
    rules: str
    needs: tuple[str, ...]
    ok: str
    open: str
    fields: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()

    def __call__(self, exchange: Exchange, findings: Sequence[Finding]) -> Checked:
        """Decide from the findings, and from what the evidence shows."""
        for found in findings:
            if found.severity != "note" and re.fullmatch(self.rules, found.rule):
                return Checked("problem" if _is_sure(found) else NOT_DECIDABLE, words_of(found))
        if all(NEEDS[need](exchange) for need in self.needs):
            return Checked("ok", self.ok)
        blamed = blamed_by(findings, self.fields, codes=self.codes, locations=self.locations)
        return blamed or Checked(NOT_DECIDABLE, self.open)


def rows() -> dict[str, CheckRow]:
    """Return the checks of playbooks.toml by their name."""
    return {row.name: row for row in tables().check}


class StepRow(Row, frozen=True):
    """One step; the fields are those of `Step`."""

    id: Text
    title: Text
    look: Text
    do: Text
    otherwise: Text
    check: Text | None = None
    live: Text | None = None


class PlaybookRow(Row, frozen=True):
    """The steps of statuses and codes."""

    labels: tuple[Text, ...] = msgspec.field(name="for")
    title: Text
    source: Text
    step: tuple[StepRow, ...]


class Tables(Row, frozen=True):
    """``playbooks.toml``."""

    check: tuple[CheckRow, ...]
    playbook: tuple[PlaybookRow, ...]


@cache
def tables() -> Tables:
    """Return the tables of playbooks.toml."""
    return read_table(place_of("playbooks.toml"), Tables)


def blamed_by(
    findings: Iterable[Finding],
    fields: Iterable[str] = (),
    *,
    codes: Iterable[str] = (),
    locations: Iterable[str] = (),
) -> Checked | None:
    """Return the problem that an error with one of these fields, codes or locations names."""
    fields, codes, locations = set(fields), set(codes), set(locations)
    for found in findings:
        if found.severity == "error" and (
            found.field in fields or found.code in codes or found.location in locations
        ):
            return Checked("problem", words_of(found))
    return None


def words_of(found: Finding) -> str:
    """Return a finding with its place."""
    place = path_of(found.pointer) or found.field
    says = found.says or found.rule
    return f"{place}: {says}" if place else says


def _is_sure(found: Finding) -> bool:
    return found.severity == "error" or found.tag != "assumed"


# --- what the evidence may show -------------------------------------------------------------------


def _place(exchange: Exchange) -> description.Place:
    return description.locate(exchange.url or "")


def _has_token(exchange: Exchange) -> bool:
    return marker_facts(header(exchange.request_headers, "Authorization") or "") is not None


def _has_object(exchange: Exchange) -> bool:
    endpoint = description.BY_TEMPLATE.get(exchange.endpoint or "")
    return bool(endpoint and endpoint.body) and isinstance(value_of(exchange.request_body), dict)


def _has_number(exchange: Exchange) -> bool:
    body = object_of(exchange.request_body)
    lists = [body.get(name) for name in NUMBER_FIELDS]
    entries = [entry for found in lists if isinstance(found, list) for entry in found]
    return any(isinstance(entry, str) and not is_group_id(entry) for entry in entries)


def _has_dates_and_a_clock(exchange: Exchange) -> bool:
    body = object_of(exchange.request_body)
    is_dated = any(body.get(name) for name in ("send_at", "expire_at"))
    return _has_object(exchange) and (exchange.at is not None or not is_dated)


NEEDS: dict[str, Callable[[Exchange], bool]] = {
    "token": _has_token,
    "headers": lambda exchange: bool(exchange.request_headers),
    "public host": lambda exchange: _place(exchange).kind in ("plan", "project"),
    "account": lambda exchange: _place(exchange).account is not None,
    "route": lambda exchange: bool(_place(exchange).endpoints),
    "method": lambda exchange: bool(exchange.method),
    "endpoint": lambda exchange: exchange.endpoint in description.BY_TEMPLATE,
    "body": lambda exchange: value_of(exchange.request_body) is not None,
    "fields": _has_object,
    "number": _has_number,
    "dates": _has_dates_and_a_clock,
}
