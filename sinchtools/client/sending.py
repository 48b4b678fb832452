"""What HTTP can carry, and the session that carries it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sinchtools.api.description import locate
from sinchtools.core.errors import WrongUseError, told

if TYPE_CHECKING:
    import requests

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_HEADER_VALUE = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Whether an attempt of a call may go out, and why not."""

    call_id: str  # the log lets each attempt of a call be sent once only
    attempt: int
    reason: str = ""  # why it must not go out; empty when it may
    hint: str = ""  # what to do about it


def sendable(method: str, headers: Mapping[str, str]) -> bool:
    """Whether method and headers can be written as HTTP at all; evidence may hold anything."""
    words = (method, *headers, *headers.values())
    return all(isinstance(word, str) for word in words) and (
        all(map(_TOKEN.fullmatch, (method, *headers)))
        and all(map(_HEADER_VALUE.fullmatch, headers.values()))
    )


def check_sendable(method: str, headers: Mapping[str, str]) -> None:
    """Raise WrongUseError, naming the part, when HTTP cannot carry method and headers."""
    if not sendable(method, headers):
        words = unsendable(method, headers)
        raise WrongUseError(
            f"{words[0].upper()}{words[1:]} cannot be sent.",
            hint="Take out what HTTP does not allow there, such as a line end.",
        )


def means_another_method(url: str, headers: Iterable[str]) -> bool:
    """
    Whether a header or a parameter says that another method is meant.

    Servers also read names with underscores.
    """
    names = [*headers, *(name for name, _ in locate(url).query)]
    return any(
        name.lower().replace("_", "-").removeprefix("x-") in _METHOD_OVERRIDES for name in names
    )


_METHOD_OVERRIDES = {"http-method-override", "http-method", "method-override", "-method"}


def header_value(value: str) -> str:
    """
    Return a header's value as clients send it.

    White space around it is removed, and its letters are UTF-8.
    """
    return value.strip().encode("utf-8", "replace").decode("latin-1")


@lru_cache(maxsize=256)
def as_sent(url: str) -> str | None:
    """
    Return a URL as requests writes it, with dots and odd letters resolved.

    Return None when it cannot be sent.
    """
    import requests

    prepared = requests.PreparedRequest()
    try:
        prepared.prepare_url(url, None)
        prepared.prepare_url(
            str(prepared.url), None
        )  # dots that were percent-encoded are resolved by the second look only
    except (requests.RequestException, ValueError):
        return None
    return prepared.url


def unsendable(method: str, headers: Mapping[str, str]) -> str:
    """
    Return in words which part of a request HTTP does not allow.

    The method is checked first, then the headers, then the URL.
    """
    if not sendable(method, {}):
        return f"the method {told(method)}"
    name = next(
        (name for name, value in headers.items() if not sendable("GET", {name: value})), None
    )
    if name is None:
        return "the URL"
    return f"the header {told(str(name))}"


def new_session(*, loopback: bool) -> requests.Session:
    """Return a session; one for this machine goes past proxies."""
    import requests

    made = requests.Session()
    made.trust_env = not loopback  # no proxy stands before this machine's own port
    if loopback:
        from sinchtools.client.loopback import Direct

        made.mount("http://", Direct())
    return made
