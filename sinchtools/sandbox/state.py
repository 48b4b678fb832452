"""
What the sandbox remembers.

A movable clock, and accounts with their batches, groups and inbounds.
"""

from __future__ import annotations

import base64
import heapq
import itertools
import json
import random
import secrets
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sinchtools.api.description import LIST_WINDOW_HOURS, MAX_VALIDITY_DAYS, RETENTION_DAYS
from sinchtools.api.validation import instant_of, is_group_id
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.gsm import digits

TOKEN_LIFETIME_S = 3600
MESSAGES_PER_SECOND = 100  # ours: the vendor's numbers are contractual
DEFAULT_ORIGINATOR = "15559870000"
BLOCKED, NO_ORIGINATOR = 413, 410  # delivery codes that stop a whole batch
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_EARLIEST, _LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 1, tzinfo=UTC)


class Clock:
    """
    The sandbox's time: it runs like the real one until it is moved or frozen.

    Examples
    --------
    >>> clock = Clock()
    >>> clock.freeze(datetime(2026, 11, 23, 8, tzinfo=UTC))
    >>> clock.advance(3600)
    >>> clock.now()
    datetime.datetime(2026, 11, 23, 9, 0, tzinfo=datetime.timezone.utc)
    """

    def __init__(self, moved: Callable[[], None] = lambda: None) -> None:
        self._offset = timedelta()
        self._frozen: datetime | None = None
        self._moved = moved

    def now(self) -> datetime:
        """Return the sandbox's time, UTC."""
        return self._frozen or datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """
        Move the clock forward.

        What is due on the way (dispatches, callbacks and their retries) is done before this
        returns.
        """
        self._move(self.now() + timedelta(seconds=seconds))

    def set(self, instant: datetime) -> None:
        """Go to an instant, back or forth; a clock that runs goes on running from there."""
        self._move(instant if instant.tzinfo else instant.replace(tzinfo=UTC))

    def freeze(self, instant: datetime | None = None) -> None:
        """Stop the clock, now or at an instant; `advance` and `set` still move it."""
        self._frozen = self.now()
        self._move(instant or self._frozen)

    def run(self) -> None:
        """Let the clock run at the real time."""
        self._offset, self._frozen = timedelta(), None

    @property
    def runs(self) -> bool:
        """Whether time passes by itself."""
        return self._frozen is None

    def _move(self, instant: datetime) -> None:
        if not 1970 <= instant.year <= 9000:
            raise WrongUseError(
                f"The sandbox's clock cannot be set to the year {instant.year}.",
                hint="Use 1970 to 9000.",
            )
        if self._frozen is None:
            self._offset = instant - datetime.now(UTC)
        else:
            self._frozen = instant
        self._moved()


@dataclass(slots=True)
class Batch:
    """
    One batch. What became of its messages is not kept but worked out from it, see `delivery`.

    Attributes
    ----------
    to
        Numbers as digits, and group IDs.
    fields
        The other body fields as they came, without nulls and unknown ones.
    recipients
        Numbers it went to, groups expanded; None until it is dispatched.
    starts_at
        When its first message leaves; the queue of the plan may hold it back.
    halt
        Delivery code that stops every message, or None.
    values
        The parameters by number, made when they are first needed.
    """

    id: str
    to: tuple[str, ...]
    fields: dict[str, Any]
    created_at: datetime
    modified_at: datetime
    canceled_at: datetime | None = None
    recipients: tuple[str, ...] | None = None
    starts_at: datetime | None = None
    per_second: float = MESSAGES_PER_SECOND
    halt: int | None = None
    values: dict[str, dict[str, str]] | None = field(default=None, repr=False, compare=False)

    @property
    def type(self) -> str:
        """One of `api.BATCH_TYPES`."""
        return str(self.fields.get("type", "mt_text"))

    @property
    def due_at(self) -> datetime:
        """When it is to be sent."""
        return max(self.created_at, self._instant("send_at") or self.created_at)

    @property
    def expires_at(self) -> datetime:
        """When its validity ends."""
        return self._instant("expire_at") or self.due_at + timedelta(days=MAX_VALIDITY_DAYS)

    def _instant(self, name: str) -> datetime | None:
        value = self.fields.get(name)
        return min(instant_of(value) or _LATEST, _LATEST) if value is not None else None


