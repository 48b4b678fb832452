"""Quotes that are missing, odd or too many, and what a text in quotes must not hold."""

from __future__ import annotations

import json
import re

from sinchtools.diagnosis.json_errors.defect import Defect, defect_at
from sinchtools.diagnosis.json_errors.walk import Break

SMART_QUOTES = "“”„‟«»‘’‚‛`´"
NAME = r"[\w$+.-]+"  # of a field, or a number as the key of a parameter's value
ODD_CLOSING = re.compile(rf"{NAME}([{SMART_QUOTES}'])\s*:")


def quote_within(text: str, here: Break, inside: str | None) -> Defect:
    """Return the defect of a quote that ends a text too early."""
    content, rest = text[here.token + 1 : here.after - 1], text[here.at : here.at + 400]
    if rest[0] == "+" and re.match(r"\+\s*[\w$\"]", rest) and not re.match(r'\+\d+"', rest):
        return defect_at(text, "json-concatenation", here.at, key=inside)
    if not content and re.match(r'[^"\n,\]}]+"', rest):
        return extra_quote(text, here.token, here)
    following = re.match(r'[^"\n]*"\s*(.?)', rest)
    cut = _text_end(content)
    closes_key = following is not None and following[1] == ":" and "," in content[cut:]
    in_list = (
        here.kinds.endswith("[")
        and following is not None
        and following[1] in (",", "]")
        and "," in content[cut:]
    )
    if closes_key or in_list:
        position = here.token + 1 + cut
        if content[cut - 1 : cut] in (*SMART_QUOTES, "'"):
            return odd_quote(text, position - 1, here)
        return defect_at(
            text, "json-missing-quote", position, key=inside, fix=(position, position, '"')
        )
    return defect_at(text, "json-inner-quote", here.after - 1, key=inside)


def odd_quote(text: str, at: int, here: Break) -> Defect:
    """Return the defect of a quote that is not the straight one."""
    rule = "json-single-quotes" if text[at] == "'" else "json-smart-quotes"
    return defect_at(text, rule, at, key=here.key, fix=(at, at + 1, '"'), value=text[at])


def extra_quote(text: str, at: int, here: Break) -> Defect:
    """Return the defect of a quote that is too many."""
    return defect_at(text, "json-extra-quote", at, key=here.key, fix=(at, at + 1, ""))


def of_string(text: str, here: Break) -> Defect:
    """Return the defect of a text that breaks off, or of a character that it must not hold."""
    char, key = (
        text[here.at : here.at + 1],
        here.keys[0] if here.keys and here.keys[0] and here.in_value else here.key,
    )
    unclosed = here.at <= here.token + 1 and not (char and char < " ") and char != "\\"
    if unclosed or (char in "\r\n" and (not here.in_value or _line_starts_anew(text, here.at))):
        end = len(text) if unclosed else here.at
        content = text[here.token + 1 : end]
        if not here.in_value and (odd := ODD_CLOSING.match(content)):
            return odd_quote(text, here.token + 1 + odd.start(1), here)
        name = None if here.in_value else re.match(rf"{NAME}(?=\s*:)", content)
        position = here.token + 1 + (name.end() if name else _text_end(content))
        if unclosed and not content.rstrip().endswith(("}", "]")):
            return defect_at(text, "json-truncated", len(text.rstrip()), key=key, length=0)
        if text[position - 1] in (*SMART_QUOTES, "'"):
            return odd_quote(text, position - 1, here)
        return defect_at(
            text, "json-missing-quote", position, key=key, fix=(position, position, '"')
        )
    if char == "\\" or not char or char >= " ":
        position = text.rfind("\\", 0, here.at + 2)
        return defect_at(
            text,
            "json-bad-escape",
            position,
            key=key,
            length=2,
            value=text[position : position + 2],
        )
    rule = {"\n": "json-raw-newline", "\r": "json-raw-newline", "\t": "json-raw-tab"}.get(
        char, "json-raw-control"
    )
    return defect_at(
        text,
        rule,
        here.at,
        key=key,
        fix=(here.at, here.at + 1, json.dumps(char)[1:-1]),
        value=f"U+{ord(char):04X}",
    )


def _text_end(content: str) -> int:
    """
    Return where a text ended before a comma and closing brackets got into it.

    Brackets that it opens itself are its own.
    """
    surplus = sum(map(content.count, "]}")) - sum(map(content.count, "[{"))
    end = _before_comma(content, len(content))
    while surplus > 0 and content[end - 1 : end] in ("]", "}"):
        surplus -= 1
        end = _before_comma(content, end - 1)
    return end


def _before_comma(content: str, end: int) -> int:
    """Return where the text ends that is followed by white space, and by one comma at most."""
    end = _before_space(content, end)
    return _before_space(content, end - 1) if content[end - 1 : end] == "," else end


def _before_space(content: str, end: int) -> int:
    while end and content[end - 1].isspace():
        end -= 1
    return end


def _line_starts_anew(text: str, newline: int) -> bool:
    if text[:newline].rstrip().endswith(",") and re.compile(r'\s*"[^"\n]*"\s*[,\]\r\n]').match(
        text[newline : newline + 500]
    ):
        return True
    return (
        re.compile(r'[\r\n]+\s*(?:"[\w-]+"\s*:|[}\]]\s*[,}\]\r\n]|[}\]]\s*$)').match(
            text[newline : newline + 500]
        )
        is not None
    )
