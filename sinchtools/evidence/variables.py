"""Name the variables of a request that its tool, shell or code would have filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sinchtools.core.records import Exchange
from sinchtools.core.variables import request_texts, with_variables

# forms of evidence in which a name in braces is filled in when the request is sent
_TOOLS = frozenset({"postman", "tool-export", "http-file", "bruno", "tool-xml"})
_OF_TOOLS = re.compile(
    r"\{\{[^{}]{1,80}\}\}"  # Postman, Insomnia, Bruno, request files
    r"|\{%[^{}%]{1,200}%\}|<<[\w.-]{1,80}>>|\$\{\[[^\[\]]{1,80}\]\}"  # Insomnia, Hoppscotch, Yaak
    # what a generator of collections puts where the API's description names a type only
    r"|<(?:string|integer|long|number|float|double|boolean|date|dateTime|date-time|uri|url|uuid"
    r"|email|byte|binary|token|bearer|Bearer Token|API Key)>"
    r"|(?<=/)\{\w{1,40}\}(?=[/?#]|$)"  # a parameter of the path that has no value
)
_OF_XML = re.compile(r"\$\{[^{}]{1,80}\}")  # JMeter, SoapUI


def of_tool(form: str, exchange: Exchange) -> Exchange:
    """Return a row of a tool's file with the variables that the file gives no value."""
    is_written = form == "http" and exchange.status is None  # not seen on its way
    if form not in _TOOLS and not is_written:
        return exchange
    patterns = (_OF_TOOLS, _OF_XML) if form == "tool-xml" else (_OF_TOOLS,)
    found = [one for text in request_texts(exchange) for one in _found(text, patterns)]
    return with_variables(exchange, found)


def _found(text: str, patterns: Iterable[re.Pattern[str]]) -> list[str]:
    return [one for pattern in patterns for one in pattern.findall(text)]
