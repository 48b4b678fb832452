"""
The sandbox's own switches over HTTP, below ``/__sandbox__/``.

Faults, clock, inbounds, state, reset.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sinchtools.api.description import CONTROL
from sinchtools.api.validation import instant_of
from sinchtools.core.errors import SinchToolsError, WrongUseError
from sinchtools.core.records import header
from sinchtools.sandbox.answers import Answer, Request, json_answer
from sinchtools.sandbox.state import stamp

if TYPE_CHECKING:
    from sinchtools.sandbox.server import Sandbox


def control(sandbox: Sandbox, request: Request) -> Answer:
    """
    Answer a control request.

    403 to a web page, 401 without the token, 400 for what makes no sense.
    """
    name = request.target.partition("?")[0].removeprefix(CONTROL).rstrip("/")
    if header(request.headers, "Origin"):
        return _sentence(403, "The sandbox is not controlled from web pages.")
    if not _is_allowed(header(request.headers, "Authorization") or "", sandbox.api_token):
        answer = _sentence(
            401,
            "Control needs the sandbox's API token. Send the header Authorization: Bearer TOKEN.",
        )
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    switches = {method: switch for (known, method), switch in _SWITCHES.items() if known == name}
    if not switches:
        return _sentence(
            404,
            f"There is no {CONTROL}{name[:40]}. "
            f"Use: {', '.join(sorted({known for known, _ in _SWITCHES}))}.",
        )
    if request.method not in switches:
        answer = _sentence(405, f"Use {' or '.join(switches)}.")
        answer.headers["Allow"] = ", ".join(switches)
        return answer
    try:
        return json_answer(200, switches[request.method](sandbox, _spec(request)))
    except SinchToolsError as error:
        return _sentence(400, str(error))


def _is_allowed(authorization: str, token: str) -> bool:
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(_bytes(given.strip()), _bytes(token))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _add_fault(sandbox: Sandbox, spec: dict[str, Any]) -> Any:
    sandbox.faults.add(**spec)
    return {"faults": sandbox.faults.active()}


def _clear_faults(sandbox: Sandbox, spec: dict[str, Any]) -> Any:
    sandbox.faults.clear()
    return {"faults": []}


def _move_clock(sandbox: Sandbox, spec: dict[str, Any]) -> Any:
    seconds, instant = spec.get("advance_s"), spec.get("set")
    if (
        isinstance(seconds, int | float)
        and not isinstance(seconds, bool)
        and 0 <= seconds <= 366 * 86_400
    ):
        sandbox.clock.advance(seconds)
    elif isinstance(instant, str) and (when := instant_of(instant)):
        sandbox.clock.set(when)
    else:
        raise WrongUseError(
            "The clock needs advance_s, seconds of at most a year, or set, an ISO-8601 time.",
            hint='Send {"advance_s": 3600}.',
        )
    return {"now": stamp(sandbox.clock.now())}


# besides `from`
_OF_AN_INBOUND = [
    "to",
    "body",
    "type",
    "udh",
    "operator_id",
    "client_reference",
    "sent_at",
    "account",
]


def _receive(sandbox: Sandbox, spec: dict[str, Any]) -> Any:
    given = {{"from": "from_"}.get(name, name): value for name, value in spec.items()}
    for name in ("from_", "to", "body"):
        if not isinstance(given.get(name), str):
            raise WrongUseError(
                "An inbound needs from, to and body, three strings.",
                hint='Send {"from": "15551230001", "to": "15559870002", "body": "Hi"}.',
            )
    if odd := set(given) - {"from_", *_OF_AN_INBOUND}:
        raise WrongUseError(
            f"An inbound has no field {min(odd)!r}.", hint=f"Use from, {', '.join(_OF_AN_INBOUND)}."
        )
    return sandbox.receive(**given)


def _state(sandbox: Sandbox, spec: dict[str, Any]) -> Any:
    return sandbox.state()


def _reset(sandbox: Sandbox, spec: dict[str, Any]) -> Any:
    sandbox.reset()
    return sandbox.state()


_SWITCHES: dict[tuple[str, str], Callable[[Sandbox, dict[str, Any]], Any]] = {
    ("faults", "POST"): _add_fault,
    ("faults", "DELETE"): _clear_faults,
    ("clock", "POST"): _move_clock,
    ("inbounds", "POST"): _receive,
    ("state", "GET"): _state,
    ("reset", "POST"): _reset,
}


def _spec(request: Request) -> dict[str, Any]:
    try:
        spec = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise WrongUseError("The body is not JSON.", hint="Send one JSON object.") from None
    if not isinstance(spec, dict):
        raise WrongUseError("The body is not a JSON object.", hint="Send one JSON object.")
    return spec


def _sentence(status: int, sentence: str) -> Answer:
    return json_answer(status, {"error": sentence})
