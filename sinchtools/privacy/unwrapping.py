"""Secrets that a mail, a terminal or a folded header broke into lines are put on one again."""

from __future__ import annotations

import re

from sinchtools.privacy.spans import BREAK, TOLD, header_kind, spans_in

_SCHEMES = "bearer|basic|token|apikey|digest|negotiate|jwt"
_SOFT_BREAKS = tuple(f"{sign}{line_end}" for sign in "\\^`" for line_end in ("\n", "\r\n"))
_GOES_ON = re.compile(  # whether any value may
    rf"\n[>|< \t]{{0,20}}(?:(?i:{_SCHEMES})[ \t]+)?[\w.~+/-]+={{0,2}}"
    r"(?:[;,\"']|[ \t]+HTTP/\d|[ \t\r]*(?:\n|\Z))"
)
_EMPTY_HEAD = re.compile(  # its value is in the next line
    rf"^(?P<head>[>|<* \t]*(?P<name>[\w-]{{1,60}})[ \t]*:[ \t]*+(?:{_SCHEMES})?)[ \t]*\r?\n"
    rf"[>|< \t]*(?P<value>(?:(?:{_SCHEMES})[ \t]+)?[\w.~+/=-]{{8,}}[ \t\r]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_COOKIE_LINES = re.compile(
    r"^[>|<* \t]*(?:set-)?cookie[ \t]*:[^\n]*"
    r"(?:\n[>|< \t]*(?:[\w.-]+=[^\n:{]*(?:;[^\n]*|$)"
    r"|(?:expires|path|domain|max-age|secure|httponly|samesite)\b[^\n]*))+",
    re.IGNORECASE | re.MULTILINE,
)
_RUN_ALONE = re.compile(r"[^\s\"'<>{}]*")
_QUOTED_PRINTABLE = re.compile(r"=3D|quoted-printable", re.IGNORECASE)


def unwrapped(text: str) -> str:
    r"""
    Return a text in which each secret is on one line.

    A mail, a terminal or a folded header may have broken it.

    Examples
    --------
    >>> unwrapped("Authorization: Bearer 5c1e9a7b\n 3d2f4e68\nAccept: */*")
    'Authorization: Bearer 5c1e9a7b3d2f4e68\nAccept: */*'
    """
    if "=\n" in text.replace("\r", "") and _QUOTED_PRINTABLE.search(text):
        text = re.sub(r"=\r?\n", "", text).replace("=3D", "=").replace("=3d", "=")
    if "ookie" in text:
        text = _COOKIE_LINES.sub(lambda lines: re.sub(r"[ \t]*\r?\n[>|< \t]*", " ", lines[0]), text)
    if not (_GOES_ON.search(text) or any(sign in text for sign in _SOFT_BREAKS)):
        return text
    text = _EMPTY_HEAD.sub(_filled_head, text)
    parts, at = [], 0
    for start, end, _ in spans_in(text):
        if "\n" in text[start:end] and all(
            map(_RUN_ALONE.fullmatch, BREAK.split(text[start:end])[1:])
        ):
            parts += [text[at:start], BREAK.sub("", text[start:end])]
            at = end
    return "".join((*parts, text[at:])) if parts else text


def _filled_head(head: re.Match[str]) -> str:
    is_secret = header_kind(head["name"]) and (
        " " in head["value"].strip() or TOLD.fullmatch(head["value"].strip())
    )
    return f"{head['head'].rstrip()} {head['value']}" if is_secret else head[0]