@dataclass(slots=True)
class Group:
    """One group; its members in order, as digits."""

    id: str
    name: str | None
    members: dict[str, None]
    child_groups: list[str]
    auto_update: dict[str, Any] | None
    tags: list[str]
    created_at: datetime
    modified_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Account:
    """
    One service plan or project with a state of its own; nothing is shared between two of them.

    Attributes
    ----------
    token
        The plan's API token; of a project an access token that was good when the account was made.
    callback_url, inbound_url
        Where delivery reports and inbounds go; `callback_url` is also the default of the other.
    hmac_secret
        Signs the callbacks when set.
    blocked
        Sending is refused, and what waits is stopped.
    illegal_countries
        ISO codes of countries whose numbers are refused with ``illegal_number_type``.
    default_originator
        Whether a batch without ``from`` gets a sender.
    legacy_codes
        Answer with the historical codes (``conflict_group_name``, ``batch_already_dispatched``,
        ``conflict_send_at``) too.
    strict_names
        Refuse unknown fields, and parameters of the text that have no value; the record does not
        say whether the API does.
    messages_per_second
        Speed of the queue; it delays a dispatch and refuses nothing.
    """

    id: str
    clock: Clock
    random: random.Random
    kind: str = "plan"
    token: str = ""
    key_id: str = ""
    key_secret: str = ""
    callback_url: str | None = None
    inbound_url: str | None = None
    hmac_secret: str | None = None
    blocked: bool = False
    illegal_countries: Collection[str] = ()
    default_originator: bool = True
    legacy_codes: bool = False
    strict_names: bool = False
    messages_per_second: float = MESSAGES_PER_SECOND
    tokens: dict[str, datetime] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    inbounds: dict[str, dict[str, Any]] = field(default_factory=dict)
    feedback: dict[str, list[str]] = field(default_factory=dict)
    dispatched: Callable[[Account, Batch], None] = lambda account, batch: None
    _scheduled: list[tuple[datetime, str]] = field(default_factory=list)
    _free_at: datetime = _EARLIEST
    _seen_at: datetime = _EARLIEST

    def __post_init__(self) -> None:
        if self.kind == "project" and not self.token:
            self.token = self.issue_token()

    def __repr__(self) -> str:
        return (
            f"<Account {self.id}: {self.kind}, {len(self.batches)} "
            f"batches, {len(self.groups)} groups, {len(self.inbounds)} inbounds>"
        )

    # --- setting the scene: what a replay or a lesson needs to be there ---

    def add_group(
        self,
        group_id: str | None = None,
        *,
        name: str | None = None,
        members: Iterable[str] = (),
        **rest: Any,
    ) -> Group:
        """Put a group here, under a given ID or a new one."""
        now = self.clock.now()
        numbers = dict.fromkeys(map(digits, members))
        children, auto_update, tags = (
            list(rest.get("child_groups") or ()),
            rest.get("auto_update"),
            list(rest.get("tags") or ()),
        )
        group = Group(
            group_id or self.new_id(), name, numbers, children, auto_update, tags, now, now
        )
        self.groups[group.id] = group
        return group

    def add_batch(
        self,
        batch_id: str | None = None,
        *,
        to: Iterable[str] = ("15551230001",),
        created_at: datetime | None = None,
        **fields: Any,
    ) -> Batch:
        """
        Put a batch here, under a given ID or a new one.

        It is dispatched as soon as it is due.
        """
        now = created_at or self.clock.now()
        given = {
            "body": "Hi",
            **{name: value for name, value in fields.items() if value is not None},
        }
        batch = Batch(batch_id or self.new_id(), recipients_of(to), given, now, now)
        self.batches[batch.id] = batch
        self.schedule(batch)
        return batch

    def add_inbound(
        self,
        inbound_id: str | None = None,
        *,
        from_: str = "15551230001",
        to: str = "15559870002",
        body: Any = "Hi",
        type: str = "mo_text",
        **rest: Any,
    ) -> dict[str, Any]:
        """Put an inbound message here, under a given ID or a new one."""
        inbound = {
            "id": inbound_id or self.new_id(),
            "from": digits(from_),
            "to": digits(to),
            "type": type,
            "body": body,
        }
        inbound |= {
            "received_at": stamp(self.clock.now()),
            **{name: value for name, value in rest.items() if value is not None},
        }
        self.inbounds[inbound["id"]] = inbound
        return inbound

    # --- credentials ---

    def issue_token(self, lifetime_s: float = TOKEN_LIFETIME_S) -> str:
        """
        Return a new access token of this project, valid for some time by the sandbox's clock.

        A negative lifetime gives an expired one.
        """
        expires = self.clock.now() + timedelta(seconds=lifetime_s)
        claims = {
            "iss": "sandbox",
            "sub": self.key_id,
            "exp": int(expires.timestamp()),
            "jti": self.new_id(),
        }
        head, body = (
            _base64url(json.dumps(part, separators=(",", ":")).encode())
            for part in ({"alg": "RS256", "typ": "JWT"}, claims)
        )
        token = f"{head}.{body}.{_base64url(self.random.randbytes(32))}"
        self.tokens[token] = expires
        return token

    def knows(self, token: str) -> str:
        """Return ``good``, ``expired`` or ``unknown``."""
        if self.kind == "plan":
            return "good" if token == self.token else "unknown"
        expires = self.tokens.get(token)
        if expires is None:  # a token that was set, not issued, is good for ever
            return "good" if token == self.token else "unknown"
        return "good" if self.clock.now() < expires else "expired"

    # --- time ---

    def schedule(self, batch: Batch) -> None:
        """Send the batch when it is due."""
        heapq.heappush(self._scheduled, (batch.due_at, batch.id))
        self._dispatch_due(self.clock.now())

    def settle(self) -> None:
        """Dispatch what is due by now, and forget what is older than the retention."""
        now = self.clock.now()
        self._dispatch_due(now)
        oldest = now - timedelta(days=RETENTION_DAYS)
        for kept, born in (
            (self.batches, lambda batch: batch.due_at),
            (self.inbounds, lambda inbound: instant_of(inbound["received_at"])),
        ):
            _forget(kept, born, oldest)

    def _dispatch_due(self, now: datetime) -> None:
        if (
            now < self._seen_at
        ):  # the clock went back: what was queued then does not hold up what comes now
            self._free_at = _EARLIEST
        self._seen_at = now
        while self._scheduled and self._scheduled[0][0] <= now:
            due, batch_id = heapq.heappop(self._scheduled)
            batch = self.batches.get(batch_id)
            if (
                batch
                and batch.recipients is None
                and batch.canceled_at is None
                and batch.due_at <= due
            ):
                self._dispatch(batch)

    def since(self, start: datetime | None) -> datetime:
        """Return where a list begins: `start`, else 24 hours ago; never beyond the retention."""
        now = self.clock.now()
        return max(
            start or now - timedelta(hours=LIST_WINDOW_HOURS), now - timedelta(days=RETENTION_DAYS)
        )

    def expanded(self, to: Iterable[str]) -> tuple[str, ...]:
        """
        Return the numbers, each group replaced by its members.

        A group that is gone counts as empty.
        """
        numbers: dict[str, None] = {}
        for entry in to:
            numbers |= self._members(entry, set()) if is_group_id(entry) else {entry: None}
        return tuple(numbers)

    def new_id(self) -> str:
        """Return a ULID of now, its random part from the seed."""
        value = int(self.clock.now().timestamp() * 1000) << 80 | self.random.getrandbits(80)
        return "".join(_BASE32[value >> shift & 31] for shift in range(125, -1, -5))

    def _members(self, group_id: str, seen: set[str]) -> dict[str, None]:
        group = self.groups.get(group_id)
        if group is None or group_id in seen:
            return {}
        numbers = dict(group.members)
        for child in group.child_groups:
            numbers |= self._members(child, seen | {group_id})
        return numbers

    def _dispatch(self, batch: Batch) -> None:
        batch.recipients = (
            self.expanded(batch.to)
            if any(map(is_group_id, batch.to))
            else tuple(dict.fromkeys(batch.to))
        )
        if batch.recipients == batch.to:
            batch.recipients = batch.to  # one tuple, not two: a hundred thousand batches are to fit
        batch.starts_at = max(batch.due_at, self._free_at)
        batch.per_second = self.messages_per_second
        batch.halt = (
            BLOCKED
            if self.blocked
            else NO_ORIGINATOR
            if "from" not in batch.fields and not self.default_originator
            else None
        )
        self._free_at = batch.starts_at + timedelta(
            seconds=len(batch.recipients) / batch.per_second
        )
        self.dispatched(self, batch)


