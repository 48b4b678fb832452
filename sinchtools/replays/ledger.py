"""
Say whether a message may go out.

It is asked once before each attempt, here only, and what it returns is a record with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from sinchtools.client.log import CallLog
from sinchtools.client.sending import Permission
from sinchtools.core.records import Exchange
from sinchtools.replays.effects import VENDOR, groups_of
from sinchtools.replays.guards import (
    MAY_BE_SENT,
    blockers,
    check_allowed,
    may_be_resent,
    was_refused,
)
from sinchtools.replays.messages import message_of
from sinchtools.replays.planned import PlannedRequest
from sinchtools.replays.reservations import reserve, reserved

CHECK_HOLDS = timedelta(minutes=10)  # then somebody else may have sent it


class Earlier(NamedTuple):
    """The attempts of a call that the log has, and whether it is done."""

    attempts: list[Exchange]
    is_done: bool


def earlier(call_ids: Iterable[str], log: CallLog) -> dict[str, Earlier]:
    """Return what the log has of calls; a call without any attempt is left out."""
    found = log.attempts(call_ids)
    return {one: Earlier(past, not may_be_resent(past[-1])) for one, past in found.items()}


@dataclass(eq=False, kw_only=True)
class Ledger:
    """What is known of a target, and of what went there."""

    target: str  # ``preview``, ``sandbox``, ``dry-run`` or ``live``
    # the log that the plan was given; None is the work folder's, which is opened when it is needed
    given: CallLog | None = None
    region: str | None = None  # where the configured credentials are used
    # the whole evidence: what people have by another row of it is not sent to them again
    among: Sequence[Exchange] = ()
    # told, asked: the members of groups as the vendor said, and when
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    asked: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def log(self) -> CallLog:
        """Where attempts are written before they are sent, and after."""
        return CallLog() if self.given is None else self.given

    @property
    def members(self) -> Mapping[str, tuple[str, ...]]:
        """The members of groups, as long as that was asked a short while ago."""
        return self.told if datetime.now(UTC) - self.asked < CHECK_HOLDS else {}

    def check_allowed(self) -> None:
        """
        Raise when nothing at all may go to the target.

        Raises
        ------
        NotAllowedError
            The environment does not switch it on, or what was sent would be kept on a network.
        """
        check_allowed(self.target, self.given)

    # --- before a run, in words; nothing is taken ---

    def with_blockers(self, item: PlannedRequest) -> PlannedRequest:
        """Return the item with what speaks against it by itself, as things are now."""
        found = blockers(
            item.original,
            item.request,
            self.target,
            datetime.now(UTC),
            self.region,
            test_number=item.test_number,
        )
        return replace(
            item,
            blockers=(*found.blockers, *item.blockers),
            unsettled="" if _is_checked(item) else found.unsettled,
        )

    def without_duplicates(self, items: Iterable[PlannedRequest]) -> tuple[PlannedRequest, ...]:
        """
        Put on hold what people have already, or get from another of the items.

        They may have it from the evidence or from an earlier replay.
        """
        items = tuple(items)
        acting = [item for item in items if item.acts and not item.is_blocked]
        if not acting:
            return items
        before = reserved({item.call_id: item.message for item in acting}, self.log)
        checked = [item.original for item in items if _is_checked(item)]
        had = {
            message_of(x): f"the same request as {x.id}, which {said}"
            for x, said in _had(self.among)
            if x not in checked
        }
        first = {item.message: item for item in reversed(acting)}

        def reason(item: PlannedRequest) -> str:
            found = before.get(item.call_id) or had.get(item.message)
            same = first[item.message]
            if found or same is item:
                return found or ""
            return f"the same request as {same.original.id}: it is sent once"

        return tuple(
            replace(item, duplicate_of=reason(item)) if item.acts and not item.is_blocked else item
            for item in items
        )

    def renewed(self, items: Iterable[PlannedRequest]) -> tuple[PlannedRequest, ...]:
        """
        Return the items with what speaks against them now.

        Moments pass, credentials change, somebody else may have sent it.
        """
        items = tuple(items)
        past = earlier([item.call_id for item in items if not item.held_reasons], self.log)
        done = {call_id for call_id, one in past.items() if one.is_done}
        return self.without_duplicates(
            item if item.is_blocked or item.call_id in done else self.with_blockers(item)
            for item in items
        )

    # --- the question before each attempt ---

    def ask(self, item: PlannedRequest, call_id: str, attempt: int) -> Permission:
        """
        Say whether an attempt may go out now; a message that may is taken for it.

        While it waited, its conditions may have changed, or its message may have been sent from
        elsewhere.

        Raises
        ------
        LogError
            What was sent before cannot be looked up.
        """
        permission = Permission(call_id=call_id, attempt=attempt)
        if reason := "; ".join(self._held_reasons(item)):
            return replace(permission, reason=reason)
        if item.acts and (reason := reserve(item.message, call_id, attempt, self.log)):
            hint = "To send it all the same, give it another client_reference."
            return replace(permission, reason=reason, hint=hint)
        return permission

    def _held_reasons(self, item: PlannedRequest) -> Iterator[str]:
        if self.target not in VENDOR:  # there, nothing changes while it waits
            yield from item.held_reasons
            return
        now = self.with_blockers(item)
        yield from filter(None, (*now.blockers, now.unsettled))
        if self.told and not self.members and groups_of(item.request):
            yield "who is in its groups was asked too long ago"


def _is_checked(item: PlannedRequest) -> bool:
    """Whether the vendor said a short while ago that it has no trace of the original."""
    return item.checked is not None and datetime.now(UTC) - item.checked < CHECK_HOLDS


def _had(evidence: Iterable[Exchange]) -> Iterator[tuple[Exchange, str]]:
    """
    Yield in words which rows have a message that people have, or may have.

    Rows that are safe to repeat are left out.
    """
    for x in evidence:
        if (x.method or "").upper() == "POST" and not was_refused(x):
            yield x, "was accepted" if x.http_outcome == "success" else MAY_BE_SENT
