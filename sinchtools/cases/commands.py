"""A request as something to copy and run: curl or Python, the token as ``$SINCH_API_TOKEN``."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange, header
from sinchtools.evidence.exports import to_curl
from sinchtools.privacy.markers import MARKER
from sinchtools.replays.planned import as_it_goes

TOKEN = "$SINCH_API_TOKEN"
_IN_QUOTES = re.compile(r"'([^'\n]*\$SINCH_\w+[^'\n]*)'")
_JSON = "application/json"
_LEFT_OUT = {"user-agent", "accept", "accept-language", "origin", "referer", "postman-token"}


def as_curl(exchange: Exchange) -> str:
    r"""
    Return the request as a bash command that runs when ``SINCH_API_TOKEN`` is set.

    A row of a log shows no headers: then those that the request needs are put in.

    Parameters
    ----------
    exchange
        The request, people as the reader may see them.

    Examples
    --------
    >>> headers = {"Authorization": "Bearer [secret opaque 32 #1]"}
    >>> url = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
    >>> print(as_curl(Exchange(method="GET", url=url, request_headers=headers)))
    curl https://us.sms.api.sinch.com/xms/v1/plan1/batches \
      -H "Authorization: Bearer $SINCH_API_TOKEN"
    """
    request = _to_run(exchange)
    words = to_curl(request)
    if request.request_body is not None and header(request.request_headers, "content-type") is None:
        words = words.replace(" \\\n  -H 'Content-Type:'", "")
    return _IN_QUOTES.sub(
        lambda found: f'"{found[1]}"' if _is_header(found[1]) else found[0], words
    )


def as_python(exchange: Exchange) -> str:
    """
    Return the request as a few lines of Python with ``requests``.

    As in `as_curl`, a request without headers gets those that it needs.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
    >>> print(as_python(Exchange(method="GET", url=url)))
    import os
    <BLANKLINE>
    import requests
    <BLANKLINE>
    response = requests.request(
        "GET",
        "https://us.sms.api.sinch.com/xms/v1/plan1/batches",
        headers={"Authorization": f"Bearer {os.environ['SINCH_API_TOKEN']}"},
    )
    print(response.status_code, response.text)
    """
    request = _to_run(exchange)
    body, value = request.request_body, value_of(request.request_body)
    headers = ", ".join(
        f"{_literal(name)}: {_with_token(text)}" for name, text in request.request_headers.items()
    )
    lines = [f"    {_literal(request.method or 'GET')},", f"    {_literal(request.url or '')},"]
    lines.append(f"    headers={{{headers}}},")
    if value is not None:
        lines.append(f"    json={_indented(value)},")
    elif body is not None:
        lines.append(f"    data={body!r},")
    imports = "import os\n\nimport requests" if TOKEN in headers or "os." in headers else ""
    head = imports or "import requests"
    call = "\n".join(["response = requests.request(", *lines, ")"])
    return f"{head}\n\n{call}\nprint(response.status_code, response.text)"


def _to_run(exchange: Exchange) -> Exchange:
    """Return what is worth sending again, with variables in place of secrets."""
    request = as_it_goes(exchange)
    headers = {
        name: MARKER.sub(TOKEN, value)
        for name, value in (request.request_headers or _needed(exchange)).items()
        if name.lower() not in _LEFT_OUT
    }
    return replace(request, request_headers=headers)


def _needed(exchange: Exchange) -> dict[str, str]:
    """Return the headers that a request needs, where the evidence shows none."""
    needed = {"Authorization": f"Bearer {TOKEN}"}
    return needed if exchange.request_body is None else {"Content-Type": _JSON} | needed


def _is_header(word: str) -> bool:
    return bool(re.match(r"[\w-]+: ", word)) and "`" not in word and '"' not in word


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _with_token(text: str) -> str:
    if TOKEN not in text:
        return _literal(text)
    return f"f{_literal(text)}".replace(TOKEN, "{os.environ['SINCH_API_TOKEN']}")


def _indented(value: object) -> str:
    from pprint import pformat

    return pformat(value, width=88, sort_dicts=False).replace("\n", "\n    ")
