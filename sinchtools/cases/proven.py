"""A fix that was proven, and what the sandbox assumed for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sinchtools.cases.changes import Change
from sinchtools.core.json import object_of
from sinchtools.core.records import Exchange

_OF_THE_SANDBOX = ("the clock of the original",)  # assumptions that the customer cannot check


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenFix:
    """A change after which the request was accepted."""

    original: Exchange  # the request before, people in clear
    request: Exchange  # the request after
    was: str  # the response before, in words
    now: str  # the response after
    target: str  # where it was tried: sandbox, dry-run or live
    changes: tuple[Change, ...]  # what was changed, as it may be shown
    assumed: tuple[str, ...] = ()  # what the sandbox took for granted
    # fixed, tried: how many like requests were changed and replayed, and how many of them were
    # accepted
    fixed: int = 1
    tried: int = 1

    @property
    def is_simulated(self) -> bool:
        """Whether only the sandbox accepted it."""
        return self.target == "sandbox"


def to_check(assumed: Iterable[str], request: Exchange) -> tuple[str, ...]:
    """Return what the sandbox assumed and the customer can check, in words."""
    return tuple(
        _in_words(one)
        for one in assumed
        if one not in _OF_THE_SANDBOX and not _is_given(one, request)
    )


def _in_words(assumed: str) -> str:
    """
    Return what the sandbox assumed as it goes behind "We assumed".

    Examples
    --------
    >>> _in_words("existing group: 01FC66621XXXXX119Z8PMV1QPU")
    'that the group 01FC66621XXXXX119Z8PMV1QPU exists'
    """
    kind, found, groups = assumed.partition(" group: ")
    if not found:
        return assumed.replace("on the plan", "on the service plan")
    return f"that the group {groups} {'exists' if kind == 'existing' else 'does not exist'}"


def _is_given(assumed: str, request: Exchange) -> bool:
    """Tell whether the request itself brings what the sandbox assumed."""
    return "callback URL" in assumed and bool(object_of(request.request_body).get("callback_url"))
