"""What a body is that is not JSON as a whole: a form, markup, quoted, escaped."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote

from sinchtools.diagnosis.json_errors.defect import Defect, defect_at, shown
from sinchtools.diagnosis.json_errors.text import is_json, line_and_column, start_of
from sinchtools.diagnosis.json_errors.walk import break_of

_FORM = re.compile(
    r"[\w.%\[\]+-]++=[^&{}\n]*+(?:&[\w.%\[\]+-]++=[^&{}\n]*+)*+(?:&[\w.%\[\]+-]*+)?\s*+"
)
_ON_A_PAGE = re.compile(r"[{\[]\s*&(?:quot|#34|#x22);")
_AS_RUBY = re.compile(r'\{\s*(?:"\w+"|:\w+)\s*=>')
_IN_QUOTES = re.compile(r'[{\[]\s*\\"')


def decoded(body: bytes) -> str | Defect:
    """Return bytes as text, or the defect that keeps them from being UTF-8."""
    if (
        body[:2] in (b"\xff\xfe", b"\xfe\xff")
        or body[1:2] == b"\0"
        or (body[:1] == b"\0" and len(body) > 1)
    ):
        return Defect(
            rule="json-utf16", position=0, line=1, column=1, shown="", facts={"value": "UTF-16"}
        )
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8")
        line, column = line_and_column(before, len(before))
        around, caret = shown(before, len(before), 0)
        facts = {"value": f"0x{body[error.start]:02X}", "observed": error.start}
        key = next(iter(break_of(before).keys), None)
        return Defect(
            rule="json-encoding",
            position=error.start,
            line=line,
            column=column,
            key=key,
            shown=around + "�",
            caret=caret,
            facts=facts,
        )


def of_whole(text: str) -> Defect | None:
    """Return the defect of a body that is something else as a whole; None when it is not."""
    at = start_of(text)
    bare = text.strip()
    if not bare:
        return defect_at(text, "json-empty", 0)
    if text.startswith("\ufeff"):
        return defect_at(text, "json-bom", 0, fix=(0, 1, ""))
    if bare.startswith("<"):
        return defect_at(
            text, "json-template" if re.match(r"<\w+>\W*$", bare) else "json-markup", at
        )
    if bare.startswith("--") and "content-disposition" in bare[:2000].lower():
        return defect_at(text, "json-multipart", at, length=0)
    if bare[0] not in "{[" and _FORM.fullmatch(bare[:10_000]):
        return defect_at(text, "json-form", at, length=0)
    if bare.startswith("[object "):
        return defect_at(text, "json-not-serialised", at, length=len(bare[:15]), value=bare[:15])
    if bare[:3].lower() in ("%7b", "%5b"):
        return defect_at(
            text,
            "json-percent-encoded",
            at,
            length=3,
            fix=(0, len(text), unquote(text)) if is_json(unquote(text)) else None,
        )
    if bare[0] in "'‘“`" and bare[1:2] in ("{", "["):
        return defect_at(text, "json-outer-quotes", at, fix=_unquoted(text, at))
    return _of_escaped(text, bare)


def _of_escaped(text: str, bare: str) -> Defect | None:
    """Return the defect of JSON as a page, a program or a text in quotes writes it, or None."""
    if _ON_A_PAGE.match(bare):
        return _of_a_page(text)
    if _AS_RUBY.match(bare):
        return _ruby_hash(text)
    if _IN_QUOTES.match(bare):
        inner = text.replace('\\"', '"')
        return defect_at(
            text,
            "json-escaped-quotes",
            text.index("\\"),
            fix=(0, len(text), inner) if is_json(inner) else None,
        )
    return None


def _of_a_page(text: str) -> Defect:
    """Return the defect of JSON that was escaped for a web page."""
    meant, at = unescape(text), text.index("&")
    fix = (0, len(text), meant) if is_json(meant) else None
    return defect_at(text, "json-html-escaped", at, length=text.index(";", at) + 1 - at, fix=fix)


def _ruby_hash(text: str) -> Defect:
    """Return the defect of a hash as Ruby prints it."""
    meant = re.sub(r":(\w+)\s*=>", r'"\1"=>', text)
    meant = re.sub(r'"\s*=>\s*(nil\b)?', lambda found: f'": {"null" if found[1] else ""}', meant)
    fix = (0, len(text), meant) if is_json(meant) else None
    return defect_at(text, "json-ruby-hash", text.index("=>"), length=2, fix=fix)


def _unquoted(text: str, at: int) -> tuple[int, int, str] | None:
    inner = text.strip()[1:-1]
    return (at, len(text.rstrip()), inner) if is_json(inner) else None
