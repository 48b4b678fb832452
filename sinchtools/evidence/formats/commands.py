"""Commands of HTTPie, xh and wget, read as these programs would send them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import nushell
from sinchtools.evidence.formats.shell import quiet_command
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import HTTP_METHODS, Piece, joined, words

_START = re.compile(
    r"^(?:[^\n#]{0,120}?[$%#>❯➜] |[^\n#]{0,120}?〉 ?|[❯➜] [^\n#]{0,80} |[ \t]*)"
    r"(?P<piped>(?:echo|printf) [^\n|]{1,4000}\| *)?"
    r"(?P<command>(?P<program>https?|xhs?|wget)(?:\.exe)?) +(?=\S)",
    re.MULTILINE,
)
# options of HTTPie and xh that take a value: their manual pages
_HTTPIE_WITH_VALUE = frozenset(
    words(
        "--auth -a --auth-type -A --body-data --boundary --cert --cert-key --ciphers "
        "--default-scheme --format-options --max-redirects --output -o --pretty "
        "--print -p --proxy --raw --response-charset --response-mime --session "
        "--session-read-only --ssl --style -s --timeout --unsorted --verify"
    )
)
_WGET_WITH_VALUE = frozenset(
    words(
        "-O --output-document -o --output-file -t --tries -T --timeout --header --method "
        "--body-data --post-data --body-file --post-file -U --user-agent --user --password "
        "--http-user --http-password --ca-certificate --certificate --private-key -a "
        "--append-output -w --wait --waitretry -P --directory-prefix -e --execute"
    )
)
# a separator of HTTPie's request items, the longest first: its documentation, "Request items"
_ITEM = re.compile(
    r"(?P<name>(?:\\.|[^:=@\\])*?)(?P<sign>:=@|==|:=|=@|=|:|@)(?P<value>.*)", re.DOTALL
)
_PROGRAMS = ("http ", "https ", "xh ", "xhs ", "wget ", ".exe ")


def find(piece: Piece) -> Iterator[Found]:
    """Yield the request of each command of HTTPie, xh and wget."""
    if not any(program in piece.text for program in _PROGRAMS):
        return
    at = 0
    for start in _START.finditer(piece.text):
        if start.start() < at:
            continue
        if start["program"] == "http" and (
            exchange := nushell.exchange_of(piece.text, start.start("command"))
        ):
            first = piece.line_of(start.start("command"))
            yield Found(first, first, exchange)
            continue
        command = quiet_command(piece.text, start.start("command"), piece.variables)
        if command is None:
            continue
        read = _READERS["wget" if start["program"] == "wget" else "http"]
        exchange = read(start["program"], command.words[1:], _input(piece, start) or command.stdin)
        if exchange is None:
            continue
        first = piece.line_of(start.start("command"))
        at = max(start.end(), command.end)
        last = first + piece.text[start.start("command") : at].rstrip().count("\n")
        yield Found(first, last, exchange)


def _input(piece: Piece, start: re.Match[str]) -> str | None:
    """Return what a command is given through a pipe, or None."""
    before = start["piped"] and quiet_command(piece.text, start.start("piped"), piece.variables)
    return " ".join(word for word in before.words[1:] if word != "-n") if before else None


def _httpie(program: str, given: list[str], sent: str | None) -> Exchange | None:
    options, plain = _split(given, _HTTPIE_WITH_VALUE)
    method = plain.pop(0).upper() if plain and plain[0].upper() in HTTP_METHODS else None
    if not plain or not _is_url(plain[0]):
        return None
    url = plain[0] if "://" in plain[0] else f"{_scheme(program)}://{plain[0].removeprefix('//')}"
    items = [item for part in plain[1:] if (item := _ITEM.fullmatch(part))]
    headers = joined((i["name"], i["value"].strip()) for i in items if i["sign"] == ":")
    query = [(i["name"], i["value"]) for i in items if i["sign"] == "=="]
    body = options.get("--raw") or _body(items, is_form="--form" in options or "-f" in options)
    body = body or (sent and sent.rstrip("\n")) or None
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query)
    if credential := options.get("--auth", options.get("-a")):
        headers.setdefault("Authorization", _authorization(options, credential))
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    method = method or ("GET" if body is None else "POST")
    return Exchange(method=method, url=url, request_headers=headers, request_body=body)


def _body(items: list[re.Match[str]], *, is_form: bool) -> str | None:
    pairs: dict[str, Any] = {}
    for item in items:
        if item["sign"] == "=":
            pairs[item["name"]] = item["value"]
        elif item["sign"] == ":=":
            pairs[item["name"]] = _value(item["value"])
    if not pairs:
        return None
    return urlencode(pairs) if is_form else json.dumps(pairs, ensure_ascii=False)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _authorization(options: dict[str, str], credential: str) -> str:
    if options.get("--auth-type", options.get("-A")) == "bearer":
        return f"Bearer {credential}"
    return "Basic " + base64.b64encode(credential.encode()).decode()


def _scheme(program: str) -> str:
    return "https" if program in ("https", "xhs") else "http"


def _wget(_: str, given: list[str], sent: str | None) -> Exchange | None:
    options, plain = _split(given, _WGET_WITH_VALUE)
    url = next(filter(_is_url, plain), None)
    if url is None:
        return None
    body = options.get("--body-data", options.get("--post-data"))
    headers = joined(
        (name.strip(), value.strip())
        for name, _, value in (text.partition(":") for text in _all("--header", given))
    )
    if body is not None:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    method = options.get("--method", "GET" if body is None else "POST").upper()
    url = url if "://" in url else f"http://{url}"
    return Exchange(method=method, url=url, request_headers=headers, request_body=body)


def _split(given: list[str], with_value: frozenset[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options with their values, and the other words."""
    options: dict[str, str] = {}
    plain = []
    rest = iter(given)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            plain.append(word)
        elif word.startswith("--") and equals:
            options[name] = value
        elif word in with_value:
            options[word] = next(rest, "")
        else:
            options[word] = ""
    return options, plain


def _all(option: str, given: list[str]) -> list[str]:
    """Return each value of an option that may be given several times."""
    after = [value for name, value in pairwise(given) if name == option]
    start = f"{option}="
    return after + [word.removeprefix(start) for word in given if word.startswith(start)]


def _is_url(word: str) -> bool:
    return (
        re.match(r"(?:https?:)?//|localhost\b|:\d|[\w-]+(?:\.[\w-]+)+(?:[:/]|$)", word) is not None
    )


_READERS: dict[str, Callable[[str, list[str], str | None], Exchange | None]] = {
    "http": _httpie,
    "wget": _wget,
}
