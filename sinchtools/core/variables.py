"""The variables of a request whose value the evidence does not show, as they are written in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sinchtools.core.records import Exchange

_SEPARATOR = "; "


def variables_of(exchange: Exchange) -> tuple[str, ...]:
    """
    Return the variables of a request that have no value in the evidence.

    Examples
    --------
    >>> variables_of(Exchange(variables_not_shown="{{token}}; {{plan}}"))
    ('{{token}}', '{{plan}}')
    """
    named = exchange.variables_not_shown
    return tuple(filter(None, named.split(_SEPARATOR))) if named else ()


def with_variables(exchange: Exchange, spellings: Iterable[str]) -> Exchange:
    """
    Return a row that names those of the variables that stand in its request.

    Examples
    --------
    >>> with_variables(Exchange(url="https://a.test/$PLAN"), ["$PLAN", "$X"]).variables_not_shown
    '$PLAN'
    """
    wanted = dict.fromkeys(spellings)
    texts = request_texts(exchange) if wanted else []
    met = [one for one in wanted if any(one in text for text in texts)]
    named = _SEPARATOR.join(met) or None
    if named == exchange.variables_not_shown:
        return exchange
    return replace(exchange, variables_not_shown=named)


def request_texts(exchange: Exchange) -> list[str]:
    """Return the URL, the values of the headers and the body of a request."""
    body = exchange.request_body
    return [
        exchange.url or "",
        *exchange.request_headers.values(),
        body if isinstance(body, str) else "",
    ]
