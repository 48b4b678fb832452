"""Tell what only stands for a value, in the way of any tool, from a value."""

from __future__ import annotations

import re
from urllib.parse import unquote

_LONGEST = 160
_NOUNS = (
    "access|account|agent|api|application|app|auth|basic|batch|bearer|body|callback|client|code|"
    "customer|demo|from|group|here|id|jwt|key|message|mobile|msisdn|my|name|number|oauth|password|"
    "pass|phone|plan|project|real|recipient|region|secret|sender|service|sinch|sms|string|test|"
    "text|the|to|token|url|username|user|value|virtual|your"
)
# what stands between brackets of any kind: names and expressions such as ENV["X"] and secrets.X
_INSIDE = r"[ \w.:$|'\"()\[\]/-]*[A-Za-z_][ \w.:$|'\"()\[\]/-]*"
_BRACKETS = (
    (r"[$#@%]?\{{1,3}", r"\}{1,3}"),
    (r"<{1,2}", r">{1,2}"),
    (r"\[{1,2}", r"\]{1,2}"),
    (r"%\(", r"\)s"),
    (r"\$\(", r"\)"),
    (r"%", r"%"),
    (r"__", r"__"),
)
_WRAPPED = "|".join(f"{opening}{_INSIDE}{closing}" for opening, closing in _BRACKETS)
_PLACEHOLDER = re.compile(
    rf"{_WRAPPED}|\$\d|%[sdv@]|\{{\d?\}}|\$[A-Z_][A-Z\d_]*|\$(?:env:)?[A-Za-z][A-Za-z_]*\d?"
    r"|(?:SINCH|SMS|API|ACCESS|AUTH)_[A-Z_]*(?:TOKEN|KEY|SECRET|ID)"
    rf"|(?i:(?:your|my|the|insert|put|enter|add|replace)(?:[ _-]?(?:{_NOUNS}))+"
    r"|(?:api|access|auth)?[_ -]?(?:token|key|secret)[_ -]here"
    r"|[x*.•…█_-]{3,}|redacted|masked|hidden|null|none|undefined|)"
)
_HIDDEN = r"(?:[xX]{3,}|[*•#█…_.]{3,})"
_MASKED = re.compile(rf"\+?\d[\d -]{{0,9}}{_HIDDEN}[\d -]{{0,8}}|\+?{_HIDDEN}\d{{2,8}}")
_MANY_DIGITS = re.compile(r"(?:\D*\d){4}")
_BRACKET = re.compile(r"(?:[$#@]?\{{1,3}|<|\[)(?P<value>[^{}<>\[\]]+)(?:\}{1,3}|>|\])")


def is_placeholder(value: str) -> bool:
    """
    Tell whether a value only stands for another.

    For example ``{token}``, ``$TOKEN``, ``${{ secrets.TOKEN }}``, ``YOUR_API_TOKEN`` or ``%s``. A
    real value is often put into the same brackets: what has four digits is none.

    Examples
    --------
    >>> is_placeholder("{{token}}"), is_placeholder("{5c1e9a7b3d2f4e68}")
    (True, False)
    """
    bare = unquote(value.strip())
    if len(bare) > _LONGEST or _MANY_DIGITS.match(bare):
        return False
    user, colon, password = bare.partition(":")
    return _PLACEHOLDER.fullmatch(bare) is not None or (
        colon != "" and all(_PLACEHOLDER.fullmatch(part) for part in (user, password))
    )


def is_masked(value: str) -> bool:
    """
    Tell whether a number was made unreadable in part, so that nothing can be said of it.

    Examples
    --------
    >>> is_masked("+4477XXXXXX23"), is_masked("46701****05"), is_masked("4670174060S")
    (True, True, False)
    """
    return _MASKED.fullmatch(value.strip()) is not None


def bracketed(value: str) -> str | None:
    """
    Return the real value that was left within the brackets of a placeholder, or None.

    Examples
    --------
    >>> bracketed("<5c1e9a7b3d2f4e68>"), bracketed("<token>")
    ('5c1e9a7b3d2f4e68', None)
    """
    found = _BRACKET.fullmatch(value.strip())
    return None if found is None or is_placeholder(value) else found["value"].strip()
