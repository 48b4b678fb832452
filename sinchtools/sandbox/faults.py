"""Named, seeded faults: what no request can cause, switched on by name, limited in number."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Any

from sinchtools.api.description import BY_TEMPLATE, TOKEN_PATH
from sinchtools.core.errors import WrongUseError, told

BODIES = ("html", "truncated")


@dataclass(slots=True, kw_only=True)
class Fault:
    """
    One fault: what it does, whom it hits, how often.

    Attributes
    ----------
    status, code, text
        What is answered instead of the real answer; no body without a code.
    retry_after_s
        Sent as ``Retry-After``.
    latency_ms
        The answer waits so long; the request itself takes effect at once.
    drop
        The connection is closed without an answer, and the request has no effect.
    body
        ``html``: a gateway's page; ``truncated``: the connection closes in the middle of the body.
    times
        Hits that are left; None means until `Faults.clear`.
    endpoint
        Template (``POST /batches``) or path (``/oauth2/token``); None means every call of the API.
    account
        Service plan ID or project ID; None means every account.
    probability, seed
        Share of the calls that it hits, drawn from this seed.
    """

    status: int | None = None
    code: str | None = None
    text: str | None = None
    retry_after_s: float | None = None
    latency_ms: float = 0
    drop: bool = False
    body: str | None = None
    times: int | None = None
    endpoint: str | None = None
    account: str | None = None
    probability: float = 1.0
    seed: int = 0

    def meets(self, endpoint: str, account: str | None) -> bool:
        """Whether the fault is meant for a call, chance aside."""
        path = endpoint.partition(" ")[2]
        named = self.endpoint in (endpoint, path) if self.endpoint else path != TOKEN_PATH
        return named and self.times != 0 and self.account in (None, account)


class Faults:
    """
    The faults that are switched on, in order.

    The first that hits a call decides its answer, latencies add up.
    """

    def __init__(self) -> None:
        self._active: list[tuple[Fault, random.Random]] = []

    def add(self, **spec: Any) -> Fault:
        """
        Switch a fault on; the fields are those of `Fault`.

        Raises
        ------
        WrongUseError
            A field is unknown or its value makes no sense.

        Examples
        --------
        >>> Faults().add(status=429, retry_after_s=2, times=1).times
        1
        """
        fault = _fault(spec)
        self._active.append((fault, random.Random(fault.seed)))
        return fault

    def clear(self) -> None:
        """Switch all faults off."""
        self._active.clear()

    def active(self) -> list[dict[str, Any]]:
        """Return the faults that can still hit, as dicts of what was set."""
        kept = [fault for fault, _ in self._active if fault.times != 0]
        return [
            {f.name: value for f in fields(fault) if (value := getattr(fault, f.name)) != f.default}
            for fault in kept
        ]

    def hit(self, endpoint: str, account: str | None) -> list[Fault]:
        """Return the faults that hit this call, and count them."""
        found: list[Fault] = []
        for fault, chance in self._active:
            if not fault.meets(endpoint, account) or chance.random() >= fault.probability:
                continue
            fault.times = None if fault.times is None else fault.times - 1
            found.append(fault)
            if fault.drop or fault.status or fault.body:
                break
        return found


_KINDS: dict[str, tuple[type, ...]] = {
    "status": (int,),
    "code": (str,),
    "text": (str,),
    "retry_after_s": (int, float),
    "latency_ms": (int, float),
    "drop": (bool,),
    "body": (str,),
    "times": (int,),
    "endpoint": (str,),
    "account": (str,),
    "probability": (int, float),
    "seed": (int,),
}
_ENDPOINTS = {
    TOKEN_PATH,
    f"POST {TOKEN_PATH}",
    *BY_TEMPLATE,
    *(template.partition(" ")[2] for template in BY_TEMPLATE),
}
_RANGES: dict[str, tuple[float, float]] = {
    "status": (200, 599),
    "latency_ms": (0, 600_000),
    "times": (1, 1_000_000_000),
    "probability": (0, 1),
    "retry_after_s": (0, 86_400),
}


def _fault(spec: dict[str, Any]) -> Fault:
    given = {name: value for name, value in spec.items() if value is not None}
    for name, value in given.items():
        if name not in _KINDS:
            raise WrongUseError(
                f"A fault has no field {told(name)}.", hint=f"Use: {', '.join(_KINDS)}."
            )
        if not isinstance(value, _KINDS[name]) or (
            isinstance(value, bool) and bool not in _KINDS[name]
        ):
            raise _cannot_be(name, value, f"Give {_KINDS[name][-1].__name__}.")
        if (
            isinstance(value, int | float)
            and name in _RANGES
            and not _RANGES[name][0] <= value <= _RANGES[name][1]
        ):
            raise _cannot_be(name, value, "Give {} to {}.".format(*_RANGES[name]))
    fault = Fault(**given)
    if fault.endpoint is not None and fault.endpoint not in _ENDPOINTS:
        hint = "Give a template: POST /batches/{batch_id}."
        raise _cannot_be("endpoint", fault.endpoint, hint)
    if fault.body not in (None, *BODIES):
        raise _cannot_be("body", fault.body, f"Use one of: {', '.join(BODIES)}.")
    if fault.status is None and (
        fault.code or fault.body == "html" or fault.retry_after_s is not None
    ):
        raise WrongUseError(
            "A fault with a code, a Retry-After or an HTML body needs a status.",
            hint="Add status, such as 503.",
        )
    if not (fault.status or fault.latency_ms or fault.drop or fault.body):
        raise WrongUseError(
            "The fault does nothing.", hint="Give a status, latency_ms, drop or body."
        )
    return fault


def _cannot_be(name: str, value: object, hint: str) -> WrongUseError:
    return WrongUseError(f"The fault's {name} cannot be {told(value)}.", hint=hint)
