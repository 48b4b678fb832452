"""
Unwrap mails and what was copied out of mails, tickets and chats.

A mail file gives its text and its attachments; a text that a mail program, a link filter or a
ticket system has changed is given as its writer wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from sinchtools.evidence import files
from sinchtools.evidence.containers import links, markup, wrapping
from sinchtools.evidence.pieces import Piece

_LARGEST_TEXT = 2_000_000  # characters of a text that was copied; more is no mail
_MOST_PARTS = 1_000
_HEADER = r"(?:[A-Za-z][\w-]{0,60}+:.{0,8000}+\n(?:[ \t].{0,8000}+\n){0,200}+){0,200}?"
_MAIL = re.compile(
    rf"(?:From .{{1,400}}\n)?{_HEADER}"
    r"(?:From|Subject|Received|Return-Path|MIME-Version|Delivered-To|Message-ID)[ \t]?:",
    re.IGNORECASE,
)
_FIRST = re.compile(r"(?:From .{1,400}\n|[A-Za-z][\w-]{0,60}:)")
_MAILBOX = re.compile(r"^From \S{1,200} .{10,80}$", re.MULTILINE)
_FLOWED = re.compile(r" \n(?=\S)")
_TEXTS = ("text/", "message/delivery-status", "application/json")


def unwrap(piece: Piece) -> list[Piece] | None:
    """Return the texts and attachments of a mail file, or None when it is none."""
    text = piece.text.lstrip("\ufeff\r\n ")
    if not _FIRST.match(text) or not _MAIL.match(text[:200_000]):
        return None
    parts = [part for one in _mails(text) for part in _parts(piece, one)]
    return parts[:_MOST_PARTS] or None


def _mails(text: str) -> list[str]:
    """Return the mails of a mailbox, or the one mail that a text is."""
    if not text.startswith("From "):
        return [text]
    starts = [match.start() for match in _MAILBOX.finditer(text)]
    ends = [*starts[1:], len(text)]
    return [text[a:b].partition("\n")[2] for a, b in zip(starts, ends, strict=True)]


def _parts(piece: Piece, text: str) -> Iterator[Piece]:
    """Yield the parts of one mail: the plain text, or the page where there is none; the files."""
    mail = message_from_bytes(text.encode("utf-8", "replace"), policy=policy.default)
    plain = [part for part in mail.walk() if _is_shown(part, "text/plain")]
    has_text = any(str(part.get_payload(decode=True) or b"").strip() for part in plain)
    for part in mail.walk():
        if part.is_multipart():
            continue
        if part.get_content_type() == "text/html" and has_text and not part.get_filename():
            continue
        yield from _content(piece, part)


def _is_shown(part: Message, kind: str) -> bool:
    return part.get_content_type() == kind and not part.get_filename()


def _content(piece: Piece, part: Message) -> Iterator[Piece]:
    data = part.get_payload(decode=True)
    name = part.get_filename()
    if not isinstance(data, bytes) or not data.strip():
        return
    if part.get_content_type().startswith(_TEXTS) or not name:
        text = _decoded(part, data)
        if part.get_content_type() == "text/html":
            text = markup.text_of_html(text)
        elif _is_flowed(part):
            text = _FLOWED.sub(" ", text)
        yield piece.inner(text, name=f"{piece.name}/{name or 'text'}")
        return
    for opened in files.opened(data, f"{piece.name}/{name}"):
        if opened.refused:
            piece.skip(None, f"the attachment {name[:80]}: {opened.refused}")
        else:
            yield piece.inner(opened.text, name=opened.name)


def _decoded(part: Message, data: bytes) -> str:
    """Return the text of a part; one that was not encoded was already read as text."""
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    charset = (
        part.get_content_charset("utf-8") if encoding in ("quoted-printable", "base64") else "utf-8"
    )
    try:
        return data.decode(charset).replace("\r\n", "\n")
    except (UnicodeDecodeError, LookupError):
        return data.decode("cp1252", "replace").replace("\r\n", "\n")


def _is_flowed(part: Message) -> bool:
    return isinstance(part, EmailMessage) and part.get_param("format") == "flowed"


def repaired(piece: Piece) -> list[Piece] | None:
    """Return a copied text as it was before it was mailed, or None when nothing is to be done."""
    text = piece.text
    if len(text) > _LARGEST_TEXT or piece.document is not None or text.lstrip()[:5] == "<?xml":
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if markup.is_html(text):
        return [piece.inner(markup.text_of_html(text))]
    lines = markup.unquoted(piece.lines)
    lines = markup.without_tags(links.unlinked("\n".join(lines))).split("\n")
    lines, numbers = wrapping.rejoined([markup.unmarked(line) for line in lines])
    if lines == piece.lines:
        return None
    return [piece.inner("\n".join(lines), numbers)]
