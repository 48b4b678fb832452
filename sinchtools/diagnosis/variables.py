"""
Leave unjudged what a variable hides.

A tool, a shell or code puts its value in when it sends. The evidence names the variable only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from sinchtools.api.description import ENDPOINTS, Place
from sinchtools.api.validation import Violation
from sinchtools.core.json import at_pointer, value_of
from sinchtools.core.records import Exchange, header
from sinchtools.core.variables import variables_of
from sinchtools.diagnosis.fixes import repaired_json

_BARE = "\ue000"  # begins a text that stands for a variable without quotes
_OF_TYPES = ("not-an-array", "not-a-string", "not-a-boolean", "wrong-type")
_WORDS = {word for endpoint in ENDPOINTS for word in endpoint.path.split("/")} | {"xms", "v1"}
_MOST_LISTED = 5
_HAS, _IT = ("has", "have"), ("it", "them")


def with_quotes(body: str, variables: Iterable[str]) -> str:
    """
    Return a body in which each variable that stands outside of a text is a text of its own.

    Examples
    --------
    >>> list(json.loads(with_quotes('{"flash_message": {{flash}}}', ["{{flash}}"])))
    ['flash_message']
    """
    names = "|".join(map(re.escape, sorted(variables, key=len, reverse=True)))
    if not names:
        return body
    pieces = re.compile(rf'"(?:[^"\\]|\\.)*+"|(?P<bare>{names})', re.DOTALL)
    return pieces.sub(
        lambda found: json.dumps(_BARE + found["bare"]) if found["bare"] else found[0], body
    )


def is_variable(value: object) -> bool:
    """Tell whether a value of such a body is a variable and no more."""
    return isinstance(value, str) and value.startswith(_BARE)


def judged(exchange: Exchange, place: Place, found: Iterable[Violation]) -> Iterator[Violation]:
    """Yield what does not depend on a variable, and one note that names the variables."""
    variables = variables_of(exchange)
    if not variables:
        yield from found
        return
    yield from (one for one in found if not _is_hidden(one, exchange, place, variables))
    more = len(variables) - _MOST_LISTED
    listed = ", ".join(variables[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
    yield Violation(
        rule="variable-not-shown",
        severity="note",
        status=None,
        code=None,
        field=next(_fields(exchange, place, variables), None),
        facts={"value": listed, "has": _HAS[len(variables) > 1], "it": _IT[len(variables) > 1]},
    )


def _is_hidden(
    violation: Violation, exchange: Exchange, place: Place, variables: tuple[str, ...]
) -> bool:
    url = exchange.url or ""
    field = violation.field or ""
    if violation.location == "header":
        return _names(header(exchange.request_headers, field), variables)
    if violation.location == "host":
        return _names(url.partition("://")[2].split("/")[0], variables) or _names(
            url.partition("/")[0], variables
        )
    if violation.location == "path":
        return _hides_path(url, field, place, variables)
    if violation.location == "query":
        return any(_names(value, variables) for name, value in place.query if name == field)
    if violation.location == "body":
        return _hides_in_body(violation, exchange, variables)
    return False


def _hides_path(url: str, field: str, place: Place, variables: tuple[str, ...]) -> bool:
    if url.startswith(variables):
        return True  # the prefix and the account may be part of the variable
    if field == "service_plan_id":
        return _names(place.account, variables)
    if field in place.values:
        return _names(place.values[field], variables)
    words = [part for part in (place.below or place.path).split("/") if part]
    return not all(part in _WORDS or not _names(part, variables) for part in words) and all(
        part in _WORDS or _names(part, variables) or any(map(str.isdigit, part)) for part in words
    )


def _hides_in_body(violation: Violation, exchange: Exchange, variables: tuple[str, ...]) -> bool:
    if violation.pointer is None or not isinstance(exchange.request_body, str):
        return False
    value = at_pointer(_body(exchange.request_body, variables), violation.pointer)
    if not isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return _BARE in text or ("duplicate" in violation.rule and _names(text, variables))
    if is_variable(value) or (value in variables and not value.startswith(("{{", "$", "<<"))):
        return True  # neither the value nor its type is known
    return _names(value, variables) and violation.rule not in _OF_TYPES


@lru_cache(maxsize=4)
def _body(body: str, variables: tuple[str, ...]) -> object:
    quoted = with_quotes(body, variables)
    value = value_of(quoted)
    return value_of(repaired_json(quoted)) if value is None else value


def _names(text: str | None, variables: tuple[str, ...]) -> bool:
    return text is not None and any(variable in text for variable in variables)


def _fields(exchange: Exchange, place: Place, variables: tuple[str, ...]) -> Iterator[str]:
    """Yield the API's names of what the variables stand for."""
    if _names(header(exchange.request_headers, "Authorization"), variables):
        yield "Authorization"
    if _names(place.account, variables):
        yield "service_plan_id"
    yield from (name for name, value in place.values.items() if _names(value, variables))
