"""Take off what mail programs, ticket systems and link filters write around a URL."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qs, unquote, urlsplit

_LONGEST = 8_000
_LONGEST_SHOWN, _SHORTEST_SHOWN = 2_000, 2  # characters of what stands before a link
# hosts that rewrite links, and the field of the query that holds the URL
_IN_QUERY = {
    "safelinks.protection.outlook.com": "url",
    "safelinks.protection.office365.us": "url",
    "safelinks.html": "url",
    "linkprotect.cudasvc.com": "a",
    "urldefense.proofpoint.com/v1": "u",
    "www.google.com/url": "q",
    "slack-redir.net": "url",
    "l.facebook.com": "u",
    "linkedin.com/redir": "url",
    "protect2.fireeye.com": "u",
    "trendmicro.com": "url",
    "clicktime.symantec.com": "u",
    "edgepilot.com": "u",
    "protection.sophos.com": "u",
    "deref-gmx": "redirectUrl",
    "deref-mail": "redirectUrl",
    "deref-web": "redirectUrl",
}
_SIGN = re.compile(
    rf"https?:/{{1,2}}[\w.-]{{0,80}}(?:{'|'.join(map(re.escape, _IN_QUERY))}|urldefense\."
    r"|mimecast\.com|secure-web\.cisco\.com|safelinks)",
    re.IGNORECASE,
)
_URL = re.compile(rf"https?:/{{1,2}}[^\s\"'<>\\|`“”‘’\u00a0]{{4,{_LONGEST}}}", re.IGNORECASE)
_V3 = re.compile(
    r"https?:/{1,2}urldefense\.(?:com|us|proofpoint\.com)/v3/__(.{4,8000}?)__;([\w*-]*)!*.*"
)
_RUN = re.compile(r"\*(\*.)?")
_CISCO = re.compile(r"https?://secure-web\.cisco\.com/.*?/(https?(?:%3A|:).+)", re.IGNORECASE)
_MIMECAST = re.compile(r"https?://[\w.-]*mimecast\.com/\S*[?&]domain=([\w.-]+)", re.IGNORECASE)
_RUNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TWICE = re.compile(r"<((?:https?|mailto|tel):(?://)?[^<>\s]{1,4000})>")
_SHOWN = re.compile(r"[^\s<>\"'(]*$")
_MARKDOWN = re.compile(
    r"\[((?:https?://|[\w.-]+\.\w)[^\[\]\s]{0,2000})\](?:\(((?:https?|mailto)[^()\s]{1,4000})\))"
)
_LABELLED = re.compile(r"<(https?://[^<>|\s]{1,4000})\|[^<>\n]{0,2000}>")
_WIKI = re.compile(r"\[(?:[^\[\]|\n]{1,2000}\|)(https?://[^\[\]|\s]{1,4000})\]")
_BRACKETED = re.compile(r"(?<![\w:=])<(https?://[^<>\s]{1,4000})>(?!;)")


def unlinked(text: str) -> str:
    """
    Return a text with each URL as its writer gave it.

    Examples
    --------
    >>> unlinked("us.sms.api.sinch.com<http://us.sms.api.sinch.com>")
    'us.sms.api.sinch.com'
    """
    if _SIGN.search(text):
        text = _URL.sub(lambda match: original(match[0]), text)
    if "<http" in text or "<mailto" in text or "<tel" in text:
        text = _TWICE.sub(_once, text)
        text = _LABELLED.sub(r"\1", text)
        text = _BRACKETED.sub(r"\1", text)
    if "](" in text:
        text = _MARKDOWN.sub(lambda match: _plain(match[1], match[2]), text)
    return _WIKI.sub(r"\1", text) if "|http" in text else text


def original(link: str) -> str:
    """
    Return the URL that a link filter has rewritten, or the link itself.

    Examples
    --------
    >>> original("https://urldefense.com/v3/__https://us.sms.api.sinch.com/xms__;!!x!y$")
    'https://us.sms.api.sinch.com/xms'
    """
    if not _SIGN.match(link):
        return link
    found = next((url for known in _FILTERS if (url := known(link))), None)
    return found if found and found.lower().startswith("http") else link


def _in_query(link: str) -> str | None:
    lower = link.lower()
    name = next((name for host, name in _IN_QUERY.items() if host in lower), None)
    if name is None:
        return None
    fields = parse_qs(urlsplit(unescape(link).replace("&amp;", "&")).query, max_num_fields=100)
    value = fields.get(name, fields.get("url", [""]))[0]
    return _unbased(value) if "sophos" in lower else value


def _unbased(value: str) -> str | None:
    try:
        return base64.b64decode(value + "==", altchars=b"-_").decode("utf-8")
    except ValueError:
        return None


def _proofpoint_2(link: str) -> str | None:
    """Return the URL of a link of version 2, where ``-`` stands for ``%`` and ``_`` for ``/``."""
    if "/v2/url" not in link:
        return None
    value = parse_qs(urlsplit(unescape(link)).query, max_num_fields=100).get("u", [""])[0]
    return unquote(value.translate({ord("-"): "%", ord("_"): "/"}))


def _proofpoint_3(link: str) -> str | None:
    """Return the URL of a link of version 3, with the characters that it keeps apart put back."""
    match = _V3.fullmatch(link)
    if not match:
        return None
    kept = iter(_unbased(match[2].replace("*", "")) or "")

    def put_back(star: re.Match[str]) -> str:
        count = _RUNS.find(star[1][1]) + 2 if star[1] else 1
        return "".join(next(kept, "*") for _ in range(count))

    url = _RUN.sub(put_back, match[1])
    return re.sub(r"^(https?:)/(?=[^/])", r"\1//", url)


def _cisco(link: str) -> str | None:
    match = _CISCO.fullmatch(link)
    return unquote(match[1]) if match else None


def _mimecast(link: str) -> str | None:
    """Return what such a link still tells: the host; the path stays open."""
    match = _MIMECAST.fullmatch(link)
    return f"https://{match[1]}/{{path}}" if match else None


_FILTERS: tuple[Callable[[str], str | None], ...] = (
    _proofpoint_3,
    _proofpoint_2,
    _cisco,
    _mimecast,
    _in_query,
)


def _once(match: re.Match[str]) -> str:
    """Return nothing for a link in angle brackets that repeats what stands before it."""
    before = match.string[max(0, match.start() - _LONGEST_SHOWN) : match.start()]
    found = _SHOWN.search(before.removesuffix(" "))
    shown = re.sub(r"^https?://", "", original(found[0] if found else "")).rstrip("/.,;")
    bare = re.sub(r"^(?:https?://|mailto:|tel:)", "", match[1]).rstrip("/")
    is_same = bare == shown or bare.startswith(shown) or shown.endswith(bare)
    is_glued = before[-1:].isalnum()
    return "" if is_glued or (len(shown) > _SHORTEST_SHOWN and is_same) else match[0]


def _plain(label: str, link: str) -> str:
    bare = re.sub(r"^(?:https?://|mailto:)", "", link)
    is_same = bare.rstrip("/").startswith(re.sub(r"^https?://", "", label).rstrip("/"))
    return label if is_same else link