def recipients_of(to: Iterable[str]) -> tuple[str, ...]:
    """Return recipients as they are kept: numbers as digits, group IDs as written."""
    return tuple(entry if is_group_id(entry) else digits(entry) for entry in to)


def stamp(instant: datetime) -> str:
    """Return an instant as the API writes it."""
    return instant.isoformat(timespec="milliseconds")[:23] + "Z"


def made_up(seed: int | None) -> dict[str, str]:
    """Return credentials that are nobody's: the same for a seed; without one only the IDs are."""
    source = random.Random(f"sinchtools sandbox {seed or 0}")
    plan, token, project, key, secret = (source.randbytes(16) for _ in range(5))
    if seed is None:  # whoever shares the machine must not know them
        token, secret = secrets.token_bytes(16), secrets.token_bytes(16)
    return {
        "service_plan_id": plan.hex(),
        "api_token": token.hex(),
        "project_id": str(uuid.UUID(bytes=project, version=4)),
        "key_id": str(uuid.UUID(bytes=key, version=4)),
        "key_secret": _base64url(secret),
    }


def account_settings(given: dict[str, Any]) -> dict[str, Any]:
    """
    Return the settings of an account that were given.

    Raises
    ------
    WrongUseError
        One of them is not known.
    """
    known = {
        "token",
        "kind",
        "callback_url",
        "inbound_url",
        "hmac_secret",
        "blocked",
        "illegal_countries",
        "default_originator",
        "legacy_codes",
        "strict_names",
    }
    if odd := set(given) - known - {"messages_per_second", "key_id", "key_secret"}:
        raise WrongUseError(
            f"An account has no setting {told(min(odd))}.",
            hint=f"Use: {', '.join(sorted(known))}, messages_per_second.",
        )
    return {name: value for name, value in given.items() if value is not None}


def _forget(kept: dict[str, Any], born: Callable[[Any], Any], oldest: datetime) -> None:
    for name in list(itertools.takewhile(lambda name: born(kept[name]) < oldest, kept)):
        del kept[name]


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
