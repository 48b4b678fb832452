"""Read the sessions of a Fiddler archive (``.saz``): a request, a response and their times each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

_MEMBER = re.compile(r"(?:.*[/\\])?raw[/\\](\d{1,9})_([csm])\.(?:txt|xml)", re.IGNORECASE)
_TIMES = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,9}<(?:\?xml|Session)")
_BEGUN = re.compile(rb'\b(?:ClientBeginRequest|ClientConnected)="([^"]{1,60})"')


class Session(NamedTuple):
    """The number of a session, and its files: request, response, what is known of both."""

    number: int
    members: list[str]


def is_archive(names: Collection[str]) -> bool:
    """Tell whether the names of an archive are those of a Fiddler archive."""
    return any((match := _MEMBER.fullmatch(name)) and match[2] == "c" for name in names)


def sessions(names: Collection[str]) -> Iterator[Session]:
    """Yield the sessions in the order of their numbers."""
    found: dict[int, dict[str, str]] = {}
    for name in names:
        if match := _MEMBER.fullmatch(name):
            found.setdefault(int(match[1]), {})[match[2].lower()] = name
    for number, parts in sorted(found.items()):
        yield Session(number, [parts[part] for part in "csm" if part in parts])


def text_of(contents: list[bytes]) -> str:
    """Return the messages of a session as one text; the file of times is left out."""
    messages = [content for content in contents if not _TIMES.match(content)]
    return "\n\n".join(message.decode("utf-8", "replace").strip("\r\n") for message in messages)


def time_of(contents: list[bytes]) -> str:
    """Return when a session began, as its file of times writes it."""
    match = _BEGUN.search(contents[-1]) if contents else None
    return match[1].decode("ascii", "replace") if match else ""
