"""An exchange with each number and each message text put through a function."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sinchtools.core.records import WORD_FIELDS, Exchange
from sinchtools.core.variables import variables_of, with_variables
from sinchtools.privacy import folding
from sinchtools.privacy.alias_forms import Rewrite, Rewriting, in_url, regrouped, without_numbers
from sinchtools.privacy.bodies import is_number, pair_rewritten, rewritten_body, segment
from sinchtools.privacy.numbers import SHORTEST_NUMBER, Numbers, canonical, national
from sinchtools.privacy.quotes import Quotes


def with_people_replaced(
    exchange: Exchange, number: Rewrite, text: Rewrite, quoted: Rewrite | None = None
) -> Exchange:
    """
    Return the exchange with each number and each message text put through a function.

    All parts are rewritten; `quoted` rewrites the words around.
    """
    seen: dict[str, str] = {}
    names: dict[str, str] = {}
    digits: set[str] = set()

    def message(found: str) -> str:
        seen[found] = new = text(found)
        return new

    def person(found: str) -> str:
        new = number(found)
        if new != found and len(whole := canonical(found)) >= SHORTEST_NUMBER:
            digits.update(
                (whole, short) if len(short := national(whole)) >= SHORTEST_NUMBER else (whole,)
            )
        if (
            new != found
            and sum(map(str.isdigit, found)) >= SHORTEST_NUMBER - 1
            and not is_number(found)
        ):  # digits alone are found anywhere
            names[found] = new
        return new

    def free(value: str) -> str:
        return without_numbers(quoted(value) if quoted else value, number)

    who = Rewriting(person, message, free)
    body = rewritten_body(exchange.request_body, who, sent=True)
    url = exchange.url and _url(exchange.url, who._replace(number=number))
    known = Numbers(digits)
    said = exchange.response_body
    said = regrouped(said, known, number) if isinstance(said, str) else said
    response = rewritten_body(said, who, sent=False)
    quotes = Quotes((found for found in seen if seen[found] != found), names)
    again = seen | names

    def other(value: str | None) -> str | None:
        return value and free(regrouped(_quoted_again(value, quotes, again), known, number))

    if isinstance(response, bytes):  # it may quote what was sent
        response = _quoted_again(response.decode("utf-8", "surrogateescape"), quotes, again).encode(
            "utf-8", "surrogateescape"
        )
    elif response:
        response = _quoted_again(response, quotes, again)
    changed: dict[str, Any] = {name: other(getattr(exchange, name)) for name in WORD_FIELDS}
    for name in ("request_headers", "response_headers"):
        changed[name] = {
            free(key): other(value) or "" for key, value in getattr(exchange, name).items()
        }
    rewritten = replace(exchange, url=url, request_body=body, response_body=response, **changed)
    return with_variables(rewritten, variables_of(rewritten))  # none of a text that is gone


# --- numbers --------------------------------------------------------------------------------------


def is_id(value: str) -> bool:
    """Whether a value looks like an identifier of a system."""
    letters = len(re.findall(r"[A-Za-z]", value))
    return (
        letters > 2
        and bool(re.fullmatch(r"[0-9A-Za-z]{12,16}|[0-9A-Za-z]{26}", value))
        and letters < len(value)
    )


def _quoted_again(text: str, quotes: Quotes, new: dict[str, str]) -> str:
    if len(text) < quotes.least and text.isascii():
        return text
    return folding.rewritten_text(
        text,
        lambda plain: ((start, end, new[known]) for start, end, known in quotes.spans(plain)),
        in_url,
    )


def _url(url: str, who: Rewriting) -> str:
    path, mark, query = url.partition("?")
    segments = (segment(part, who) for part in path.split("/"))
    pairs = (pair_rewritten(pair, who) for pair in query.split("&"))
    return "/".join(segments) + mark + "&".join(pairs)
