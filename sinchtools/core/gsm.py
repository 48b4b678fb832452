"""Message texts and numbers as GSM counts them: alphabets, parts, digits."""

from __future__ import annotations

import re

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ "
    "!\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


_GSM7_EXTENSION = frozenset("^{}\\[]~|€\f")
_ALPHABET = _GSM7 | _GSM7_EXTENSION


def encoding_of(text: str) -> str:
    """
    Return ``text`` when every character is in the GSM-7 alphabet, else ``unicode``.

    These are the names that the dry run uses.
    """
    return "text" if _ALPHABET.issuperset(text) else "unicode"


def not_gsm7(text: str) -> list[str]:
    """Return the characters that turn the message into UCS-2, each once, in order."""
    return [
        character
        for character in dict.fromkeys(text)
        if character not in _GSM7 and character not in _GSM7_EXTENSION
    ]


def twice_counted(text: str) -> list[str]:
    """Return the characters that GSM counts twice, each once, in order."""
    return [one for one in dict.fromkeys(text) if one in _GSM7_EXTENSION and one.strip()]


def parts_of(text: str) -> int:
    """
    Return how many message parts a text needs.

    An escape or surrogate pair is not split across parts.

    Examples
    --------
    >>> parts_of("a" * 160), parts_of("a" * 161), parts_of("д" * 70), parts_of("д" * 71)
    (1, 2, 1, 2)
    """
    is_gsm7 = encoding_of(text) == "text"
    single, each = (160, 153) if is_gsm7 else (70, 67)
    if 2 * len(text) <= single:
        return 1
    if is_gsm7:
        units = [2 if character in _GSM7_EXTENSION else 1 for character in text]
    else:
        units = [2 if ord(character) > 0xFFFF else 1 for character in text]
    if sum(units) <= single:
        return 1
    parts, used = 1, 0
    for unit in units:
        if used + unit > each:
            parts, used = parts + 1, 0
        used += unit
    return parts


SEPARATORS = re.compile(r"[\s().\-/]")  # within a number


def digits(number: str) -> str:
    """Return a number as the API shows it: without ``+``, a leading ``00`` and separators."""
    bare = SEPARATORS.sub("", number)
    return (
        bare.removeprefix("+").removeprefix("00")
        if bare.startswith("00")
        else bare.removeprefix("+")
    )
