"""Brackets that are missing, wrong or too many, and texts that end too early or late."""

from __future__ import annotations

import re

from sinchtools.diagnosis.json_errors.defect import Defect, defect_at
from sinchtools.diagnosis.json_errors.text import start_of
from sinchtools.diagnosis.json_errors.walk import Break, parent


def of_cut(text: str, here: Break) -> Defect:
    """Return the defect of a text that ends too early."""
    end = len(text.rstrip())
    if here.wanted == "end" or not here.kinds:
        return defect_at(text, "json-unexpected", end, value="the end")
    if here.wanted == "comma" and here.kinds == "{":
        end = (
            len(text) if re.match(r"\s*\{[ \t]*\r?\n", text) else end
        )  # where each bracket has a line of its own
        return defect_at(text, "json-missing-brace", end, length=0, fix=(end, end, "}"), value="}")
    key = (
        here.keys[0]
        if here.keys and (len(here.kinds) > 1 or here.wanted in ("value", "comma"))
        else None
    )
    return defect_at(text, "json-truncated", end, key=key or None, length=0)


def of_rest(text: str, here: Break, char: str) -> Defect:
    """Return the defect of what follows after the end."""
    first = text[start_of(text)]
    if first == '"' and char == ":":
        return defect_at(text, "json-missing-brace", 0, length=0, fix=(0, 0, "{"), value="{")
    if first not in "{[":
        return defect_at(text, "json-not-json", start_of(text), length=0)
    if char in "}]":
        return defect_at(
            text, "json-extra-bracket", here.at, fix=(here.at, here.at + 1, ""), value=char
        )
    if char == "," and re.compile(r',\s*"').match(text, here.at):
        return defect_at(text, "json-extra-bracket", here.after - 1, value=text[here.after - 1])
    if char in "{[,":
        return defect_at(text, "json-two-documents", here.at)
    return defect_at(text, "json-text-after", here.at)


def of_mismatch(text: str, here: Break, char: str) -> Defect:
    """Return the defect of a closing bracket that is not the one that is open."""
    if here.kinds.endswith("["):
        wrong = surplus(text, "}")
        rule, position = (
            ("json-wrong-bracket", here.at) if wrong else ("json-missing-bracket", here.after)
        )
        fix = (here.at, here.at + 1, "]") if wrong else (here.after, here.after, "]")
        return defect_at(
            text, rule, position, key=here.keys[0] if here.keys else None, fix=fix, value="]"
        )
    if surplus(text, "]") and not surplus(text, "{"):
        if text[here.at - 1] == "]":
            return defect_at(
                text,
                "json-extra-bracket",
                here.at,
                key=here.key,
                fix=(here.at, here.at + 1, ""),
                value="]",
            )
        return no_opening(text, here)
    if surplus(text, "{"):
        if surplus(text, "]"):
            return defect_at(
                text,
                "json-wrong-bracket",
                here.at,
                key=here.key,
                fix=(here.at, here.at + 1, "}"),
                value="}",
            )
        return defect_at(
            text,
            "json-missing-brace",
            here.after,
            key=here.key,
            fix=(here.after, here.after, "}"),
            value="}",
        )
    return defect_at(text, "json-extra-bracket", here.at, key=here.key, value=char)


def surplus(text: str, bracket: str) -> bool:
    """Whether there are more of this bracket than of its partner, texts left out."""
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text[:2_000_000])
    return bare.count(bracket) > bare.count({"{": "}", "}": "{", "]": "[", "[": "]"}[bracket])


def no_opening(text: str, here: Break) -> Defect:
    """
    Find the first value of the list whose opening bracket is missing.

    That is the value after the last key with a colon.
    """
    colon = max(
        (match.end() for match in re.finditer(r'"\s*:[ \t]*', text[: here.at][-100_000:])),
        default=0,
    ) + max(0, here.at - 100_000)
    name = re.search(r'"([^"]*)"\s*:\s*$', text[max(0, colon - 200) : colon])
    return defect_at(
        text,
        "json-missing-bracket",
        colon,
        key=name[1] if name else None,
        fix=(colon, colon, "["),
        value="[",
    )


def of_no_object(text: str, here: Break) -> Defect:
    """
    Find the start of the object whose opening brace is missing.

    That is just after the colon before its first key.
    """
    colon = len(text[: here.token].rstrip())
    position = colon + len(text[colon : here.token]) - len(text[colon : here.token].lstrip(" \t"))
    return defect_at(
        text,
        "json-missing-brace",
        position,
        key=here.keys[0],
        fix=(position, position, "{"),
        value="{",
    )


def of_no_closing(text: str, here: Break) -> Defect:
    """
    Find the end of the list that was not closed: before the comma in front of the key.

    Otherwise find the wrong or doubled bracket that opened it.
    """
    opening = text.rfind("[", 0, here.token)
    if not text[opening + 1 : here.token].strip() and surplus(text, "}"):
        return defect_at(
            text,
            "json-wrong-bracket",
            opening,
            key=parent(here),
            fix=(opening, opening + 1, "{"),
            value="{",
        )
    doubled = text.rfind("[[", 0, here.token) + 1
    if doubled:
        return defect_at(
            text,
            "json-extra-bracket",
            doubled,
            key=here.keys[0] if here.keys else None,
            fix=(doubled, doubled + 1, ""),
            value="[",
        )
    before = text[: here.token].rstrip()
    position = len(before) - 1 if before.endswith(",") else here.token
    return defect_at(
        text,
        "json-missing-bracket",
        position,
        key=here.keys[0] if here.keys else None,
        fix=(position, position, "]"),
        value="]",
    )
