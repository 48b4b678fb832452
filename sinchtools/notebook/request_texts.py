"""A request as texts in boxes, and what was changed in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinchtools.api.description import split_url
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange


def changed(
    x: Exchange, method: str, path: str, headers_text: str, body: str | None
) -> dict[str, Any]:
    """
    Return what differs from a request, as ``st.replay`` takes it.

    Parameters
    ----------
    body
        None when the body cannot be changed in a box.

    Raises
    ------
    WrongUseError
        The path does not begin with a slash, or a line of the headers is not one.
    """
    changes: dict[str, Any] = {}
    if method != (x.method or ""):
        changes["method"] = method
    if path != path_text(x):
        if not path.startswith("/"):
            raise WrongUseError(
                "The path begins with no slash.",
                hint="Write it as /xms/v1/..., without the host.",
            )
        parts = split_url(x.url or "")
        changes["url"] = (f"{parts.scheme}://{parts.netloc}" if parts.netloc else "") + path
    if (headers := headers_of(headers_text)) != dict(x.request_headers):
        there = {one.lower() for one in headers}
        gone = {name: None for name in x.request_headers if name.lower() not in there}
        changes["headers"] = {**gone, **headers}
    if body is not None and body != (x.request_body or ""):
        changes["body"] = body
    return changes


def path_text(x: Exchange) -> str:
    """Return what follows the host."""
    parts = split_url(x.url or "")
    path = parts.path
    if parts.netloc and not path:
        path = "/"
    if parts.query:
        path += f"?{parts.query}"
    if parts.fragment:
        path += f"#{parts.fragment}"
    return path


def header_lines(headers: Mapping[str, str]) -> str:
    """Return headers one a line."""
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def headers_of(text: str) -> Mapping[str, str]:
    """
    Return the headers that stand in a box, one a line.

    Raises
    ------
    WrongUseError
        A line is not a header.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, colon, value = line.partition(":")
        if line.strip() and not (colon and name.strip()):
            raise WrongUseError(
                f"Line {number} of the headers is not a header.",
                hint="Write Name: value, one a line.",
            )
        if line.strip():
            found[name.strip()] = value.removeprefix(" ")
    return found
