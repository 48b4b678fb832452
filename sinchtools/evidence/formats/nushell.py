"""The command `http` of Nushell, whose headers and bodies are lists and records."""

from __future__ import annotations

import json
import re

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats.printed import Printed
from sinchtools.evidence.pieces import joined

_COMMAND = re.compile(r"http +(?P<method>get|post|put|patch|delete|head) +(?P<rest>[^\n]{1,20000})")
_HEADERS = re.compile(r"(?:--headers|-H)[ =]\(?[\[{](?P<pairs>[^\]}\n]*)[\]}]\)?")
_MEDIA = re.compile(r"(?:--content-type|-t)[ =](?P<media>\S+)")
_WORD = re.compile(r"\"((?:[^\"\\]|\\.)*+)\"|'([^']*)'|([^\s,:\"']+)")
_URL = re.compile(r"[\"']?(?P<url>https?://[^\s\"']+)[\"']?")


def exchange_of(text: str, start: int) -> Exchange | None:
    """
    Return the request of the command at a place, or None when it is not one of Nushell.

    Examples
    --------
    >>> exchange_of("http get --headers [X-A 'b'] https://localhost/x", 0).request_headers
    {'X-A': 'b'}
    """
    command = _COMMAND.match(text, start)
    rest = command["rest"] if command else ""
    headers, media = _HEADERS.search(rest), _MEDIA.search(rest)
    plain = _HEADERS.sub(" ", _MEDIA.sub(" ", rest))
    url = _URL.search(plain)
    after = plain[url.end() :].lstrip() if url else ""
    if not command or not url or not (headers or media or after.startswith("{")):
        return None
    pairs = _WORD.findall(headers["pairs"]) if headers else []
    words = ["".join(one) for one in pairs]
    sent = joined(zip(words[::2], words[1::2], strict=False))
    body = _body(after)
    if body is not None:
        given = media["media"].strip("\"'") if media else "application/json"
        sent.setdefault("Content-Type", given)
    return Exchange(
        method=command["method"].upper(), url=url["url"], request_headers=sent, request_body=body
    )


def _body(text: str) -> str | None:
    """Return the body that stands behind the URL: a record, or a text in quotes."""
    if text.startswith(("{", "[", "({")):
        found = Printed(text).value_at(text.index("{") if "{" in text else 0)
        return json.dumps(found[0], ensure_ascii=False) if found else None
    if text[:1] in ("'", "`") and text.find(text[0], 1) > 0:
        return text[1 : text.find(text[0], 1)]
    word = re.match(r"\"((?:[^\"\\]|\\.)*+)\"", text)
    return re.sub(r"\\(.)", r"\1", word[1]) if word else None
